"""Entropy of modes, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import fake_results
from helpers.fake_results import cell

from imitbench.results import effort, scores, stats
from imitbench.utils.errors import UserError

LOG24 = np.log(24)


def test_entropy_by_hand():
    modes, yes = np.array([3, 3, 5, 7]), np.ones(4, bool)
    # Shares 1/2, 1/4, 1/4: 1/2 log 2 + 2/4 log 4 = 1.5 log 2.
    assert stats.mode_entropy(modes, yes, 24) == pytest.approx(1.5 * np.log(2) / LOG24)
    assert stats.mode_entropy(np.arange(24), np.ones(24, bool), 24) == pytest.approx(1.0)
    assert stats.mode_entropy(np.array([4, 4]), yes[:2], 24) == 0.0
    assert stats.mode_entropy(np.array([0, 1]), yes[:2], 2) == pytest.approx(1.0)


def test_failures_and_episodes_without_a_mode_do_not_count():
    modes = np.array([0, 1, 2, -1])
    assert stats.mode_entropy(modes, np.array([1, 1, 0, 1]), 4) == pytest.approx(0.5)
    assert np.isnan(stats.mode_entropy(modes, np.zeros(4, bool), 4))


def test_entropy_given_the_start():
    modes, yes = np.array([0, 1, 0, 1, 1, 1]), np.ones(6, bool)
    start = np.array([0, 1, 0, 1, 2, 2])  # each start has one mode
    assert stats.mode_entropy_given_start(modes, yes, start, 2) == 0.0
    assert stats.mode_entropy(modes, yes, 2) > 0.9
    start = np.array([0, 0, 1, 1, 2, 2])  # entropies 1, 1 and 0
    assert stats.mode_entropy_given_start(modes, yes, start, 2) == pytest.approx(2 / 3)
    some = np.array([1, 1, 0, 0, 1, 1])  # no success from start 1
    assert stats.mode_entropy_given_start(modes, some, start, 2) == pytest.approx(0.5)
    assert np.isnan(stats.mode_entropy_given_start(modes, 0 * some, start, 2))


@pytest.mark.parametrize(
    ("modes", "success", "count", "message"),
    [
        ([0, 24], [1, 1], 24, "mode 24 of episode 1: expected whole numbers from -1 to 23"),
        ([0, np.nan], [1, 1], 24, "mode nan of episode 1: .* evaluate the episodes again"),
        ([0.5, 0], [1, 1], 24, "mode 0.5 of episode 0"),
        ([-2, 0], [1, 1], 24, "mode -2 of episode 0"),
        ([0, 1], [1], 24, "expected both"),
        ([0, 1], [1, 1], 1, "count=1: expected 2 or more"),
    ],
)
def test_bad_input(modes, success, count, message):
    with pytest.raises(UserError, match=message):
        stats.mode_entropy(np.array(modes), np.array(success), count)
    with pytest.raises(UserError, match=message):
        stats.mode_entropy_given_start(np.array(modes), np.array(success), np.array(modes), count)


def test_starts_of_another_number():
    with pytest.raises(UserError, match=r"start has shape \(1,\): expected \(2,\)"):
        stats.mode_entropy_given_start(np.zeros(2), np.ones(2), np.zeros(1), 2)


def test_cells_give_the_entropy_of_each_seed():
    cell = fake_results.cell("bc", [0.5, 0.5])
    assert cell.mode_entropies() is None
    rows = {"seed": np.repeat([0, 1], 4), "mode": [0, 1, 1, 0, 2, 2, 3, -1]}
    episodes = pd.DataFrame(rows | {"success_final": [1, 1, 1, 1, 1, 1, 0, 1]})
    other = cell._replace(episodes=episodes, info=cell.info | {"modes": 4})
    np.testing.assert_allclose(np.asarray(other.mode_entropies()), [0.5, 0.0])
    np.testing.assert_allclose(other.final("mode_entropy"), [0.5, 0.0])
    assert not effort.still_rising(other, "mode_entropy")
    with pytest.raises(UserError, match="its episodes have no modes"):
        cell.final("mode_entropy")
    older = other._replace(episodes=episodes.assign(mode=[np.nan] * 4 + [0] * 4))
    with pytest.raises(UserError, match="evaluate the episodes again where modes are missing"):
        older.mode_entropies()


def test_the_interval_of_an_entropy_ends_where_an_entropy_can():
    r = cell("a", np.array([0.5, 0.6, 0.7]))
    low, high = stats.Mean(0.05, 0.1, 2.0), stats.Mean(0.95, 0.1, 2.0)
    assert scores.interval_of(r, "mode_entropy", low)[:2] == (0.05, 0.0)
    assert scores.interval_of(r, "mode_entropy", high)[::2] == (0.95, 1.0)
