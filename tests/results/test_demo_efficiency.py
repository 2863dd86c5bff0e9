"""Scores against the number of demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import fake_results

from imitbench.experts import reference_scores
from imitbench.results.cells.cell import Result
from imitbench.results.figures import demo_efficiency, drawing


def cell(label: str, demos: int, scores: list[float], task: str = "PointMass") -> Result:
    made = fake_results.cell(label, scores, demos, task=task)
    return made._replace(curve=made.curve.assign(success_final=scores, **{"return": scores}))


def two(task: str, numbers: tuple[int, ...]) -> list[Result]:
    """BC gets 0.1 and 0.3 with 1, twice that with 2, ...; GAIL 0.5 always."""
    return [
        *(cell("bc", n, [0.1 * n, 0.3 * n], task) for n in numbers),
        *(cell("gail", n, [0.5, 0.5], task) for n in numbers),
    ]


@pytest.fixture
def figure(monkeypatch) -> dict[str, Any]:
    """Of the panels drawn, by title, the lines by method: (x, y)."""
    seen: dict[str, Any] = {}

    def save(figure: Any, path: Path, kinds: Any) -> list[Path]:
        for axis in figure.axes:
            lines = {x.get_label(): x.get_data() for x in axis.get_lines()}
            seen[axis.get_title()] = {k: v for k, v in lines.items() if not k.startswith("_")}
        return [path]

    monkeypatch.setattr(drawing, "save", save)
    return seen


def test_a_panel_for_each_task_and_one_over_all(figure):
    alone = cell("dac", 2, [0.9, 0.7])
    results = [*two("PointMass", (1, 2, 3)), alone, *two("FetchReach", (1, 2, 3))]
    assert demo_efficiency.draw(results, Path("x"))
    assert list(figure) == ["PointMass", "FetchReach", "interquartile mean of all"]
    np.testing.assert_allclose(figure["PointMass"]["bc"], [[1, 2, 3], [0.2, 0.4, 0.6]])
    assert figure["PointMass"]["dac"][1] == pytest.approx([0.8])
    assert "dac" not in figure["FetchReach"]
    over = figure["interquartile mean of all"]
    # Of 0.1, 0.1, 0.3, 0.3 the middle half.
    np.testing.assert_allclose(over["bc"], [[1, 2, 3], [0.2, 0.4, 0.6]])
    assert set(over) == {"bc", "gail"}


def test_returns_stand_between_a_random_policy_and_the_expert(figure):
    ends = reference_scores.table()["Hopper"]
    results = [
        cell(m, n, [ends["random"], ends["expert"]], "Hopper")
        for m in ("bc", "gail")
        for n in (1, 4, 11)
    ]
    for r in results:
        r.info["has_success"] = False
    assert demo_efficiency.draw(results, Path("x"))
    np.testing.assert_allclose(figure["Hopper"]["bc"][1], 0.5)


def test_tasks_without_reference_scores_show_plain_returns(figure):
    """Among them the data sets of an unknown task, each in a panel, and none in one over all."""
    results = []
    for r in [*two("none", (1, 2, 3)), *two("none", (1, 2, 3))]:
        name = "first" if len(results) < 6 else "second"
        results.append(r._replace(info=r.info | {"has_success": False, "dataset": {"name": name}}))
    assert demo_efficiency.draw(results, Path("x"))
    assert list(figure) == ["none (data first)", "none (data second)"]
    np.testing.assert_allclose(figure["none (data first)"]["bc"], [[1, 2, 3], [0.2, 0.4, 0.6]])


@pytest.mark.parametrize("numbers", [(1, 2), (1,)])
def test_nothing_without_enough_numbers(figure, numbers):
    more = [cell("bc", 9, [0.1, 0.2])]  # BC has three, GAIL two
    assert not demo_efficiency.draw([*two("PointMass", numbers), *more], Path("x"))
    assert not figure


@pytest.mark.parametrize("lone", [4, 5])
def test_lone_marks_are_left_out_of_a_full_panel(figure, lone):
    marks = [cell(f"lone {i}", 2, [0.5, 0.6]) for i in range(lone)]
    assert demo_efficiency.draw([*two("PointMass", (1, 2, 3)), *marks], Path("x"))
    names = {"bc", "gail"} | ({r.identity["label"] for r in marks} if lone == 4 else set())
    assert set(figure["PointMass"]) == names


def test_a_title_that_is_wider_than_the_figure_has_two_lines(monkeypatch):
    titles = []
    monkeypatch.setattr(drawing, "save", lambda f, p, k: titles.append(f.get_suptitle()) or [p])
    wide = [r for task in ("PointMass", "FetchReach") for r in two(task, (1, 2, 3))]
    for results in (two("PointMass", (1, 2, 3)), wide):
        for r in results:
            r.identity["suite"] = "a suite with a long name"
        assert demo_efficiency.draw(results, Path("x"))
    assert [title.count("\n") for title in titles] == [1, 0]
