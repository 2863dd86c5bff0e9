"""Plain Python values as bytes, bit for bit and without pickle: nothing in them is executed.

msgpack has integers of 64 bits, floats, text, bytes, lists and dictionaries; tuples, sets, large
integers, arrays and numpy's numbers are extensions.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgpack
import numpy as np

_TUPLE, _SET, _FROZENSET, _DEQUE, _INT, _COMPLEX, _ARRAY, _NUMBER = range(8)
_CONTAINERS = {tuple: _TUPLE, set: _SET, frozenset: _FROZENSET, deque: _DEQUE}
_KINDS = {code: kind for kind, code in _CONTAINERS.items()}


def encode(value: Any) -> bytes:
    """Returns a value as bytes.

    Args:
        value: numbers, text, bytes, arrays, None, and containers of these.

    Raises:
        TypeError: it holds something else.
    """
    return _pack(value)


def _pack(value: Any) -> Any:
    return msgpack.packb(value, default=_extension, strict_types=True, use_bin_type=True)


def _extension(value: Any) -> Any:
    kind = type(value)
    if kind in _CONTAINERS:
        return msgpack.ExtType(_CONTAINERS[kind], _pack(list(value)))
    if kind is int:  # of more than 64 bits
        return msgpack.ExtType(_INT, str(value).encode())
    if kind is complex:
        return msgpack.ExtType(_COMPLEX, _pack([value.real, value.imag]))
    if isinstance(value, np.ndarray):
        contents = np.ascontiguousarray(value).tobytes()
        return msgpack.ExtType(_ARRAY, _pack([value.dtype.str, list(value.shape), contents]))
    if isinstance(value, np.generic):
        return msgpack.ExtType(_NUMBER, _pack([value.dtype.str, value.tobytes()]))
    raise TypeError(f"a {kind.__name__} has no encoding")


def decode(contents: bytes) -> Any:
    """Returns the value of bytes that `encode` made.

    Raises:
        ValueError: they are damaged.
    """
    try:
        return _unpack(contents)
    except Exception as error:  # msgpack's and numpy's errors are of many kinds
        raise ValueError(f"damaged bytes: {type(error).__name__}") from None


def _unpack(contents: bytes) -> Any:
    return msgpack.unpackb(contents, ext_hook=_value, strict_map_key=False, raw=False)


def _value(code: int, contents: bytes) -> Any:
    if code in _KINDS:
        return _KINDS[code](_unpack(contents))
    if code == _INT:
        return int(contents)
    if code == _COMPLEX:
        return complex(*_unpack(contents))
    dtype, *shape, data = _unpack(contents)
    array = np.frombuffer(data, np.dtype(dtype))
    return array.reshape(shape[0]).copy() if code == _ARRAY else array[0]
