"""Estimates against analytic cases and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from imitbench.harness import stats


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


def test_the_mean_interval_agrees_with_scipys_bootstrap():
    x = np.random.default_rng(1).normal(2.0, 1.0, 30)
    mine = stats.estimate(x)
    theirs = scipy.stats.bootstrap(
        (x,), np.mean, method="percentile", n_resamples=20_000, rng=0
    ).confidence_interval
    assert mine.value == pytest.approx(x.mean())
    assert mine.low == pytest.approx(theirs.low, abs=0.03)
    assert mine.high == pytest.approx(theirs.high, abs=0.03)


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(2)
    hits = 0
    for i in range(300):
        e = stats.estimate(rng.normal(0.0, 1.0, 30), seed=i)
        hits += e.low <= 0.0 <= e.high
    assert 0.89 <= hits / 300 <= 0.98


def test_the_seed_decides_and_global_state_does_not():
    x = np.random.default_rng(3).normal(size=10)
    np.random.seed(0)  # noqa: NPY002
    a = stats.estimate(x, seed=5)
    np.random.seed(1)  # noqa: NPY002
    assert stats.estimate(x, seed=5) == a
    assert stats.estimate(x, seed=6) != a


def test_strata_are_resampled_apart():
    """Two constant strata have no spread within: the interval has no width."""
    e = stats.estimate([np.zeros(5), np.ones(5)])
    assert e == (0.5, 0.5, 0.5)
    joined = stats.estimate(np.concatenate([np.zeros(5), np.ones(5)]))
    assert joined.low < 0.5 < joined.high


def test_one_seed_has_no_interval():
    e = stats.estimate(np.array([0.7]))
    assert e.value == 0.7 and np.isnan(e.low) and np.isnan(e.high)
    assert np.isnan(stats.standard_error(np.array([0.7])))


def test_standard_error():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert stats.standard_error(x) == pytest.approx(scipy.stats.sem(x))


def test_differences():
    rng = np.random.default_rng(4)
    a, b = rng.normal(1.0, 0.1, 20), rng.normal(0.0, 0.1, 20)
    d = stats.difference(a, b)
    assert d.value == pytest.approx(a.mean() - b.mean()) and 0.8 < d.low < d.high < 1.2
    same = stats.difference(a, a)
    assert same.value == 0 and same.low < 0 < same.high
