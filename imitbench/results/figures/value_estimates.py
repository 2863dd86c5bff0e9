"""What methods believe of their policies beside what they get: overestimation made visible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imitbench.results.figures import drawing, panels
from imitbench.results.store import Result

BELIEVED, REAL = "metric/value", "metric/discounted"
LINEAR = 100.0  # where some value is over ten times that, those above it are on a logarithmic axis


def draw(results: Sequence[Result], path: Path) -> list[Path]:
    """Writes `path` as .png and .svg: for each task and its data every method's value of the
    evaluation's initial states, and the discounted returns from there, over the gradient steps.
    Nothing where no method says what it believes."""
    methods = list(dict.fromkeys(r.identity["label"] for r in results))  # as in the other figures
    results = [r for r in results if BELIEVED in r.curve]
    if not results:
        return []
    together = panels.groups(results)
    columns = list(together)
    across = min(4, len(columns))
    figure, grid = drawing.sheet(len(columns), across, (3.6, 2.7), 0.9, sharey=True)
    for axis, column in zip(grid.flat, columns, strict=False):
        here = together[column]
        for r in here:
            style = drawing.method_style(methods, r.identity["label"])
            for measure, line, what in ((BELIEVED, "-", "believed"), (REAL, "--", "real")):
                mean, low, high = panels.over_time(r, measure)
                x = panels.costs(r, "grad_steps")
                axis.plot(
                    x,
                    mean,
                    color=style["color"],
                    marker=style["marker"] if line == "-" else None,
                    linestyle=line,
                    markersize=4,
                    linewidth=1.4,
                    label=f"{r.identity['label']}, {what}",
                )
                axis.fill_between(x, low, high, color=style["color"], alpha=0.12, linewidth=0)
        axis.set_title(panels.title(column, columns).replace(" (", "\n("), fontsize=9)
        drawing.scale(axis, [panels.costs(r, "grad_steps")[-1] for r in here])
        axis.set_xlabel("gradient steps")
    # The panels share their y axis.
    if np.abs(grid[0][0].get_ylim()).max() > 10 * LINEAR:
        grid[0][0].set_yscale("symlog", linthresh=LINEAR)
    grid[0][0].set_ylabel("discounted return")
    drawing.legend(figure, grid)
    drawing.caption(figure, results, "shaded")
    return drawing.save(figure, path)
