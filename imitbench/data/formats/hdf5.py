"""Reading arrays of HDF5 files that come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line
from imitbench.utils.machine import import_optional
from imitbench.utils.npz import MAX_COMPRESSION

SIGNATURE = b"\x89HDF\r\n\x1a\n"  # the first bytes of an HDF5 file


def read_array(array: Any, where: str) -> np.ndarray:
    """Reads an array whose contents are in the file.

    HDF5 makes up what was never written: a file of a few kilobytes can declare gigabytes of one
    fill value, or compress them well.

    Args:
        array: of type `h5py.Dataset`; its shape has been checked.
        where: the data set, the episode and the array, for messages.

    Returns:
        The array.

    Raises:
        UserError: it holds no numbers, more bytes than what is stored can stand for, or bytes of
            another file.
    """
    if array.dtype.kind not in "fiub":
        raise UserError(f"{where} is of type {array.dtype}, expected numbers")
    if array.external:
        raise UserError(f"{where} is stored in another file ({array.external[0][0]}): copy it here")
    stored = array.id.get_storage_size()
    if array.nbytes > MAX_COMPRESSION * stored:
        raise UserError(
            f"{where} declares {array.nbytes:,} bytes, of which {stored:,} are stored: expected at "
            f"most {MAX_COMPRESSION} times as many; write it again"
        )
    return np.asarray(array[()])


def library() -> Any:
    """Imports the package h5py.

    Returns:
        The package.

    Raises:
        UserError: it is not installed.
    """
    return import_optional("h5py", "minari")


def has_signature(path: Path) -> bool:
    """Says whether a file begins as an HDF5 file does; False where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Opens an HDF5 file that comes from elsewhere.

    Args:
        path: the file.

    Yields:
        The file, of type `h5py.File`.

    Raises:
        UserError: h5py is missing, or the file does not exist, is no HDF5 file or is damaged.
    """
    if not path.is_file():
        raise UserError(f"no such file: {path}")
    if not has_signature(path):
        raise UserError(f"{path} is no HDF5 file: choose another file")
    with reading(path, "download it again") as file:
        yield file


@contextmanager
def reading(path: Path, remedy: str) -> Iterator[Any]:
    """Opens an HDF5 file that exists; damage that shows within the block is named.

    Args:
        path: the file.
        remedy: what to do about a damaged one, for the message.

    Yields:
        The file, of type `h5py.File`.

    Raises:
        UserError: h5py is missing, or the file is damaged.
    """
    try:
        with library().File(path, "r") as file:
            yield file
    except UserError:
        raise
    except Exception as error:  # a damaged HDF5 file raises OSError, RuntimeError and others
        raise UserError(f"{path} is damaged ({one_line(error)}); {remedy}") from None


def array(
    group: Any, name: str, where: str, rows: int | None = None, axes: int | None = None
) -> np.ndarray:
    """Reads an array of an HDF5 file; its contents are read only if it has the shape.

    Args:
        group: of type `h5py.Group`.
        name: the array's.
        where: the file and the group, for the messages.
        rows: the length; None: any.
        axes: the number of axes, 1 or 2; None: 1 or more. For 1, [rows, 1] is read as [rows].

    Returns:
        The array.

    Raises:
        UserError: it is missing, has another shape, or `read_array` refuses it.
    """
    value = group[name] if hasattr(group, "keys") and name in group else None
    shape = getattr(value, "shape", None) or ()
    column = axes == 1 and len(shape) == 2 and shape[1] == 1
    if not shape or rows not in (None, shape[0]) or not (column or axes in (None, len(shape))):
        found = "missing" if value is None else f"of shape {shape}" if shape else "no array of rows"
        tail = {None: ", ...", 1: ",", 2: ", size"}[axes]
        steps = "steps" if rows is None else rows
        raise UserError(f"{where}: {name!r} is {found}, expected an array of shape ({steps}{tail})")
    x = read_array(value, f"{where}: {name!r}")
    return x[:, 0] if column else x
