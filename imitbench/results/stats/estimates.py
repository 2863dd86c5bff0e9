"""Estimates with their intervals, and the statistics that they are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LEVEL = 0.95


class Estimate(NamedTuple):
    """A number with the two ends of its interval; the ends are nan where there is no interval."""

    value: float
    low: float
    high: float


def mean(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The mean along an axis; a statistic for `aggregate`.

    Args:
        x: [..., n].
        axis: the axis of the n values.

    Returns:
        [...].
    """
    return np.mean(x, axis=axis)


def iqm(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The interquartile mean: the mean of the middle half of the values.

    Agarwal et al. 2021 (arXiv:2108.13264). Of n values the lowest n/4 and the highest n/4 are left
    out. Where n/4 is not an integer, the value at each cut counts in part, so that the estimate
    exists for every n.

    Args:
        x: [..., n].
        axis: the axis of the n values.

    Returns:
        [...].
    """
    x = np.sort(np.moveaxis(np.asarray(x, np.float64), axis, -1), axis=-1)
    n = x.shape[-1]
    cut = n / 4
    rank = np.arange(n)
    share = np.clip(np.minimum(rank + 1, n - cut) - np.maximum(rank, cut), 0.0, 1.0)
    return (x * share).sum(-1) / share.sum()


def optimality_gap(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The mean shortfall from a score of 1; lower is better.

    A score above 1 counts as 1: it does not make up for a low one. Agarwal et al. 2021
    (arXiv:2108.13264), section 4.3.

    Args:
        x: [..., n] normalised scores.
        axis: the axis of the n scores.

    Returns:
        [...].
    """
    return np.mean(np.maximum(1.0 - np.asarray(x, np.float64), 0.0), axis=axis)


def mean_of_means(sizes: list[int]) -> Callable[..., np.ndarray]:
    """Makes a statistic of joined strata: the mean over the strata of their means.

    Strata of any sizes have equal weights.

    Args:
        sizes: how many values each stratum has, in the order in which the strata are joined.

    Returns:
        A function that maps [..., sum(sizes)] to [...].
    """
    return _of_means(sizes, np.mean)


def median_of_means(sizes: list[int]) -> Callable[..., np.ndarray]:
    """Makes a statistic of joined strata: the median over the strata of their means.

    Args:
        sizes: how many values each stratum has, in the order in which the strata are joined.

    Returns:
        A function that maps [..., sum(sizes)] to [...].
    """
    return _of_means(sizes, np.median)


def _of_means(sizes: list[int], combine: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    cuts = np.cumsum(sizes)[:-1]

    def statistic(x: np.ndarray, axis: int = -1) -> np.ndarray:
        strata = np.split(np.moveaxis(np.asarray(x, np.float64), axis, -1), cuts, axis=-1)
        return combine(np.stack([s.mean(-1) for s in strata], axis=-1), axis=-1)

    return statistic


def standard_error(x: np.ndarray) -> float:
    """The standard error of a mean: the sample standard deviation over the root of the number.

    Args:
        x: [S].

    Returns:
        The standard error; nan for a single value.
    """
    x = np.asarray(x, np.float64)
    return float(np.std(x, ddof=1) / np.sqrt(len(x))) if len(x) > 1 else float("nan")


def probability_of_improvement(a: np.ndarray, b: np.ndarray) -> float:
    """The probability that a random score of `a` exceeds a random score of `b`.

    Agarwal et al. 2021 (arXiv:2108.13264), section 4.3.

    Args:
        a: [S_a] scores.
        b: [S_b] scores.

    Returns:
        A probability; above 0.5 favours `a`. A tie counts half.
    """
    return float(wins(a, b).mean())


def wins(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which scores of `a` [S_a] exceed which of `b` [S_b].

    Returns:
        [S_a, S_b]: 1 where `a` is higher, 0 where `b` is, 0.5 for a tie; nan where one is nan.
    """
    x, y = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    won = (x > y) + 0.5 * (x == y)
    return np.where(np.isnan(x) | np.isnan(y), np.nan, won)
