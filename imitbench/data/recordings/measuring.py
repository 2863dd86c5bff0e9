"""Ranges and moments of the arrays of a recording, a block at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

BLOCK = 2**20  # numbers that are converted at a time: no second copy of a recording is made


class Range(NamedTuple):
    """The numbers of one array over all rows, by component; those that are not finite left out."""

    shape: tuple[int, ...]  # of one step
    dtype: str  # "float32"; "float32, float64" where episodes differ
    min: np.ndarray  # of `shape`, as the three below; NaN where no number is finite
    max: np.ndarray
    mean: np.ndarray
    std: np.ndarray  # divided by the number of rows; exactly 0 for a constant
    nonfinite: int  # numbers that are NaN or infinite


def blocks(arrays: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yields all rows of arrays [n, ...] as float64 [R, C], about `BLOCK` numbers at a time."""
    columns = math.prod(arrays[0].shape[1:])
    most, group, rows = max(1, BLOCK // max(1, columns)), [], 0
    for x in arrays:
        flat = x.reshape(len(x), columns)
        for i in range(0, len(x), most):
            group.append(flat[i : i + most])
            rows += len(group[-1])
            if rows >= most:
                yield np.concatenate(group, dtype=np.float64)
                group, rows = [], 0
    if group:
        yield np.concatenate(group, dtype=np.float64)


def measure(arrays: Sequence[np.ndarray]) -> Range:
    """Measures the numbers of one array over all episodes, in float64.

    Args:
        arrays: one for each episode, [n, ...].

    Returns:
        Ranges and moments by component.
    """
    shape = arrays[0].shape[1:]
    total, count, squares = np.zeros((3, math.prod(shape)))
    low, high, nonfinite = total + np.inf, total - np.inf, 0
    with np.errstate(all="ignore"):  # numbers may be of any size, and none may be finite
        for x, mask in _masked(arrays):
            low = np.minimum(low, x.min(axis=0, initial=np.inf, where=mask))
            high = np.maximum(high, x.max(axis=0, initial=-np.inf, where=mask))
            total += x.sum(axis=0, where=mask)
            count += np.broadcast_to(mask, x.shape).sum(axis=0)
            nonfinite += 0 if mask is True else int(np.sum(~mask))
        mean = total / count
        for x, mask in _masked(arrays):
            squares += np.square(x - mean).sum(axis=0, where=mask)
        std = np.where(low == high, 0.0, np.sqrt(squares / count))
    low, high = (np.where(count > 0, v, np.nan) for v in (low, high))
    low, high, mean, std = (v.reshape(shape) for v in (low, high, mean, std))
    dtypes = ", ".join(sorted({str(x.dtype) for x in arrays}))
    return Range(shape, dtypes, low, high, mean, std, nonfinite)


def _masked(arrays: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray | bool]]:
    """Blocks with the mask of their finite numbers, which is True where all are."""
    for x in blocks(arrays):
        mask = np.isfinite(x)
        yield x, True if mask.all() else mask
