"""Two policies on paired episodes: exact values, false alarms under peeking, and power."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from imitbench.results.stats import sequential

ALPHA = 0.05


def decided_at(wins: np.ndarray) -> np.ndarray:
    """The number of pairs after which each row of [R, N] outcomes is decided; N + 1: never."""
    a = wins.cumsum(axis=1)
    total = np.arange(1, wins.shape[1] + 1)
    table = np.zeros((len(total) + 1, len(total) + 1))
    for n in total:
        table[n, : n + 1] = [sequential.log_e_value(i, n - i) for i in range(n + 1)]
    evidence = table[total[None], a] >= math.log(1 / ALPHA)
    return np.where(evidence.any(axis=1), evidence.argmax(axis=1) + 1, wins.shape[1] + 1)


def test_the_evidence_is_the_integral_over_the_prior():
    for wins, losses in ((0, 0), (3, 0), (2, 5)):

        def ratio(x: float, wins: int = wins, losses: int = losses) -> float:
            """x = sin^2 of the angle takes the density of Beta(1/2, 1/2) to a constant."""
            rate = math.sin(x) ** 2
            return rate**wins * (1 - rate) ** losses * 2 / math.pi * 2 ** (wins + losses)

        value, _ = scipy.integrate.quad(ratio, 0, math.pi / 2)
        assert math.exp(sequential.log_e_value(wins, losses)) == pytest.approx(value)
        assert sequential.log_e_value(wins, losses) == pytest.approx(
            sequential.log_e_value(losses, wins)
        )


def test_looking_after_every_pair_raises_few_false_alarms():
    """300 looks at policies that win equally often; and 90% power after 111 pairs at a rate 0.7."""
    rng = np.random.default_rng(0)
    alarms = decided_at((rng.random((4000, 300)) < 0.5).astype(int)) <= 300
    assert 0.02 < alarms.mean() <= ALPHA
    when = decided_at((rng.random((2000, 300)) < 0.7).astype(int))
    assert np.median(when) == pytest.approx(48, abs=4)
    assert np.quantile(when, 0.9) == pytest.approx(111, abs=10)


def test_pairs_needed_decide():
    wins, losses, pairs = 20, 10, 60
    more = sequential.pairs_needed(wins, losses, pairs)
    assert more is not None and more > 0
    for added, decides in ((more, True), (more - 4, False)):
        share = 1 + added / pairs
        log_e = sequential.log_e_value(wins * share, losses * share)
        assert (log_e >= math.log(1 / ALPHA)) == decides
    assert sequential.pairs_needed(30, 1, 31) == 0
    assert sequential.pairs_needed(4, 4, 20) is None and sequential.pairs_needed(0, 0, 9) is None


def test_exact_tests_are_scipys():
    assert sequential.mcnemar(9, 2) == pytest.approx(scipy.stats.binomtest(9, 11).pvalue)
    assert sequential.mcnemar(0, 0) == 1.0
    theirs = scipy.stats.barnard_exact([[7, 12], [13, 8]]).pvalue
    assert sequential.barnard((7, 12), (20, 20)) == pytest.approx(theirs)
    assert sequential.barnard((0, 0), (5, 5)) == sequential.barnard((5, 5), (5, 5)) == 1.0
