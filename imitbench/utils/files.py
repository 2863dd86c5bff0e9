"""The machine: its CPUs, optional packages, atomic writes, and where caches live."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """What is written in the block is for `path`.

    Raises:
        UserError: the system does not let it be written: a full disk, no permission, ...
    """
    try:
        yield
    except OSError as error:
        raise write_error(path, error.strerror or one_line(error), error.errno) from error


ROOM = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "raise the limit on a file's size (ulimit -f)",
}


def write_error(path: Path, reason: str, number: int | None = None) -> UserError:
    """The error for a file or folder that the system does not let be written.

    Args:
        number: the system's error number.
    """
    remedy = ROOM.get(number or 0)
    if remedy is None:
        return UserError(f"cannot write to {path}: {reason}; choose another folder")
    return UserError(
        f"cannot write to {path}: {reason}; {remedy} and run the same command again, which goes on "
        "from what is finished"
    )


def sync(path: Path) -> None:
    """Waits until a file or a folder's list of names is on the disk: what is renamed into place
    before that can be empty after a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends without an error.

    Raises:
        UserError: it cannot be written.
    """
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            os.chmod(temporary, 0o644)
            sync(temporary)
            os.replace(temporary, path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def writable_folder(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        UserError: it cannot be written to.
    """
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")  # a full disk still takes an empty file
            file.flush()
    return folder


LOCK = ".lock"


def lock_owner(folder: Path) -> str:
    """The number of the process that was the last to hold a folder by `alone`.

    Raises:
        OSError: none ever did, or the folder is not there.
    """
    return (folder / LOCK).read_bytes().decode(errors="replace").strip()


@contextmanager
def lock_folder(folder: Path, wait: bool = False) -> Iterator[None]:
    """Holds the folder for this process; the system lets go of it however the process ends.

    Args:
        wait: until it is free.

    Raises:
        UserError: another process holds it, or it cannot be written to.
    """
    with (writable_folder(folder) / LOCK).open("ab+", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise UserError(
                f"another run is writing into {folder} (process "
                f"{lock_owner(folder) or 'unknown'}): wait for its end, or choose another folder "
                "with --results"
            ) from None
        except OSError as error:
            raise UserError(
                f"{folder} cannot be locked ({error.strerror}), as on some network disks: choose "
                "another folder, with --results, or with XDG_CACHE_HOME for caches"
            ) from None
        with write_errors(folder):
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
        yield
