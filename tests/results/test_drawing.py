"""What all figures share."""

from __future__ import annotations

import pytest

from imitbench.results.figures import drawing


@pytest.mark.parametrize(("panels", "columns"), [(1, 2), (3, drawing.LEGEND_COLUMNS)])
def test_a_legend_is_no_wider_than_its_figure(panels, columns):
    """A narrow figure has fewer columns: names were cut off at both sides."""
    figure, grid = drawing.panel_grid(panels, panels, (4.2, 2.6), 0.6)
    for label in ("bc", "d3rlpy-bc", r"$\\a{$ d3rlpy", "expert", "random policy"):
        grid[0, 0].plot([0, 1], label=label)
    drawing.add_legend(figure, grid)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width
    starts = [round(t.get_window_extent().x0) for t in legend.get_texts()]
    assert len(starts) == 5 and len(set(starts)) == columns
