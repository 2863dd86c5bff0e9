"""The machine: its CPUs, atomic writes, and where caches live."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from imitbench.core.types import UserError


def available_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_dir(name: str) -> Path:
    """A folder in the user's cache, made if need be."""
    folder = platformdirs.user_cache_path("imitbench", appauthor=False) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def writable(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        UserError: it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"cannot write to {folder}: {error.strerror}; choose another folder with --results"
        ) from error
    return folder


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the system lets go of it however the process ends.

    Raises:
        UserError: another process holds it, or it cannot be written to.
    """
    with (writable(folder) / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                f"another run is writing into {folder}: wait for its end, or choose another folder "
                "with --results"
            ) from None
        yield
