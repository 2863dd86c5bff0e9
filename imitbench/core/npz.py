"""Arrays on disk: one npz with a JSON header and a checksum; no pickle."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.core.host import atomic
from imitbench.core.types import UserError

Arrays = dict[str, np.ndarray]


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
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, header=text, **arrays)


def read(path: Path, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and arrays as they are in the file; the caller checks schema and checksum.

    Args:
        what: what the file should be, for the messages: "data set", ...

    Raises:
        UserError: there is no such file, or it cannot be read.
    """
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {k: file[k] for k in file.files}
        header = json.loads(arrays.pop("header").tobytes())
        assert isinstance(header, dict)
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except (OSError, ValueError, KeyError, EOFError, AssertionError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is not a readable {what} ({error}); make it again") from None
    except Exception as error:  # a damaged deflate stream raises zlib.error, among others
        raise UserError(f"{path} is damaged ({error}); make it again") from None
    return header, arrays
