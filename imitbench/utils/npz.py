"""Arrays on disk: one npz file with a JSON header and a checksum, without pickle."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write
from imitbench.utils.json_schema import one_line

Arrays = dict[str, np.ndarray]
DTYPE_KINDS = "biuf"  # of numpy: booleans and numbers, never objects
MAX_COMPRESSION = 1100  # bytes of content per byte of file; deflate reaches at most 1,032

MAKE_AGAIN = "make it again"


class ArrayParts(NamedTuple):
    """An array that is never in memory as a whole."""

    dtype: np.dtype
    shape: tuple[int, ...]
    parts: Iterable[np.ndarray]  # one after the other, along the first axis


def checksum(
    arrays: Mapping[str, np.ndarray | ArrayParts], header: dict[str, Any] | None = None
) -> str:
    """Computes the sha256 of arrays, and of a header where there is one.

    Args:
        arrays: arrays of any shape by name, whole or in parts. Names, types, shapes and bytes all
            count; the order of the names does not.
        header: any JSON object.

    Returns:
        The digest in hexadecimal.
    """
    digest = hashlib.sha256()
    if header is not None:
        digest.update(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        x = arrays[name]
        if not isinstance(x, ArrayParts):
            x = np.ascontiguousarray(x)  # single numbers get one axis
        digest.update(f"{name} {x.dtype.str} {x.shape};".encode())
        for part in x.parts if isinstance(x, ArrayParts) else (x,):
            digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def write(path: Path, header: dict[str, Any], arrays: Arrays) -> None:
    """Writes header and arrays to one file, atomically. Equal contents give equal bytes.

    Args:
        path: the file.
        header: any JSON object.
        arrays: arrays of any shape by name; "header" is not a free name.

    Raises:
        UserError: the file cannot be written.
    """
    text = np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8)
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, header=text, **arrays)


def read(
    path: Path, kind: str, limit: int | None = None, remedy: str = MAKE_AGAIN
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads header and arrays of a file. The caller checks their schema and their checksum.

    Args:
        path: the file.
        kind: what the file should be, for the messages: "data set", ...
        limit: the most bytes that all arrays may have together; by default any number.
        remedy: what to do where the file is none of this kind, for the message.

    Returns:
        The header, and the arrays by name.

    Raises:
        UserError: the file does not exist, cannot be read, or holds more than `limit` bytes.
    """
    arrays = read_arrays(path, kind, limit, remedy)
    try:
        header = json.loads(arrays.pop("header").tobytes())
        assert isinstance(header, dict), "its header is no JSON object"
    except (ValueError, KeyError, AssertionError) as error:
        raise _unreadable(path, kind, error, remedy) from None
    return header, arrays


def read_arrays(
    path: Path, kind: str, limit: int | None = None, remedy: str = MAKE_AGAIN
) -> Arrays:
    """Reads the arrays of any npz file.

    Args:
        path: the file.
        kind: what the file should be, for the messages: "data set", ...
        limit: the most bytes that all arrays may have together; by default any number.
        remedy: what to do where the file is none of this kind, for the message.

    Returns:
        The arrays by name: booleans and numbers; nothing is unpickled.

    Raises:
        UserError: the file does not exist, cannot be read, or holds more than `limit` bytes.
    """
    try:
        with zipfile.ZipFile(path) as file:
            size = sum(part.file_size for part in file.infolist())
            assert size <= MAX_COMPRESSION * path.stat().st_size, f"{size} bytes cannot be in it"
            if limit is not None and size > limit:
                raise UserError(
                    f"{path} holds {size} bytes of arrays, expected at most {limit}; make it again"
                )
            return {_array_name(part): _parse(file.read(part)) for part in file.infolist()}
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except UserError:
        raise
    except (OSError, ValueError, KeyError, EOFError, AssertionError, zipfile.BadZipFile) as error:
        raise _unreadable(path, kind, error, remedy) from None
    except Exception as error:  # a damaged deflate stream raises zlib.error, among others
        raise UserError(f"{path} is damaged ({one_line(error)}); make it again") from None


def _unreadable(path: Path, kind: str, error: Exception, remedy: str) -> UserError:
    return UserError(f"{path} is not a readable {kind} ({one_line(error)}); {remedy}")


def _array_name(part: zipfile.ZipInfo) -> str:
    assert part.filename.endswith(".npy"), f"{part.filename!r} is no array"
    return part.filename.removesuffix(".npy")


def _parse(contents: bytes) -> np.ndarray:
    """Parses the bytes of a .npy file.

    numpy's reader allocates memory for any shape that the file claims; here the shape must match
    the number of bytes.
    """
    file = io.BytesIO(contents)
    version = np.lib.format.read_magic(file)
    assert version in ((1, 0), (2, 0)), f"version {version} of an array"
    is_old = version == (1, 0)
    parse = np.lib.format.read_array_header_1_0 if is_old else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = parse(file)
    assert dtype.kind in DTYPE_KINDS, f"an array of type {dtype}"
    data, count = contents[file.tell() :], math.prod(shape)
    assert len(data) == count * dtype.itemsize, f"shape {shape} for {len(data)} bytes"
    flat = np.frombuffer(data, dtype, count).copy()
    return flat.reshape(shape, order="F" if fortran_order else "C")
