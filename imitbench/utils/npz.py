"""Arrays on disk: one npz with a JSON header and a checksum; no pickle."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write
from imitbench.utils.json_schema import one_line

Arrays = dict[str, np.ndarray]
KINDS = "biuf"  # of numpy types: truth values and numbers, never objects
DENSEST = 1100  # deflate packs at most 1,032 bytes into one


def checksum(arrays: Arrays, header: dict[str, Any] | None = None) -> str:
    """sha256 over names, types, shapes and bytes, and over the header where it is given."""
    digest = hashlib.sha256()
    if header is not None:
        digest.update(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        x = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {x.dtype.str} {x.shape};".encode())
        digest.update(x.tobytes())
    return digest.hexdigest()


def write(path: Path, header: dict[str, Any], arrays: Arrays) -> None:
    """Writes header and arrays, atomically. The same contents give the same bytes."""
    text = np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8)
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, header=text, **arrays)


def read(path: Path, what: str, limit: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and arrays as they are in the file; the caller checks schema and checksum.

    Args:
        what: what the file should be, for the messages: "data set", ...
        limit: bytes that all arrays may have together.

    Raises:
        UserError: there is no such file, or it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as file:
            size = sum(part.file_size for part in file.infolist())
            assert size <= DENSEST * path.stat().st_size, f"{size} bytes cannot be in it"
            if limit is not None and size > limit:
                raise UserError(
                    f"{path} holds {size} bytes of arrays, expected at most {limit}; make it again"
                )
            arrays = {_name(part): _array(file.read(part)) for part in file.infolist()}
        header = json.loads(arrays.pop("header").tobytes())
        assert isinstance(header, dict), "its header is no JSON object"
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except UserError:
        raise
    except (OSError, ValueError, KeyError, EOFError, AssertionError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} is not a readable {what} ({one_line(error)}); make it again"
        ) from None
    except Exception as error:  # a damaged deflate stream raises zlib.error, among others
        raise UserError(f"{path} is damaged ({one_line(error)}); make it again") from None
    return header, arrays


def _name(part: zipfile.ZipInfo) -> str:
    assert part.filename.endswith(".npy"), f"{part.filename!r} is no array"
    return part.filename.removesuffix(".npy")


def _array(contents: bytes) -> np.ndarray:
    """An array out of the bytes of a .npy file.

    numpy's own reader makes room for whatever shape the file claims; here it must be that of the
    bytes that are there.
    """
    file = io.BytesIO(contents)
    version = np.lib.format.read_magic(file)
    assert version in ((1, 0), (2, 0)), f"version {version} of an array"
    old = version == (1, 0)
    parse = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = parse(file)
    assert dtype.kind in KINDS, f"an array of type {dtype}"
    data, count = contents[file.tell() :], math.prod(shape)
    assert len(data) == count * dtype.itemsize, f"shape {shape} for {len(data)} bytes"
    flat = np.frombuffer(data, dtype, count).copy()
    return flat.reshape(shape, order="F" if fortran else "C")
