"""Compiled programs that runs of the tests share.

Compilation is most of the fast tests' time. All processes of a run write into one folder of its
own, which begins with the programs of earlier runs. A run that ends adds its new ones to those; a
run that is killed adds none, so that no half-written program is ever read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

A_DAY = 24 * 3600.0  # s
LARGEST = 2 << 30  # bytes of the programs of earlier runs


def begin(kept: Path) -> Path:
    """Makes the folder of a run.

    Args:
        kept: the folder with the programs of earlier runs.
    """
    kept.mkdir(parents=True, exist_ok=True)
    for left in kept.parent.glob(f"{kept.name}-run-*"):  # by runs that were killed
        if time.time() - left.stat().st_mtime > A_DAY:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{kept.name}-run-", dir=kept.parent))
    for program in kept.iterdir():
        with contextlib.suppress(FileNotFoundError, FileExistsError):  # another run empties it
            os.link(program, folder / program.name)
    return folder


def end(folder: Path, kept: Path) -> None:
    """Keeps the new programs of a run, and removes its folder.

    Args:
        folder: of the run.
        kept: the folder with the programs of earlier runs.
    """
    if sum(x.stat().st_size for x in folder.iterdir()) > LARGEST:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(exist_ok=True)
    else:
        for program in folder.iterdir():
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                os.link(program, kept / program.name)
    shutil.rmtree(folder, ignore_errors=True)
