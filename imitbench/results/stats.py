"""Estimates over training seeds, with seeded bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95


class Estimate(NamedTuple):
    """A number with the two ends of its interval; the ends are nan where there is no interval."""

    value: float
    low: float
    high: float


def mean(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The mean along an axis; a statistic for `estimate`.

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


def median_of_means(sizes: list[int]) -> Callable[..., np.ndarray]:
    """Makes a statistic of joined strata: the median over the strata of their means.

    Args:
        sizes: how many values each stratum has, in the order in which the strata are joined.

    Returns:
        A function that maps [..., sum(sizes)] to [...].
    """
    cuts = np.cumsum(sizes)[:-1]

    def statistic(x: np.ndarray, axis: int = -1) -> np.ndarray:
        strata = np.split(np.moveaxis(np.asarray(x, np.float64), axis, -1), cuts, axis=-1)
        return np.median(np.stack([s.mean(-1) for s in strata], axis=-1), axis=-1)

    return statistic


def performance_profile(
    scores: list[np.ndarray], thresholds: np.ndarray, *, seed: int = 0, level: float = LEVEL
) -> np.ndarray:
    """The share of runs whose score is above each threshold, with a pointwise interval.

    Agarwal et al. 2021 (arXiv:2108.13264), section 4.2: the run-score distribution.

    Args:
        scores: the scores [S] of each stratum (task).
        thresholds: [K].
        seed: of the resampling.
        level: of the interval.

    Returns:
        [3, K]: the shares, and the low and the high ends of their intervals.
    """

    def share_above(x: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.mean(x[..., None] > thresholds, axis=-2)

    resampled = bootstrap(scores, share_above, seed=seed)
    share = share_above(np.concatenate([np.asarray(s) for s in scores]))
    return np.stack([share, *percentile_interval(resampled, level)])


def standard_error(x: np.ndarray) -> float:
    """The standard error of a mean: the sample standard deviation over the root of the number.

    Args:
        x: [S].

    Returns:
        The standard error; nan for a single value.
    """
    x = np.asarray(x, np.float64)
    return float(np.std(x, ddof=1) / np.sqrt(len(x))) if len(x) > 1 else float("nan")


def bootstrap(
    scores: list[np.ndarray],
    statistic: Callable[..., np.ndarray],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """Resamples a statistic by the stratified bootstrap.

    Seeds are drawn with replacement within each stratum, and the statistic is taken over all
    strata together.

    Args:
        scores: the scores [S] of each stratum (task).
        statistic: a function that maps [..., n] to [...] along the last axis.
        seed: of the resampling; the same seed gives the same values.
        resamples: how many values to draw.

    Returns:
        [resamples, ...]: the statistic of each resample.
    """
    rng = np.random.default_rng(seed)
    strata = [x[rng.integers(0, len(x), (resamples, len(x)))] for x in map(np.asarray, scores)]
    return statistic(np.concatenate(strata, axis=1), axis=-1)


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """The percentile interval of resampled values.

    Args:
        values: [resamples, ...].
        level: the share of the values inside the interval.

    Returns:
        [2, ...]: the low and the high ends.
    """
    tail = (1 - level) / 2
    return np.quantile(values, [tail, 1 - tail], axis=0)


def estimate(
    scores: list[np.ndarray] | np.ndarray,
    statistic: Callable[..., np.ndarray] = mean,
    *,
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """A statistic over all scores, with its percentile bootstrap interval over seeds.

    Args:
        scores: [S], or the scores [S] of each stratum (task).
        statistic: a function that maps [..., n] to [...] along the last axis.
        seed: of the resampling.
        level: of the interval.

    Returns:
        The estimate. Its interval is nan where every stratum has a single seed.
    """
    strata = scores if isinstance(scores, list) else [scores]
    value = float(statistic(np.concatenate([np.asarray(s) for s in strata]), axis=-1))
    if all(len(s) < 2 for s in strata):
        return Estimate(value, float("nan"), float("nan"))
    resampled = bootstrap(strata, statistic, seed=seed)
    return Estimate(value, *map(float, percentile_interval(resampled, level)))


def difference(a: np.ndarray, b: np.ndarray, *, seed: int = 0, level: float = LEVEL) -> Estimate:
    """The difference of two means over unpaired seeds, with its bootstrap interval.

    Args:
        a: [S_a] scores.
        b: [S_b] scores.
        seed: of the resampling.
        level: of the interval.

    Returns:
        mean(a) - mean(b): positive where `a` is higher. Its interval is nan where a side has a
        single seed.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    value = float(a.mean() - b.mean())
    if len(a) < 2 or len(b) < 2:
        return Estimate(value, float("nan"), float("nan"))
    resampled = bootstrap([a], mean, seed=seed) - bootstrap([b], mean, seed=seed + 1)
    return Estimate(value, *map(float, percentile_interval(resampled, level)))


def probability_of_improvement(a: np.ndarray, b: np.ndarray) -> float:
    """The probability that a random score of `a` exceeds a random score of `b`.

    Agarwal et al. 2021 (arXiv:2108.13264), section 4.3.

    Args:
        a: [S_a] scores.
        b: [S_b] scores.

    Returns:
        A probability; above 0.5 favours `a`. A tie counts half.
    """
    x, y = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    return float(np.mean((x > y) + 0.5 * (x == y)))
