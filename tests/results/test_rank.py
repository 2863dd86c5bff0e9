"""Statistics over all tasks, by hand, and who is ranked at all."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.fake_results import cell

from imitbench.experts import reference_scores
from imitbench.results import rank, stats
from imitbench.utils.errors import UserError


def test_the_optimality_gap_by_hand():
    """Scores above 1 do not make up for others."""
    assert float(stats.optimality_gap(np.array([0.5, 1.0, 2.0, 0.0]))) == pytest.approx(1.5 / 4)


def test_the_median_is_of_the_places_means():
    scores = [np.array([0.0, 1.0]), np.array([3.0]), np.array([1.0, 1.0, 4.0])]
    statistic = stats.median_of_means([2, 1, 3])
    assert float(statistic(np.concatenate(scores))) == 2.0  # of 0.5, 3, 2
    found = stats.aggregate(scores, statistic)
    assert found.low <= found.value == 2.0 <= found.high


def test_a_profile_by_hand():
    scores = [np.array([0.2, 0.4]), np.array([0.6, 0.8])]
    share, low, high = stats.performance_profile(scores, np.array([0.0, 0.5, 0.7, 0.8]))
    np.testing.assert_allclose(share, [1.0, 0.5, 0.25, 0.0])
    assert (low <= share).all() and (share <= high).all()
    # Each place has its seeds drawn anew: both of the first are always below 0.5.
    assert (low[1], high[1]) == (0.5, 0.5) and (low[2], high[2]) == (0.0, 0.5)


def test_methods_are_ranked_where_all_of_them_ran():
    results = [
        cell("a", [0.2, 0.4]), cell("b", [0.6, 0.8]), cell("c", [1.0, 1.0]),
        cell("a", [0.5, 0.5], demos=20), cell("b", [0.3, 0.7], demos=20),
    ]  # fmt: skip
    scores = rank.collect(results, "success_any")
    assert list(scores.methods) == ["a", "b"] and scores.left_out == ["c"]
    assert scores.places == [("PointMass", 10, "scripted"), ("PointMass", 20, "scripted")]
    best, worse = rank.rank_methods(scores)
    assert (best.method, worse.method) == ("b", "a")
    assert best.mean.value == pytest.approx(0.6) and best.optimality_gap.value == pytest.approx(0.4)
    # b wins all four pairs at 10, and two of four at 20.
    assert best.improvement == pytest.approx(0.75) and worse.improvement == pytest.approx(0.25)


def test_standings_are_those_of_paired_tests():
    """c is above b by .1 in every seed, far less than seeds differ; a cannot be told apart."""
    seeds = np.array([0.1, 0.3, 0.5, 0.7, 0.6])
    noise = np.array([0.01, -0.01, 0.0, 0.01, -0.01])
    results = [
        cell("a", seeds[::-1]), cell("b", seeds), cell("c", seeds + 0.1 + noise),
        cell("a", seeds[::-1], demos=20), cell("b", seeds, demos=20),
        cell("c", seeds + 0.1 - noise, demos=20),
    ]  # fmt: skip
    scores = rank.collect(results, "success_any")
    assert rank.paired_standings(scores) == {"a": (0, 0), "b": (0, 1), "c": (1, 0)}
    ranked = [(r.method, r.above, r.below) for r in rank.rank_methods(scores)]
    assert [name for name, _, _ in ranked] == ["c", "a", "b"] and ranked[0][1:] == (1, 0)


def test_methods_with_other_numbers_of_seeds_are_compared_unpaired():
    results = [cell("a", [0.1, 0.2, 0.1, 0.2, 0.15]), cell("b", [0.8, 0.9, 0.8])]
    scores = rank.collect(results, "success_any")
    assert rank.paired_standings(scores) == {"a": (0, 1), "b": (1, 0)}
    single = rank.collect([cell("a", [0.1]), cell("b", [0.8])], "success_any")
    assert rank.paired_standings(single) == {"a": (0, 0), "b": (0, 0)}


def test_errors_at_places_of_one_task_do_not_cancel():
    found = stats.together([stats.Mean(1.0, 0.2, 4), stats.Mean(3.0, 0.4, 9)])
    assert found == pytest.approx((2.0, 0.3, 4))


def test_returns_are_between_a_random_policy_and_the_expert(monkeypatch):
    ends = {"PointMass": {"random": -10.0, "expert": 10.0}}
    monkeypatch.setattr(reference_scores, "table", lambda: ends)
    results = [cell("a", [0.0, 0.0]), cell("b", [0.0, 0.0])]
    for r, value in zip(results, (-10.0, 5.0), strict=True):
        r.curve["return"] = value
        r.info["has_success"] = False
    scores = rank.collect(results)
    assert scores.measure == "return"
    assert [float(x[0][0]) for x in scores.methods.values()] == [0.0, 0.75]


def test_cells_of_environments_that_differ_are_not_ranked():
    results = [cell("a", [0.2, 0.4]), cell("b", [0.6, 0.8], digest="y")]
    with pytest.raises(UserError, match=r"^the cells of PointMass ran in environments that behave"):
        rank.collect(results, "success_any")


def test_mistakes_are_said():
    with pytest.raises(UserError, match="no two methods ran at the same places"):
        rank.collect([cell("a", [0.5])])
    poor = [cell("a", [0.5]), cell("b", [0.5])]
    poor[0].info["has_success"] = False
    with pytest.raises(UserError, match="some tasks have no success"):
        rank.collect(poor, "success_any")
