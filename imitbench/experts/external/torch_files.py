"""Tensors of a file that torch has saved, read without torch; nothing in the file is executed.

Such a file is a zip archive: `data.pkl` names the tensors, and a file for each storage holds its
numbers. The pickle is read by an interpreter that knows tensors and dictionaries, and nothing else.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import pickletools
import zipfile
from typing import Any, NamedTuple

import numpy as np

MAX_PICKLE = 2**20  # bytes of `data.pkl`, and entries of its memo
STORAGES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1",
    "BoolStorage": "?",
}  # fmt: skip


class _Storage(NamedTuple):
    """The type of the numbers of a storage."""

    dtype: np.dtype


def read_tensors(contents: bytes) -> dict[str, np.ndarray]:
    """Reads a dictionary of tensors.

    Args:
        contents: the bytes of the file.

    Returns:
        The tensors by name.

    Raises:
        ValueError, KeyError, zipfile.BadZipFile, and others: the file is damaged, or holds anything
            but tensors in dictionaries.
    """
    with zipfile.ZipFile(io.BytesIO(contents)) as archive:
        (name,) = [n for n in archive.namelist() if n.rpartition("/")[2] == "data.pkl"]
        folder = name.removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist():
            if archive.read(f"{folder}byteorder") != b"little":
                raise ValueError("its numbers are big-endian")
        if archive.getinfo(name).file_size > MAX_PICKLE:
            raise ValueError(f"its data.pkl has more than {MAX_PICKLE} bytes")
        text = archive.read(name)
        _check_memo(text)
        found = _Reader(text, archive, folder).load()
    if not isinstance(found, dict):
        raise ValueError("it holds no dictionary of tensors")
    return {str(k): v for k, v in found.items() if isinstance(v, np.ndarray)}


def _check_memo(text: bytes) -> None:
    """A single number in a pickle can ask for any amount of memory."""
    for opcode, argument, _ in pickletools.genops(text):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > MAX_PICKLE:
            raise ValueError("its data.pkl is damaged")


class _Reader(pickle.Unpickler):
    """Reads tensors. Every name that the pickle asks for is looked up here, in a fixed list."""

    def __init__(self, text: bytes, archive: zipfile.ZipFile, folder: str):
        super().__init__(io.BytesIO(text))
        self._archive, self._folder = archive, folder

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module_name, global_name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module_name, global_name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *rest: tensor
        if module_name == "torch" and global_name in STORAGES:
            return _Storage(np.dtype(STORAGES[global_name]))
        raise ValueError(f"it asks for {module_name}.{global_name}, which is not a tensor's")

    def persistent_load(self, pid: Any, /) -> np.ndarray:
        """The numbers of a storage, as its file in the archive has them."""
        kind, storage, key, _, count = pid
        if kind != "storage" or not isinstance(storage, _Storage):
            raise ValueError("it has an unknown kind of storage")
        part = self._archive.getinfo(f"{self._folder}data/{key}")
        if part.file_size != count * storage.dtype.itemsize:
            raise ValueError(f"storage {key} has {part.file_size} bytes for {count} numbers")
        return np.frombuffer(self._archive.read(part), storage.dtype)


def _tensor(storage: np.ndarray, offset: int, size: tuple, stride: tuple, *rest: Any) -> np.ndarray:
    """A tensor that lies in its storage row by row, as those of networks do."""
    expected = [math.prod(size[i + 1 :]) for i in range(len(size))]
    end = offset + math.prod(size)
    contiguous = all(s == e for n, s, e in zip(size, stride, expected, strict=True) if n != 1)
    if not (contiguous and 0 <= offset <= end <= len(storage)):
        raise ValueError(f"a tensor of shape {tuple(size)} does not fit its storage")
    return storage[offset:end].reshape(size)
