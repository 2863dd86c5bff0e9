"""Decisions from p values: corrections for their number, equivalence, and seeds needed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.stats

from imitbench.results.stats.student import Mean

ALPHA = 0.025  # one-sided: a single verdict agrees with the 95% interval
POWER = 0.8


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusts p values so that of the decisions below a level at most that share is false.

    Benjamini and Hochberg 1995: the false discovery rate.

    Args:
        p: p values in [0, 1].

    Returns:
        The adjusted p values, in the same order.
    """
    x = np.asarray(p, np.float64)
    order = np.argsort(-x)
    ranks = np.arange(len(x), 0, -1)
    adjusted = np.empty_like(x)
    adjusted[order] = np.minimum.accumulate(np.minimum(x[order] * len(x) / ranks, 1.0))
    return adjusted.tolist()


def holm(p: Sequence[float]) -> list[float]:
    """Adjusts p values so that the chance of any false decision stays below the level.

    Holm 1979.

    Args:
        p: p values in [0, 1].

    Returns:
        The adjusted p values, in the same order.
    """
    x = np.asarray(p, np.float64)
    order = np.argsort(x)
    adjusted = np.empty_like(x)
    factors = np.arange(len(x), 0, -1)
    adjusted[order] = np.maximum.accumulate(np.minimum(x[order] * factors, 1.0))
    return adjusted.tolist()


def p_equivalent(mean: Mean, margin: float) -> float:
    """The p value of "the true value lies between -margin and margin".

    Two one-sided tests (Schuirmann 1987).

    Args:
        mean: an estimated difference.
        margin: above 0, in units of the difference.

    Returns:
        The larger of both one-sided p values.
    """
    return max(mean.p_above(-margin), mean.p_below(margin))


def seeds_needed(gap: Mean, seeds: int, level: float = ALPHA) -> int | None:
    """Estimates how many seeds would decide with a power of 80%, if the truth were as estimated.

    Args:
        gap: the estimate from `seeds` seeds of what is compared with 0.
        seeds: how many there are now.
        level: of the one-sided test.

    Returns:
        The number of seeds, one more than now at least; None where the estimate is 0 or its error
        is unknown.
    """
    if math.isnan(gap.error) or abs(gap.value) <= 1e-9:
        return None
    z = float(scipy.stats.norm.ppf(1 - level) + scipy.stats.norm.ppf(POWER))
    return max(math.ceil(seeds * (z * gap.error / gap.value) ** 2), seeds + 1)
