"""Means with standard errors and degrees of freedom: Student's t, and crossed random effects.

The quantity of interest is the mean over fresh training seeds and fresh initial states.
`docs/statistics.md` holds the measured coverage of all intervals; `tests/results/test_coverage.py`
holds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats

from imitbench.results.stats.estimates import LEVEL, Estimate, standard_error

SPREADLESS = 1e-9  # an error of rates that is nothing but rounding


class Mean(NamedTuple):
    """An estimated mean, or a difference of means, whose error follows Student's t."""

    value: float
    error: float  # standard error; nan where it is unknown (a single seed)
    freedom: float  # degrees of freedom

    def interval(self, level: float = LEVEL) -> Estimate:
        """The interval that holds the true value with this probability.

        Args:
            level: the probability.

        Returns:
            The estimate; its interval is nan where the error is unknown.
        """
        if math.isnan(self.error):
            return Estimate(self.value, float("nan"), float("nan"))
        half = float(scipy.stats.t.ppf((1 + level) / 2, self.freedom)) * self.error
        return Estimate(self.value, self.value - half, self.value + half)

    def p_above(self, bound: float) -> float:
        """The one-sided p value of "the true value is above the bound".

        Args:
            bound: in units of the value.

        Returns:
            The probability of a value at least this high if the true one were the bound; 1 where
            the error is unknown. Where the error is 0: 0 above the bound, 1 otherwise.
        """
        if math.isnan(self.error):
            return 1.0
        distance = self.value - bound
        if self.error == 0.0:
            return 0.0 if distance > 0 else 1.0
        return float(scipy.stats.t.sf(distance / self.error, self.freedom))

    def p_below(self, bound: float) -> float:
        """The one-sided p value of "the true value is below the bound"; see `p_above`."""
        return Mean(-self.value, self.error, self.freedom).p_above(-bound)

    @property
    def p(self) -> float:
        """The two-sided p value of "the true value is not 0"."""
        return min(2 * min(self.p_above(0.0), self.p_below(0.0)), 1.0)


def over_seeds(x: np.ndarray) -> Mean:
    """The mean of independent replicates.

    Args:
        x: [S], one value for each seed; the seeds share nothing. Of two methods with the same
            seeds: their differences seed by seed (the paired t test).

    Returns:
        The mean with S - 1 degrees of freedom.
    """
    x = np.asarray(x, np.float64)
    return Mean(float(x.mean()), standard_error(x), len(x) - 1)


def crossed(outcomes: np.ndarray) -> Mean:
    """The mean of outcomes of seeds that all met the same initial states.

    Seeds and states are crossed random effects: the luck of the states is common to all seeds, and
    differences between seeds do not show it. The variance is the sum of both components, estimated
    from mean squares, and not below that of either alone; Satterthwaite's degrees of freedom.

    Args:
        outcomes: [S, B], seed by state. Of two methods on the same seeds and states: the
            differences of their outcomes.

    Returns:
        The mean, with at least min(S, B) - 1 degrees of freedom.
    """
    y = np.asarray(outcomes, np.float64)
    seeds, states = y.shape
    if seeds < 2 or states < 2:
        return over_seeds(y.mean(axis=1))
    mean, by_seed, by_state = y.mean(), y.mean(axis=1), y.mean(axis=0)
    ms_seed = states * float(((by_seed - mean) ** 2).sum()) / (seeds - 1)
    ms_state = seeds * float(((by_state - mean) ** 2).sum()) / (states - 1)
    rest = y - by_seed[:, None] - by_state[None] + mean
    rest_freedom = (seeds - 1) * (states - 1)
    ms_rest = float((rest**2).sum()) / rest_freedom
    both = ms_seed + ms_state - ms_rest
    variance = max(both, ms_seed, ms_state) / (seeds * states)
    spread = ms_seed**2 / (seeds - 1) + ms_state**2 / (states - 1) + ms_rest**2 / rest_freedom
    freedom = both**2 / spread if spread > 0 else 0.0
    return Mean(float(mean), math.sqrt(variance), max(freedom, min(seeds, states) - 1))


def difference(a: Mean, b: Mean) -> Mean:
    """The difference of two independent means (Welch).

    Args:
        a: a mean.
        b: another one, of other seeds.

    Returns:
        a - b: positive where `a` is higher.
    """
    return _combine([a, b], [1.0, -1.0])


