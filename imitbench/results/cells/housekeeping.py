"""Housekeeping in a folder of results: leftovers, cells that are set aside, finishing times."""

from __future__ import annotations

import datetime
import os
import shutil
from contextlib import suppress
from pathlib import Path

from imitbench.results.cells.store import UNFINISHED, cells_folder
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_if_free, sync, write_errors
from imitbench.utils.json_schema import read_json


def finishing_time(root: Path) -> str:
    """The time for a cell that finishes now: later than that of every finished cell.

    A clock that was set back does not make a new cell look older than those before it.

    Args:
        root: the folder of results.

    Returns:
        UTC, to the second.
    """
    now = datetime.datetime.now(datetime.UTC)
    for path in cells_folder(root).glob("[!.]*/cell.json"):
        # A damaged one is named by `store.read`.
        with suppress(UserError, ValueError, TypeError, KeyError, OverflowError):
            text = read_json(path, "a finished cell's", "")["finished_at"]
            before = datetime.datetime.fromisoformat(text)
            now = max(now, before + datetime.timedelta(seconds=1))
    return now.isoformat(timespec="seconds")


def set_aside(root: Path, folder: Path) -> Path:
    """Moves a finished cell out of the results, without deleting anything.

    Only the process that holds the folder's lock may call it.

    Args:
        root: the folder of results.
        folder: of the cell.

    Returns:
        The new folder, in `aside/`.

    Raises:
        UserError: it cannot be moved.
    """
    aside = root / "aside"
    target = aside / folder.name
    with write_errors(aside):
        aside.mkdir(exist_ok=True)
        while target.exists():
            target = target.with_name(target.name + "-older")
        os.rename(folder, target)
        sync(aside)
        sync(folder.parent)
    return target


def tidy(root: Path) -> None:
    """Removes half-written cells of killed runs, and the checkpoints of finished cells.

    Only the process that holds the folder's lock may call it.

    Args:
        root: the folder of results.
    """
    for folder in cells_folder(root).glob(f"{UNFINISHED}*"):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (root / "partial").glob("*"):
        if not (cells_folder(root) / folder.name).exists():
            continue
        with lock_if_free(folder) as owner:
            if owner is None:
                shutil.rmtree(folder, ignore_errors=True)
