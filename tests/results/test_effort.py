"""Learning curves: scores after equal effort, means over training, cells that still rise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.fake_results import cell

from imitbench.experts import reference_scores
from imitbench.results import compare, effort, stats
from imitbench.results.cells.cell import Result
from imitbench.results.compare import Side


def online(label: str, curve: dict[float, list[float]]) -> Result:
    """A cell that has the scores of each seed after some numbers of environment steps."""
    c = cell(label, [0.0] * len(next(iter(curve.values()))))
    frames = [
        c.curve.assign(
            evaluation=e, updates=steps / 10, env_steps=steps, success_any=x, success_final=x
        )
        for e, (steps, x) in enumerate(curve.items())
    ]
    return c._replace(curve=pd.concat(frames, ignore_index=True))


def mean(r: Result, steps: float | None = None) -> list[float]:
    values = effort.over_training(r, "success_any", steps)
    assert values is not None
    return values.tolist()


def test_the_mean_over_training_is_the_area_by_the_length():
    r = online("a", {0.0: [0.0, 0.2], 100.0: [0.4, 0.2], 400.0: [0.8, 0.5]})
    # Trapezoids: (0.2 x 100 + 0.6 x 300) / 400 and (0.2 x 100 + 0.35 x 300) / 400.
    assert mean(r) == pytest.approx([0.5, 0.3125])
    assert mean(r, 400.0) == mean(r)
    # The first 200 steps: at 200 the line of seed 0 is at 0.4 + 0.4 / 3.
    assert mean(r, 200.0) == pytest.approx([(20 + 100 * (0.4 + 0.2 / 3)) / 200, (20 + 25) / 200])
    assert mean(r, 100.0) == pytest.approx([0.2, 0.2])
    assert effort.over_training(r, "success_any", 401.0) is None


def test_unequal_budgets_are_named_in_comparisons():
    short = online("a", {0.0: [0.0] * 2, 100_000.0: [0.5] * 2})
    long = online("b", {0.0: [0.0] * 2, 307_200.0: [0.5] * 2})
    line = "environment steps differ (100,000, 307,200): one trained for longer"
    assert effort.unequal_steps(short, long) == line
    sides = [
        Side(r.identity["label"], {(r.place, r.identity["label"]): r}, r.identity["label"])
        for r in (short, long)
    ]
    found = compare.pairs(*sides)
    assert all(line in pair.warnings for pair in found) and found
    assert effort.unequal_steps(short, short) == effort.unequal_steps(short, cell("c", [0.0])) == ""
    few, many = cell("c", [0.0]), cell("d", [0.0])
    few.curve["grad_steps"], many.curve["grad_steps"] = 100, 110
    assert effort.unequal_steps(few, many) == ""
    many.curve["grad_steps"] = 111
    assert effort.unequal_steps(few, many).startswith("gradient steps differ (100, 111)")


def test_a_curve_without_its_beginning_has_no_mean():
    assert effort.over_training(online("a", {10.0: [0.1], 20.0: [0.2]}), "success_any") is None
    assert effort.over_training(cell("offline", [0.1, 0.2]), "success_any") is None
    assert effort.over_training(online("a", {0.0: [0.1], 20.0: [0.2]}), "success_any") is None


def test_a_diverged_seed_has_the_random_return_all_along(monkeypatch):
    monkeypatch.setattr(
        reference_scores, "table", lambda: {"PointMass": {"random": -9.0, "expert": 1.0}}
    )
    r = online("a", {0.0: [0.0] * 2, 50.0: [0.0] * 2, 100.0: [0.0] * 2})
    r.curve["return"] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]  # seeds 0 and 1 at each evaluation
    r.info["diverged_seeds"] = [1]
    assert effort.over_training(r, "return") == pytest.approx([3.0, -9.0])
    assert effort.after_env_steps(r, "return", 75.0) == pytest.approx([4.0, -9.0])


def test_a_diverged_seed_failed_all_along():
    r = online("a", {0.0: [0.1, 0.2], 50.0: [0.4, 0.6], 100.0: [0.4, 0.0]})
    r.info["diverged_seeds"] = [1]
    assert mean(r) == pytest.approx([0.325, 0.0])
    assert effort.after_env_steps(r, "success_any", 75.0) == pytest.approx([0.4, 0.0])


def test_curves_are_compared_up_to_the_end_of_the_shorter_one():
    a = online("a", {0.0: [0.0] * 3, 50.0: [0.3, 0.35, 0.4], 100.0: [0.6, 0.7, 0.8]})
    b = online("b", {0.0: [0.0] * 3, 100.0: [0.1, 0.2, 0.45], 200.0: [0.2, 0.4, 0.9]})
    for r, evals in ((a, 2), (b, 4)):
        r.identity["num_evals"] = evals
    sides = [Side(r.identity["label"], {(r.place, r.identity["label"]): r}, "ab"[i])
             for i, r in enumerate((a, b))]  # fmt: skip
    (pair,) = [p for p in compare.pairs(*sides) if p.measure.endswith("over training")]
    assert pair.measure == "success_final over training"
    # Straight lines from 0: after 100 steps the means are half of what each has then.
    mine, theirs = np.array([0.3, 0.35, 0.4]), np.array([0.05, 0.1, 0.225])
    assert pair.lead.value == pytest.approx((mine - theirs).mean())
    lead = stats.over_seeds(mine - theirs)
    rates = float(mine.mean()), float(theirs.mean())
    assert pair.lead.error == pytest.approx(stats.with_binomial_error(lead, rates, (60, 60)).error)
    assert pair.a == stats.rate_interval(stats.over_seeds(mine), 60)
    assert pair.warnings == ("numbers of evaluations differ (2, 4): curves are as fine as those",)
    assert "points of success final over training" in compare.verdict(pair, "a", "b")


def test_a_first_evaluation_before_training_is_no_sign_of_a_rise():
    seeds = np.array([0.5, 0.52, 0.48, 0.51])
    flat = {0.0: list(seeds * 0), 50.0: list(seeds), 100.0: list(seeds + 0.001)}
    assert not effort.still_rising(online("a", {0.0: [0.0] * 4, 100.0: list(seeds)}), "success_any")
    assert effort.still_rising(online("a", flat), "success_any")  # a small rise of every seed
    flat[100.0] = list(seeds[::-1])
    assert not effort.still_rising(online("a", flat), "success_any")


def test_a_rise_goes_on_for_as_many_steps_again():
    curve = {0.0: [0.0, 0.0], 75.0: [0.4, 0.6], 100.0: [0.5, 0.8]}
    # 0.1 and 0.2 over a quarter of the budget.
    assert effort.rise_if_doubled(online("a", curve), "success_any") == pytest.approx(0.6)
    once = online("a", {0.0: [0.0, 0.0], 100.0: [0.5, 0.8]})
    assert effort.rise_if_doubled(once, "success_any") == 0.0
    assert effort.rise_if_doubled(online("a", curve), "metric/value") == 0.0
