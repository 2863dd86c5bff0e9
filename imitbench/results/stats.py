"""Estimates over seeds, with seeded bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95


class Estimate(NamedTuple):
    """A number with its interval. nan where there is nothing to estimate from."""

    value: float
    low: float
    high: float


def iqm(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Interquartile mean: the mean of the middle half; the cut values count by their share.

    Agarwal et al. 2021 (arXiv:2108.13264). With n values the lowest and highest n/4 are left out; a
    value that the cut goes through counts in part, so that the estimate exists for any n.
    """
    x = np.sort(np.moveaxis(np.asarray(x, np.float64), axis, -1), axis=-1)
    n = x.shape[-1]
    edge = n / 4
    rank = np.arange(n)
    inside = np.clip(np.minimum(rank + 1, n - edge) - np.maximum(rank, edge), 0.0, 1.0)
    return (x * inside).sum(-1) / inside.sum()


def mean(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.mean(x, axis=axis)


def optimality_gap(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """How far scores fall short of 1, on average; what is above 1 does not make up for it.

    Agarwal et al. 2021 (arXiv:2108.13264), section 4.3.
    """
    return np.mean(np.maximum(1.0 - np.asarray(x, np.float64), 0.0), axis=axis)


def median_of_means(sizes: list[int]) -> Callable[..., np.ndarray]:
    """A statistic of joined strata: the median over them of their means. `sizes`: of the strata."""
    cuts = np.cumsum(sizes)[:-1]

    def statistic(x: np.ndarray, axis: int = -1) -> np.ndarray:
        parts = np.split(np.moveaxis(np.asarray(x, np.float64), axis, -1), cuts, axis=-1)
        return np.median(np.stack([p.mean(-1) for p in parts], axis=-1), axis=-1)

    return statistic


def performance_profile(
    scores: list[np.ndarray], thresholds: np.ndarray, *, seed: int = 0, level: float = LEVEL
) -> np.ndarray:
    """[3, thresholds]: the share of runs whose score is above each threshold, and the two ends of
    its pointwise interval.

    Agarwal et al. 2021 (arXiv:2108.13264), section 4.2: the run-score distribution.
    """

    def above(x: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.mean(x[..., None] > thresholds, axis=-2)

    drawn = resample(scores, above, seed=seed)
    return np.stack([above(np.concatenate([np.asarray(s) for s in scores])), *ends(drawn, level)])


def standard_error(x: np.ndarray) -> float:
    """Sample standard deviation over the square root of the number of seeds."""
    x = np.asarray(x, np.float64)
    return float(np.std(x, ddof=1) / np.sqrt(len(x))) if len(x) > 1 else float("nan")


def resample(
    scores: list[np.ndarray],
    statistic: Callable[..., np.ndarray],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """Stratified bootstrap: [resamples] values of the statistic.

    Args:
        scores: for each stratum (task) its scores over seeds [S_i]; seeds are drawn anew within
        each
            stratum, the statistic is taken over all of them.
        statistic: maps [..., n] to [...] along the last axis.
        seed: of the resampling alone; the same seed gives the same values.
    """
    rng = np.random.default_rng(seed)
    drawn = [x[rng.integers(0, len(x), (resamples, len(x)))] for x in map(np.asarray, scores)]
    return statistic(np.concatenate(drawn, axis=1), axis=-1)


def ends(values: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """[2, ...]: the percentile interval of resampled values [resamples, ...]."""
    tail = (1 - level) / 2
    return np.quantile(values, [tail, 1 - tail], axis=0)


def estimate(
    scores: list[np.ndarray] | np.ndarray,
    statistic: Callable[..., np.ndarray] = mean,
    *,
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """The statistic over all scores with its percentile bootstrap interval over seeds.

    With a single seed in every stratum there is no spread to resample: the interval is nan.
    """
    strata = scores if isinstance(scores, list) else [scores]
    value = float(statistic(np.concatenate([np.asarray(s) for s in strata]), axis=-1))
    if all(len(s) < 2 for s in strata):
        return Estimate(value, float("nan"), float("nan"))
    values = resample(strata, statistic, seed=seed)
    return Estimate(value, *map(float, ends(values, level)))


def difference(a: np.ndarray, b: np.ndarray, *, seed: int = 0, level: float = LEVEL) -> Estimate:
    """mean(a) - mean(b) over seeds [S_a], [S_b], with the bootstrap interval of the difference."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    value = float(a.mean() - b.mean())
    if len(a) < 2 or len(b) < 2:
        return Estimate(value, float("nan"), float("nan"))
    values = resample([a], mean, seed=seed) - resample([b], mean, seed=seed + 1)
    return Estimate(value, *map(float, ends(values, level)))


def improvement(a: np.ndarray, b: np.ndarray) -> float:
    """Probability that a score out of `a` [S_a] exceeds one out of `b` [S_b]; a tie counts half.

    Agarwal et al. 2021 (arXiv:2108.13264), section 4.3.
    """
    x, y = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    return float(np.mean((x > y) + 0.5 * (x == y)))