def pooled(means: Sequence[Mean], weights: Sequence[float]) -> Mean:
    """The weighted mean of independent means.

    Args:
        means: such as a method's leads at several tasks.
        weights: of each, above 0.

    Returns:
        Their mean, with Welch and Satterthwaite's degrees of freedom.
    """
    return _combine(means, [w / sum(weights) for w in weights])


def together(means: Sequence[Mean]) -> Mean:
    """The mean of means whose errors go together, such as those of places that share seeds.

    Args:
        means: such as a method's leads at several places of one task.

    Returns:
        Their mean; its error is the mean error.
    """
    return Mean(
        sum(m.value for m in means) / len(means),
        sum(m.error for m in means) / len(means),
        min(m.freedom for m in means),
    )


def _combine(means: Sequence[Mean], weights: Sequence[float]) -> Mean:
    value = sum(w * m.value for w, m in zip(weights, means, strict=True))
    variances = [(w * m.error) ** 2 for w, m in zip(weights, means, strict=True)]
    variance = sum(variances)
    if not variance > 0:  # 0 or nan
        return Mean(value, math.sqrt(variance), min(m.freedom for m in means))
    parts = sum(v**2 / m.freedom for v, m in zip(variances, means, strict=True) if v)
    return Mean(value, math.sqrt(variance), variance**2 / parts)


def rate_interval(mean: Mean, episodes: int, level: float = LEVEL) -> Estimate:
    """The interval of a success rate.

    It is the smallest that holds three: Student's t, the same on the scale of log odds (rates near
    0 and 1 are skewed), and Wilson's over all episodes (which is not empty where all episodes have
    the same outcome).

    Args:
        mean: the rate over seeds, in [0, 1].
        episodes: the episodes of all seeds.
        level: the probability.

    Returns:
        The estimate, within [0, 1]; its interval is nan where the error is unknown: the episodes of
        a single seed tell about its policy, and not about the method.
    """
    if math.isnan(mean.error):
        return mean.interval(level)
    rate = min(max(mean.value, 0.0), 1.0)
    lows, highs = zip(
        wilson(rate * episodes, episodes, level),
        mean.interval(level)[1:],
        _log_odds_interval(rate, mean, level),
        strict=True,
    )
    low, high = float(np.nanmin(lows)), float(np.nanmax(highs))
    return Estimate(mean.value, max(low, 0.0), min(high, 1.0))


def with_binomial_error(
    lead: Mean,
    rates: Sequence[float],
    episodes: Sequence[int],
    weights: Sequence[float] | None = None,
) -> Mean:
    """Gives a difference of success rates an error where its seeds show none.

    All seeds may have the same difference, such as 1 where one method always succeeds and the other
    never does. The error is then that of independent episodes, each rate drawn towards a half by
    two successes and two failures (Agresti and Caffo 2000).

    Args:
        lead: the difference, of two rates or of more.
        rates: of the methods, in [0, 1].
        episodes: of all seeds, of each method.
        weights: what the rates are multiplied by in the difference, without signs; by default 1.

    Returns:
        The difference; as it was, where it has an error.
    """
    if math.isnan(lead.error) or lead.error > SPREADLESS:
        return lead
    drawn = [(rate * n + 2) / (n + 4) for rate, n in zip(rates, episodes, strict=True)]
    variances = [p * (1 - p) / (n + 4) for p, n in zip(drawn, episodes, strict=True)]
    if weights is not None:
        variances = [w**2 * v for w, v in zip(weights, variances, strict=True)]
    return lead._replace(error=math.sqrt(sum(variances)))


def wilson(successes: float, episodes: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a binomial rate (Wilson 1927).

    Args:
        successes: their number.
        episodes: independent ones.
        level: the probability.

    Returns:
        The two ends.
    """
    z = float(scipy.stats.norm.ppf((1 + level) / 2))
    rate, scale = successes / episodes, 1 + z**2 / episodes
    centre = (rate + z**2 / (2 * episodes)) / scale
    half = z / scale * math.sqrt(rate * (1 - rate) / episodes + z**2 / (4 * episodes**2))
    return centre - half, centre + half


def _log_odds_interval(rate: float, mean: Mean, level: float) -> tuple[float, float]:
    """Student's t on the scale of log odds; nan at 0 and 1, where these are infinite."""
    if not 0 < rate < 1 or math.isnan(mean.error):
        return float("nan"), float("nan")
    half = (mean.interval(level).high - rate) / (rate * (1 - rate))
    odds = math.log(rate / (1 - rate))
    low, high = scipy.special.expit([odds - half, odds + half])
    return float(low), float(high)
