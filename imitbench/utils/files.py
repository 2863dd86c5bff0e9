"""Files that are written whole or not at all, and locked folders."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line

LOCK = ".lock"
FOLDER_NAME = re.compile(r"(?!\.)[\w.+-]{1,100}")
REMEDIES = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "raise the limit on a file's size (ulimit -f)",
}
"""What to do about an error number of the system, where another folder would not help."""


def check_folder_name(kind: str, name: object) -> str:
    """Checks that a name, such as that of a suite or a profile, can be the name of a folder.

    Args:
        kind: what is named, for the message: "suite name", "profile".
        name: the name, of any type where it comes from a file.

    Returns:
        The name.

    Raises:
        UserError: it is no text, it has other characters than letters, digits and `_.+-`, begins
            with a dot, or is empty or longer than 100 characters.
    """
    if not isinstance(name, str) or not FOLDER_NAME.fullmatch(name):
        raise UserError(
            f"{kind} {name!r}: expected 1 to 100 letters, digits or _.+- without a leading dot, "
            "because it names a folder; rename it"
        )
    return name


def user_path(path: object) -> Path:
    """Returns a path that a user gave, with `~` replaced by the home folder.

    Args:
        path: text or a `Path`.

    Raises:
        UserError: it is something else, or the home folder of somebody who does not exist.
    """
    try:
        return Path(path).expanduser()  # type: ignore[arg-type]
    except (TypeError, RuntimeError):
        raise UserError(f"{path!r:.60} is no path: expected text or a pathlib.Path") from None


def write_error(path: Path, reason: str, number: int | None = None) -> UserError:
    """Builds the error for a file or folder that cannot be written.

    Args:
        path: the file or folder.
        reason: the reason, in the words of the system.
        number: the error number of the system (`OSError.errno`), where it is known.

    Returns:
        The error, to be raised by the caller.
    """
    remedy = REMEDIES.get(number or 0)
    if remedy is None:
        return UserError(f"cannot write to {path}: {reason}; choose another folder")
    return UserError(
        f"cannot write to {path}: {reason}; {remedy} and run the same command again: it continues "
        "from the finished part"
    )


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turns an `OSError` of the block into a `UserError` about `path`.

    Args:
        path: the file or folder that the block writes, for the message.

    Raises:
        UserError: the block raised an `OSError`: a full disk, a missing permission, ...
    """
    try:
        yield
    except OSError as error:
        raise write_error(path, error.strerror or one_line(error), error.errno) from error


def sync(path: Path) -> None:
    """Waits until a file, or the list of names in a folder, is on the disk.

    Without it, a file that was renamed into place can be empty after a power failure.

    Args:
        path: the file or folder.

    Raises:
        OSError: the path cannot be opened or synchronised.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a temporary file beside `path`; it replaces `path` if the block ends without an error.

    Args:
        path: the final file; its folder is created where it is missing.

    Yields:
        The path of the temporary file, in the same folder and with the same suffix.

    Raises:
        UserError: the file cannot be written.
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


def require_folder_of(path: Path) -> None:
    """Checks that the folder of a file is there, before the work whose results go into the file.

    Args:
        path: the file.

    Raises:
        UserError: the folder is missing.
    """
    if not path.parent.is_dir():
        raise UserError(f"cannot write {path}: there is no folder {path.parent}; make it first")


def writable_folder(folder: Path) -> Path:
    """Returns the folder, which is created where it is missing and can be written to.

    Args:
        folder: the folder.

    Returns:
        `folder` itself.

    Raises:
        UserError: the folder cannot be created or written to.
    """
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")  # a full disk still accepts an empty file
            file.flush()
    return folder


def lock_owner(folder: Path) -> str:
    """Returns the id of the last process that locked a folder with `lock_folder`.

    Args:
        folder: the folder.

    Returns:
        The process id as text; empty while a process is writing it.

    Raises:
        OSError: no process ever locked the folder, or it does not exist.
    """
    return (folder / LOCK).read_bytes().decode(errors="replace").strip()


@contextmanager
def lock_folder(folder: Path, wait: bool = False) -> Iterator[None]:
    """Locks a folder for this process while the block runs.

    The system releases the lock however the process ends.

    Args:
        folder: the folder; it is created where it is missing.
        wait: wait until another process releases the folder, instead of raising an error.

    Raises:
        UserError: another process holds the lock, or the folder cannot be locked or written to.
    """
    with _lock(folder, wait) as owner:
        if owner is not None:
            raise UserError(
                f"another run is writing into {folder} (process {owner}): wait until it ends, or "
                "choose another folder with --results"
            )
        yield


@contextmanager
def lock_if_free(folder: Path) -> Iterator[str | None]:
    """Locks a folder for this process while the block runs, unless another process holds it.

    Args:
        folder: the folder; it is created where it is missing.

    Yields:
        None where the folder is locked; else the id of the process that holds it.

    Raises:
        UserError: the folder cannot be locked or written to.
    """
    with _lock(folder, wait=False) as owner:
        yield owner


@contextmanager
def _lock(folder: Path, wait: bool) -> Iterator[str | None]:
    with (writable_folder(folder) / LOCK).open("ab+", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield lock_owner(folder) or "unknown"
            return
        except OSError as error:
            raise UserError(
                f"{folder} cannot be locked ({error.strerror}), as on some network disks: choose "
                "another folder, with --results, or with XDG_CACHE_HOME for caches"
            ) from None
        with write_errors(folder):
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
        yield None
