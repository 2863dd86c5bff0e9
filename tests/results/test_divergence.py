"""Diverged seeds: what they count as, and what is said where it is not known."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers.fake_results import cell

from imitbench.experts import reference_scores
from imitbench.results import claims, compare, scores, shipped, stats, tables
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.compare import Side
from imitbench.results.figures import curves, verdicts
from imitbench.results.tables import beside, by_method, marks, sections, tidy
from imitbench.suites.published.schema import Claim

OWN = "own-task"  # without reference scores
A_OVER_B = Claim("a is above b", "a", "b", "somebody", measure="return")


def returns(label: str, diverged: tuple[int, ...] = (), task: str = OWN) -> Result:
    """Three evaluations of five seeds, with the returns 0 to 4, 10 to 14, and 20 to 24."""
    c = cell(label, [0.5] * 5, task=task)
    frames = [
        c.curve.assign(**{"return": np.arange(5) + 10.0 * e}, evaluation=e, updates=e, env_steps=e)
        for e in range(3)
    ]
    c.identity["num_evals"] = 2
    c.info.update({
        "has_success": False, "diverged_seeds": list(diverged), "device": "cpu", "demo_steps": 0,
        "seconds": {"train": 1.0, "compile": 1.0},
    })  # fmt: skip
    return c._replace(curve=pd.concat(frames, ignore_index=True))


@pytest.fixture
def pair() -> list[Result]:
    """Two cells at one place, of which the first has lost a seed."""
    return [returns("a", (1,)), returns("b")]


def test_a_return_is_withheld_where_no_random_score_is_known(pair):
    a, b = pair
    np.testing.assert_array_equal(a.final("return"), [20.0, np.nan, 22.0, 23.0, 24.0])
    assert all(math.isnan(x) for x in scores.estimate(a, "return"))
    assert (a.divergence, b.divergence) == (
        "seed 1 diverged; no return, because the task has no reference scores", "",
    )  # fmt: skip
    a.info["has_success"] = True
    assert a.divergence.startswith("seed 1 diverged, counted as failed; no return, because")
    assert returns("a", (1,), "PointMass").divergence == "seed 1 diverged, counted as failed"


def test_a_tidy_frame_has_the_scores_that_count():
    a = returns("a", (1,), "PointMass")
    a.info["has_success"] = True
    a.curve["success_any"] = 0.5
    frame = tidy.tidy_frame([a]).query("evaluation == 2")
    random = reference_scores.table()["PointMass"]["random"]
    assert frame["return"].tolist() == [20.0, random, 22.0, 23.0, 24.0]
    assert frame["normalised"].tolist()[1] == 0.0
    assert frame["success_any"].tolist() == [0.5, 0.0, 0.5, 0.5, 0.5]
    assert tidy.tidy_frame([returns("a", (1,))])["return"].isna().tolist() == [
        seed == 1 for _ in range(3) for seed in range(5)
    ]


def test_no_table_has_a_number_for_it(pair):
    first, second = tables.marked_rows([*pair, returns("c")])[:2]
    assert first["Method"] == f"a ({pair[0].divergence})"
    assert (first["Return"], first["Over training"]) == ("-", "-")
    assert second["Return"].startswith("**22.0 [")
    summary = tables.summary(pair)
    assert summary.filter(like="return").iloc[0].drop("expert_mean_return").isna().all()
    assert by_method.by_method(pair).rows == [["a", "-"], ["b", "22 ± 2"]]
    assert marks.is_best(pair, "return") == [False, False]
    assert beside.format_gap(stats.Estimate(math.nan, math.nan, math.nan)) == ("-", "-")


def test_nothing_is_decided_from_it(pair, monkeypatch, tmp_path):
    (j,) = claims.judge([A_OVER_B], pair)
    assert (j.verdict, j.objection) == ("undecided", f"a: {pair[0].divergence}")
    assert sections.claim_row(j)[2:4] == ["-", "-"] and verdicts.points([j]) == {}
    sides = [Side(r.identity["label"], {(r.place, "x"): r}, "x") for r in pair]
    found = compare.pairs(*sides)
    assert compare.verdict(found[0], "a", "b").startswith(
        "no difference is known between a and b: a seed of a diverged, and the task has no"
    )
    assert compare.overall(found, "a", "b").endswith("1; probability of improvement not known")
    for r in pair:
        r.identity["label"] = "x"
    (tmp_path / "cells").mkdir()
    monkeypatch.setattr(store, "read_all", lambda root: pair[1:])
    line = shipped.compare_with_shipped(pair[:1], tmp_path)
    assert "no difference found in 0 of 1 cells; not known, because seeds diverged, in own" in line


def test_a_figure_leaves_it_out(pair):
    figure = curves.figure(pair)
    lines = {x.get_label(): x.get_ydata() for x in figure.axes[0].lines}
    plt.close(figure)
    assert np.isnan(lines["a"]).all() and np.isfinite(lines["b"]).all()
