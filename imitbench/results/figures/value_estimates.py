"""Estimated versus realised returns: overestimation made visible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.results.cells.cell import Result
from imitbench.results.figures import drawing, panels

ESTIMATED, REALISED = "metric/value", "metric/discounted"
# For each column of the curve the line, and the word in the legend.
LINES = {ESTIMATED: ("-", "estimated"), REALISED: ("--", "realised")}
# Where some value is over ten times this, the values above it are on a logarithmic scale.
MAX_LINEAR = 100.0


def draw(results: Sequence[Result], path: Path, kinds: Sequence[str] = drawing.KINDS) -> list[Path]:
    """Draws the estimated and the realised discounted returns over the gradient steps.

    The estimate is the method's value of the evaluation's initial states.

    Args:
        results: cells of one suite. Methods without a value estimator are left out.
        path: of the files; its suffix is replaced.
        kinds: of files.

    Returns:
        The files written; none where no method has a value estimator.
    """
    methods = panels.looks(results)  # as in the other figures
    results = [r for r in results if ESTIMATED in r.curve]
    if not results:
        return []
    groups = panels.comparison_groups(results)
    places = list(groups)
    columns = min(4, len(places))
    figure, grid = drawing.panel_grid(len(places), columns, (3.6, 2.7), 0.9, sharey=True)
    for axis, (place, cells) in zip(grid.flat, groups.items(), strict=False):
        ends = [panels.cost_at_evaluations(r, "grad_steps")[-1] for r in cells]
        drawing.scale_cost_axis(axis, ends)
        for r in cells:
            _draw_returns(axis, r, drawing.method_style(methods, r.identity["label"]))
        axis.set_title(panels.panel_title(place, places).replace(" (", "\n("), fontsize=9)
        axis.set_xlabel("gradient steps")
    # The panels share their y axis.
    if np.abs(grid[0][0].get_ylim()).max() > 10 * MAX_LINEAR:
        grid[0][0].set_yscale("symlog", linthresh=MAX_LINEAR)
    grid[0][0].set_ylabel("discounted return")
    drawing.add_legend(figure, grid)
    drawing.add_caption(figure, results, "shaded")
    return drawing.save(figure, path, kinds)


def _draw_returns(axis: Any, r: Result, style: dict[str, Any]) -> None:
    for column, (line, word) in LINES.items():
        mean, low, high = panels.mean_at_evaluations(r, column)
        steps = panels.cost_at_evaluations(r, "grad_steps")
        at = drawing.places_on(axis, steps)
        axis.plot(
            steps[at],
            mean[at],
            color=style["color"],
            marker=style["marker"] if line == "-" else None,
            linestyle=line,
            markersize=4,
            linewidth=1.4,
            label=f"{r.identity['label']}, {word}",
        )
        axis.fill_between(
            steps[at], low[at], high[at], color=style["color"], alpha=0.12, linewidth=0
        )
