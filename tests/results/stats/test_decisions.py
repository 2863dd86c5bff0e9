"""Corrections, equivalence and seeds needed, by hand and against scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

from imitbench.results import stats


def test_benjamini_hochberg_is_scipys():
    p = np.random.default_rng(0).random(30) ** 3
    theirs = scipy.stats.false_discovery_control(p)
    assert stats.benjamini_hochberg(list(p)) == pytest.approx(theirs.tolist())
    assert stats.benjamini_hochberg([]) == []
    assert stats.benjamini_hochberg([0.04, 0.01]) == pytest.approx([0.04, 0.02])


def test_holm_by_hand():
    """Sorted .01, .02, .04: times 3, 2, 1; none below the one before."""
    assert stats.holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert stats.holm([0.5, 0.6]) == [1.0, 1.0]


def test_false_decisions_are_as_rare_as_said():
    """Half of 20 hypotheses are true: the mean share of false decisions stays below the level."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(400):
        z = rng.normal(size=20) + np.repeat([0.0, 3.0], 10)
        decided = np.array(stats.benjamini_hochberg(list(scipy.stats.norm.sf(z)))) <= 0.1
        shares.append(decided[:10].sum() / max(decided.sum(), 1))
    assert 0.02 < np.mean(shares) < 0.07  # the level times the share of true hypotheses: 0.05


def test_equivalence_needs_both_bounds():
    close = stats.Mean(0.1, 0.2, 9)
    assert stats.p_equivalent(close, 1.0) == pytest.approx(close.p_below(1.0))
    assert stats.p_equivalent(close, 0.05) > 0.5
    assert stats.p_equivalent(stats.Mean(-0.9, 0.2, 9), 1.0) == pytest.approx(
        stats.Mean(-0.9, 0.2, 9).p_above(-1.0)
    )


def test_seeds_needed_give_the_power():
    """With as many seeds a test at the level decides in 80% of all cases."""
    gap, spread = 0.5, 1.0
    needed = stats.seeds_needed(stats.Mean(gap, spread / 5**0.5, 4), 5)
    assert needed is not None
    x = np.random.default_rng(2).normal(gap, spread, (4000, needed))
    test: Any = scipy.stats.ttest_1samp(x, 0.0, axis=1, alternative="greater")
    assert np.mean(test.pvalue <= stats.ALPHA) == pytest.approx(0.8, abs=0.04)
    assert stats.seeds_needed(stats.Mean(0.0, 1.0, 4), 5) is None
    assert stats.seeds_needed(stats.Mean(9.0, 0.1, 4), 5) == 6
