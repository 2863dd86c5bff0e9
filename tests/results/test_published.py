"""Published numbers beside ours."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from helpers import fake_results

from imitbench.results import stats
from imitbench.results.cells.cell import Result
from imitbench.results.tables import beside, published_numbers
from imitbench.suites import published
from imitbench.suites.published.schema import Published
from imitbench.suites.registry import load_suite
from imitbench.utils.errors import UserError

POINT = Published("Hopper", "ppo", 150, 500.0, 10.0, 3, "someone, v4", "https://a.b")


def result(label: str = "ppo", steps=(100, 200), returns=((1.0, 3.0), (11.0, 13.0))) -> Result:
    """Of two seeds whose returns at each step are given."""
    rows = [
        {"seed": s, "evaluation": e, "env_steps": n, "return": returns[e][s]}
        for s in range(2)
        for e, n in enumerate(steps)
    ]
    identity = {"task": "Hopper", "label": label, "suite": "toy", "seeds": [0, 1]}
    return Result({"identity": identity}, pd.DataFrame(rows), pd.DataFrame(), Path("x"))


@pytest.mark.parametrize(("at", "expected"), [(100, 2.0), (150, 7.0), (175, 9.5), (200, 12.0)])
def test_returns_at_a_step_lie_on_the_line_between_evaluations(at, expected):
    point = Published("Hopper", "ppo", at, 0.0, 1.0, 1, "", "")
    ours = published_numbers.our_return(point, [result("sac"), result()])
    assert ours is not None and ours.value == pytest.approx(expected)
    half = 12.706  # Student's t with one degree of freedom, and a standard error of 1
    assert ours.interval()[1:] == pytest.approx((expected - half, expected + half), abs=1e-3)


@pytest.mark.parametrize("at", [99, 201])
def test_nothing_is_said_beyond_the_run(at):
    point = Published("Hopper", "ppo", at, 0.0, 1.0, 1, "", "")
    assert published_numbers.our_return(point, [result()]) is None
    assert published_numbers.our_return(POINT, [result("sac")]) is None


def test_two_cells_that_fit_are_an_error():
    with pytest.raises(UserError, match="2 cells of Hopper ppo"):
        published_numbers.our_return(POINT, [result(), result()])


def test_the_table_shows_both(monkeypatch):
    monkeypatch.setattr(published, "returns_of", lambda name: (POINT,))
    line = ["Hopper", "ppo", "150", "7 [-6, 20]", "500 ± 10 (std over 3 seeds)"]
    # The error is sqrt(1 + 100 / 3), the degrees of freedom 34.33^2 / (1 + 33.33^2 / 2) = 2.1.
    line += ["-493 [-517, -469]", "lower here", "[someone, v4](https://a.b)"]
    assert beside.published_returns([result()]).rows == [line]
    monkeypatch.setattr(published, "returns_of", lambda name: ())
    assert beside.published_returns([result()]).rows == []


@pytest.mark.parametrize("name", published.MODULES)
def test_published_numbers_belong_to_cells_of_their_suite(name):
    cells = {(c.task, c.name) for p in load_suite(name).profiles.values() for c in p}
    found = published.returns_of(name)
    assert all((p.task, p.method) in cells for p in found)
    named = {(c.task, c.demos, c.name) for c in load_suite(name).profiles["cpu"]}
    rates = published.rates_of(name)[0]
    assert all((r.task, r.demos, r.method) in named for r in rates)
    assert found or rates or published.claims_of(name)
    assert all(p.url.startswith("https://") and p.seeds > 0 and p.source for p in found)


def test_rows_of_peers_stand_beside_the_method_behind_their_name():
    """The lead is that of fresh seeds, seed by seed."""
    ours = fake_results.cell("iql", [0.5, 0.6, 0.7])
    other = fake_results.cell("bc", [0.1, 0.1, 0.1])
    peer = fake_results.cell("d3rlpy-iql", [0.4, 0.5, 0.6])
    peer.identity["peer"] = {"package": "d3rlpy", "version": "2.8.1"}
    for r in (ours, peer):
        r.info["has_success"] = False
        r.curve["return"] = 100 * r.curve["success_any"]
    (row,) = beside.peer_rows([ours, other, peer]).rows
    line = dict(zip(beside.PEERS_HEAD, row, strict=True))
    assert line["Method"] == "iql" and line["Package"] == "d3rlpy 2.8.1"
    assert line["Here"].startswith("60 [") and line["There"].startswith("50 [")
    assert line["Difference"] == "+10 [+10, +10]" and line["Verdict"] == "higher here"
    assert beside.peer_rows([ours, other]).rows == []


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(-1.0, 2.0, "no difference found"), (0.5, 2.0, "higher here"), (-2.0, -0.5, "lower here")],
)
def test_what_a_difference_shows(low, high, found):
    assert beside.format_gap(stats.Estimate((low + high) / 2, low, high))[1] == found


def test_a_single_seed_shows_nothing():
    assert beside.format_gap(stats.Estimate(3.0, math.nan, math.nan)) == ("+3", "-")
