"""What all figures share."""

from __future__ import annotations

import pytest
from helpers import fake_results

from imitbench.experts import reference_scores
from imitbench.results.figures import drawing, panels


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
