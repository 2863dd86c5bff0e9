"""What all figures share."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers import fake_results

from imitbench.experts import reference_scores
from imitbench.results.figures import curves, drawing, panels
from imitbench.utils.errors import UserError


@pytest.mark.parametrize(("count", "columns"), [(1, 2), (3, drawing.LEGEND_COLUMNS)])
def test_a_legend_is_no_wider_than_its_figure(count, columns):
    """A narrow figure has fewer columns: names were cut off at both sides."""
    figure, grid = drawing.panel_grid(count, count, (4.2, 2.6), 0.6)
    for label in ("bc", "d3rlpy-bc", r"$\\a{$ d3rlpy", "expert", "random policy"):
        grid[0, 0].plot([0, 1], label=label)
    drawing.add_legend(figure, grid)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width
    starts = [round(t.get_window_extent().x0) for t in legend.get_texts()]
    assert len(starts) == 5 and len(set(starts)) == columns


def test_levels_are_those_of_the_expert_or_of_the_clip():
    def levels(task: str, demos: int) -> dict[str, float]:
        r = fake_results.cell("a", [1.0] * 5, demos=demos, task=task)
        r.info["has_success"] = False
        return panels.reference_levels([r])

    known = reference_scores.table()
    assert list(levels("Hopper", 4).items()) == [
        ("expert", known["Hopper"]["expert"]), ("random policy", known["Hopper"]["random"])
    ]  # fmt: skip
    # Learners from reward may be far from the expert, or beyond; a clip is what is to be followed.
    assert levels("Hopper", 0) == levels("HalfCheetah-short", 4) == {}
    for demos in (0, 5):
        found = levels("Walker2d-mocap-walk", demos)
        assert list(found) == ["clip", "random policy"] and found["clip"] == 300.0


def test_normalised_curves_have_the_random_policy_at_0_and_the_expert_at_1(tmp_path):
    ends = reference_scores.table()["Hopper"]
    cells = []
    for label, last in (("a", 1.4), ("b", 0.2)):
        r = fake_results.cell(label, [0.0] * 5, task="Hopper")
        r.info["has_success"] = False
        rows = [
            r.curve.assign(
                evaluation=i, updates=float(i), grad_steps=10.0 * i,
                **{"return": ends["random"] + share * (ends["expert"] - ends["random"])},
            )
            for i, share in enumerate((0.0, 0.1, last))
        ]  # fmt: skip
        r.info.update(device="cpu", demo_steps=0)
        cells.append(r._replace(curve=pd.concat(rows, ignore_index=True)))
    figure = curves.curves(cells, normalised=True)
    (axis,) = [a for a in figure.axes if a.get_ylabel() == "normalised return"]
    at = {
        text.get_text(): y
        for text, y in zip(axis.get_yticklabels(), axis.get_yticks(), strict=True)
    }
    assert at["0"] == pytest.approx(ends["random"]) and at["1"] == pytest.approx(ends["expert"])
    low, high = axis.get_ylim()
    assert low < ends["random"] and high > ends["random"] + 1.4 * (ends["expert"] - ends["random"])
    assert [p.name for p in curves.draw_normalised(cells, tmp_path)] == [
        "curves_normalised.png", "curves_normalised.svg"
    ]  # fmt: skip
    with pytest.raises(UserError, match="no task has a return to be normalised"):
        curves.draw_normalised([fake_results.cell("a", [1.0] * 5)], tmp_path)
