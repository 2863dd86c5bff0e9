"""Means, intervals and differences against scipy and hand-worked cases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from imitbench.results import stats


def test_the_mean_over_seeds_is_scipys_t_test():
    x = np.array([1.0, 2.0, 4.0, 4.5, 6.0])
    mean = stats.over_seeds(x)
    theirs: Any = scipy.stats.ttest_1samp(x, 1.5)
    low, high = theirs.confidence_interval(0.95)
    assert mean.interval() == pytest.approx((x.mean(), low, high))
    assert mean.p_above(1.5) == pytest.approx(theirs.pvalue / 2)
    assert mean.p_below(1.5) == pytest.approx(1 - theirs.pvalue / 2)
    at_zero: Any = scipy.stats.ttest_1samp(x, 0.0)
    assert mean.p == pytest.approx(at_zero.pvalue)


def test_one_seed_has_no_interval_and_decides_nothing():
    mean = stats.over_seeds(np.array([0.7]))
    assert mean.value == 0.7 and np.isnan(mean.interval()[1:]).all()
    assert mean.p_above(0.0) == mean.p_below(0.0) == mean.p == 1.0


def test_without_spread_only_the_bound_itself_is_undecided():
    mean = stats.over_seeds(np.full(3, 2.0))
    assert (mean.p_above(1.0), mean.p_above(2.0), mean.p_above(3.0)) == (0.0, 1.0, 1.0)
    assert mean.p_below(3.0) == 0.0


def test_a_difference_is_welchs_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1.0, 1.0, 6), rng.normal(0.2, 3.0, 9)
    mine = stats.difference(stats.over_seeds(a), stats.over_seeds(b))
    theirs: Any = scipy.stats.ttest_ind(a, b, equal_var=False)
    assert mine.value == pytest.approx(a.mean() - b.mean())
    assert mine.freedom == pytest.approx(theirs.df)
    assert mine.p == pytest.approx(theirs.pvalue)


def test_a_weighted_mean_of_means():
    a, b = stats.Mean(1.0, 0.3, 4), stats.Mean(4.0, 0.4, 4)
    same = stats.pooled([a, b], [1, 1])
    assert same.value == 2.5 and same.error == pytest.approx(0.25)
    assert stats.pooled([a, b], [2, 1]).value == pytest.approx(2.0)
    assert 4 < same.freedom <= 8


def test_crossed_effects_by_hand():
    """Two seeds and two states. Means: 0.75; seeds 0.5 and 1; states 0.5 and 1.
    MS seeds = 2 * (0.0625 + 0.0625) = 0.25, MS states the same, and the rest: residuals are
    0 - 0.5 - 0.5 + 0.75 = -0.25 and so on, all of size 0.25: MS = 4 * 0.0625 / 1 = 0.25.
    """
    mean = stats.crossed(np.array([[0.0, 1.0], [1.0, 1.0]]))
    assert mean.value == 0.75
    assert mean.error == pytest.approx(math.sqrt(0.25 / 4))
    # (MSs + MSe - MSr)^2 / (three times 0.25^2 / 1), and not below 1.
    assert mean.freedom == 1.0


def test_crossed_effects_see_the_luck_that_seeds_share():
    """All seeds have the same outcome on each state: the spread is that of the states."""
    states = np.random.default_rng(0).random(40)
    mean = stats.crossed(np.tile(states, (5, 1)))
    assert mean.error == pytest.approx(states.std(ddof=1) / math.sqrt(40))
    assert stats.over_seeds(np.tile(states, (5, 1)).mean(axis=1)).error == pytest.approx(0.0)


def test_wilson_by_scipy():
    theirs: Any = scipy.stats.binomtest(7, 20).proportion_ci(method="wilson")
    assert stats.wilson(7, 20) == pytest.approx((theirs.low, theirs.high))


def test_a_perfect_rate_has_an_interval():
    always = stats.rate_interval(stats.over_seeds(np.ones(5)), 250)
    assert always.high == 1.0 and always.low == pytest.approx(stats.wilson(250, 250)[0])
    never = stats.rate_interval(stats.over_seeds(np.zeros(5)), 250)
    assert (never.low, never.high) == pytest.approx((0.0, 1 - always.low))


def test_the_interval_of_a_rate_holds_its_three_parts_and_no_more():
    mean = stats.over_seeds(np.array([0.9, 0.95, 0.85, 1.0, 0.99]))
    low, high = stats.rate_interval(mean, 500)[1:]
    half = mean.interval().high - mean.value
    odds = math.log(mean.value / (1 - mean.value))
    skewed = 1 / (1 + math.exp(-(odds - half / (mean.value * (1 - mean.value)))))
    ends = [mean.interval().low, skewed, stats.wilson(mean.value * 500, 500)[0]]
    assert low == pytest.approx(min(ends)) and high == pytest.approx(1.0)
    single = stats.rate_interval(stats.over_seeds(np.array([0.5])), 20)
    assert single.value == 0.5 and np.isnan(single[1:]).all()


def test_a_difference_that_all_seeds_share_has_the_error_of_its_episodes():
    lead = stats.over_seeds(np.ones(5))
    wide = stats.with_binomial_error(lead, (1.0, 0.0), (250, 250))
    rate = 252 / 254
    assert wide.error == pytest.approx(math.sqrt(2 * rate * (1 - rate) / 254))
    few = stats.with_binomial_error(stats.over_seeds(np.full(2, 0.5)), (0.75, 0.25), (4, 4))
    assert wide.p < 0.001 < 0.05 < few.p
    spread = stats.over_seeds(np.array([0.1, 0.2]))
    assert stats.with_binomial_error(spread, (0.2, 0.1), (10, 10)) == spread
