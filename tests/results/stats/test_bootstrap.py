"""Aggregates over tasks against analytic cases, scipy and rliable."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from imitbench.results import stats


def test_iqm_by_hand_and_against_scipy():
    assert float(stats.iqm(np.array([0.0, 1.0, 2.0, 100.0]))) == 1.5
    assert float(stats.iqm(np.arange(8.0))) == 3.5
    x = np.random.default_rng(0).normal(size=40)
    assert float(stats.iqm(x)) == pytest.approx(scipy.stats.trim_mean(x, 0.25))
    # With five values each outer one next to the cut counts by a quarter: 0.75*a + b + 0.75*c.
    assert float(stats.iqm(np.array([9.0, 1.0, 2.0, 4.0, -5.0]))) == pytest.approx(
        (0.75 * 1 + 2 + 0.75 * 4) / 2.5
    )
    assert float(stats.iqm(np.array([3.0]))) == 3.0


def test_the_seed_decides_and_global_state_does_not():
    x = np.random.default_rng(3).normal(size=10)
    np.random.seed(0)  # noqa: NPY002
    a = stats.aggregate([x], stats.iqm, seed=5)
    np.random.seed(1)  # noqa: NPY002
    assert stats.aggregate([x], stats.iqm, seed=5) == a
    assert stats.aggregate([x], stats.iqm, seed=6) != a


def test_strata_are_resampled_apart():
    """Two constant strata have no spread within: the interval has no width."""
    e = stats.aggregate([np.zeros(5), np.ones(5)], stats.mean)
    assert e == (0.5, 0.5, 0.5)
    joined = stats.aggregate([np.concatenate([np.zeros(5), np.ones(5)])], stats.mean)
    assert joined.low < 0.5 < joined.high


def test_tasks_with_other_numbers_of_seeds_count_the_same():
    strata = [np.array([0.1]), np.array([0.5] * 9)]
    joined = np.concatenate(strata)
    assert float(stats.mean_of_means([1, 9])(joined)) == pytest.approx(0.3)
    assert float(stats.median_of_means([1, 9])(joined)) == pytest.approx(0.3)


def test_standard_error():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert stats.standard_error(x) == pytest.approx(scipy.stats.sem(x))
    assert np.isnan(stats.standard_error(np.array([0.7])))


def test_the_values_in_rliables_own_tests():
    """Two score matrices and what rliable's metrics_test.py expects of them."""
    x = [np.array([1.0, 2.0, 1.0, 2.0]), np.array([2.0, 2.0, 1.0, 1.0])]
    y = [np.array([1.0, 2.0, 3.0])] * 2
    for scores, expected in ((x, 1.5), (y, 2.0)):
        joined = np.concatenate(scores)
        median = stats.median_of_means([len(s) for s in scores])
        assert [float(f(joined)) for f in (stats.iqm, stats.mean, median)] == [expected] * 3
    chance = np.mean([stats.probability_of_improvement(a, b) for a, b in zip(x, y, strict=True)])
    assert chance == pytest.approx(1 / 3)


# Four tasks with ten runs, and with six.
TEN = [
    [0.513, 0.849, 0.892, 0.064, 0.264, 0.647, 0.734, 0.777, 0.645, 0.434],
    [1.34, 1.585, 0.643, 0.54, 1.032, 1.258, 1.452, 0.28, 0.97, 1.364],
    [0.793, 1.213, 0.633, 0.516, 1.142, 0.685, 1.184, 0.809, 1.116, 0.505],
    [1.355, 0.967, 1.269, 1.534, 1.024, 0.684, 1.569, 0.949, 1.65, 1.303],
]
SIX = [
    [0.236, 0.701, 0.307, 0.489, 2.148, 0.896],
    [0.379, 2.259, 0.776, 0.59, 0.599, 0.669],
    [1.791, 0.76, 0.71, 0.901, 1.809, 1.074],
    [1.057, 2.228, 1.334, 2.018, 0.885, 1.193],
]


def test_the_values_that_rliable_gives():
    """Computed with rliable 1.2.0 under pandas 2.3.3, in an environment of its own: it cannot be
    imported beside pandas 3. Its intervals: 50,000 resamples after np.random.seed(0)."""
    ten, six = ([np.array(s) for s in x] for x in (TEN, SIX))
    median = stats.median_of_means([10] * 4)
    expected = {
        stats.iqm: (0.9185, 0.79225, 1.04575),
        stats.mean: (0.929575, 0.830775, 1.02545),
        median: (0.953, 0.79915, 1.0851),
        stats.optimality_gap: (0.205175, 0.143575, 0.271426),
    }
    for statistic, (value, *ends) in expected.items():
        mine = stats.aggregate(ten, statistic)
        assert mine.value == pytest.approx(value)
        assert mine[1:] == pytest.approx(ends, abs=0.012)  # two bootstraps of different sizes
    joined, median = np.concatenate(six), stats.median_of_means([6] * 4)
    mine = [float(f(joined)) for f in (stats.iqm, stats.mean, median, stats.optimality_gap)]
    assert mine == pytest.approx([0.913, 1.075375, 1.0264166667, 0.2125833333])
    chance = np.mean(
        [stats.probability_of_improvement(a, b) for a, b in zip(ten, six, strict=True)]
    )
    assert chance == pytest.approx(0.4666666667)
    profile = stats.performance_profile(ten, np.array([0.25, 0.5, 1.0, 1.5]))
    np.testing.assert_allclose(profile[0], [0.975, 0.9, 0.425, 0.1])
    np.testing.assert_allclose(profile[1], [0.925, 0.825, 0.3, 0.025], atol=0.03)
    np.testing.assert_allclose(profile[2], [1.0, 0.975, 0.55, 0.2], atol=0.03)
