"""Published numbers beside ours."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from imitbench.core.types import UserError
from imitbench.harness import claims, suite, tables, targets
from imitbench.harness.store import Result

POINT = targets.Published("Hopper", "ppo", 150, 500.0, "± 10", 3, "someone, v4", "https://a.b")


def result(label: str = "ppo", steps=(100, 200), returns=((1.0, 3.0), (11.0, 13.0))) -> Result:
    """Of two seeds whose returns at each step are given."""
    rows = [
        {"seed": s, "evaluation": e, "env_steps": n, "return": returns[e][s]}
        for s in range(2)
        for e, n in enumerate(steps)
    ]
    identity = {"task": "Hopper", "label": label, "suite": "toy"}
    return Result({"identity": identity}, pd.DataFrame(rows), pd.DataFrame(), Path("x"))


@pytest.mark.parametrize(("at", "expected"), [(100, 2.0), (150, 7.0), (175, 9.5), (200, 12.0)])
def test_returns_at_a_step_lie_on_the_line_between_evaluations(at, expected):
    point = targets.Published("Hopper", "ppo", at, 0.0, "", 1, "", "")
    ours = targets.here(point, [result("sac"), result()])
    assert ours is not None and ours.value == pytest.approx(expected)
    assert ours.low == pytest.approx(expected - 1) and ours.high == pytest.approx(expected + 1)


@pytest.mark.parametrize("at", [99, 201])
def test_nothing_is_said_beyond_the_run(at):
    point = targets.Published("Hopper", "ppo", at, 0.0, "", 1, "", "")
    assert targets.here(point, [result()]) is None
    assert targets.here(POINT, [result("sac")]) is None


def test_two_cells_that_fit_are_an_error():
    with pytest.raises(UserError, match="2 cells of Hopper ppo"):
        targets.here(POINT, [result(), result()])


def test_the_table_shows_both(monkeypatch):
    monkeypatch.setattr(targets, "load", lambda name: (POINT,))
    line = ["Hopper", "ppo", "150", "7 [6, 8]", "500 ± 10", "[someone, v4](https://a.b)"]
    assert tables.published([result()]).rows == [line]
    monkeypatch.setattr(targets, "load", lambda name: ())
    assert tables.published([result()]).rows == []


@pytest.mark.parametrize("name", [n for n in suite.names() if suite.exists(f"targets/{n}")])
def test_published_numbers_belong_to_cells_of_their_suite(name):
    cells = {(c.task, c.method) for p in suite.load(name).profiles.values() for c in p}
    found = targets.load(name)
    assert all((p.task, p.method) in cells for p in found)
    named = {(c.task, c.demos, c.name) for c in suite.load(name).profiles["cpu"]}
    rates = targets.rates(name)[0]
    assert all((r.task, r.demos, r.method) in named for r in rates)
    assert found or rates or claims.load(name)
    assert all(p.url.startswith("https://") and p.seeds > 0 and p.source for p in found)
