"""Aggregates over several tasks, with intervals from the stratified bootstrap (rliable)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imitbench.results.stats.estimates import LEVEL, Estimate, wins

RESAMPLES = 2000


def aggregate(
    strata: list[np.ndarray],
    statistic: Callable[..., np.ndarray],
    *,
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """A statistic over the scores of several tasks, with its percentile bootstrap interval.

    Over few seeds of a single task such an interval is too narrow (`docs/statistics.md`); a mean
    over the seeds of one task has Student's t (`over_seeds`).

    Args:
        strata: the scores [S] of each task.
        statistic: a function that maps [..., n] to [...] along the last axis.
        seed: of the resampling.
        level: of the interval.

    Returns:
        The estimate. Its interval is nan where every task has a single seed.
    """
    value = float(statistic(np.concatenate([np.asarray(s) for s in strata]), axis=-1))
    if all(len(s) < 2 for s in strata):
        return Estimate(value, float("nan"), float("nan"))
    resampled = bootstrap(strata, statistic, seed=seed)
    return Estimate(value, *map(float, percentile_interval(resampled, level)))


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


def improvement(a: list[np.ndarray], b: list[np.ndarray], *, seed: int = 0) -> Estimate:
    """The probability of improvement over all tasks, with its percentile bootstrap interval.

    Agarwal et al. 2021 (arXiv:2108.13264), section 4.3: the mean over tasks of the probability that
    a run of the first method is above a run of the second one. The runs of both are drawn anew
    within each task.

    Args:
        a: the scores [S_a] of the first method at each task.
        b: the scores [S_b] of the second one at the same tasks.
        seed: of the resampling.

    Returns:
        The estimate; above 0.5 favours `a`. A tie counts half. Its interval is nan where every task
        has a single run of each.
    """
    tasks = [wins(x, y) for x, y in zip(a, b, strict=True)]
    value = float(np.mean([task.mean() for task in tasks]))
    if all(task.size == 1 for task in tasks):
        return Estimate(value, float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    total = np.zeros(RESAMPLES)
    for task in tasks:
        i, j = (rng.integers(0, n, (RESAMPLES, n)) for n in task.shape)
        total += task[i[:, :, None], j[:, None]].mean(axis=(1, 2))
    return Estimate(value, *map(float, percentile_interval(total / len(tasks))))


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
