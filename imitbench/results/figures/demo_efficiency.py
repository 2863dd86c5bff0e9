"""Scores against the number of demonstrations: how many each method needs.

As figure 1 of Ho and Ermon 2016 (arXiv:1606.03476): success where the task says when it is solved,
else returns with the random policy at 0 and the expert at 1, or plain returns where the task has no
reference scores, as with a user's data of an unknown task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from imitbench.experts import reference_scores
from imitbench.results import scores, stats
from imitbench.results.cells.cell import Result
from imitbench.results.figures import drawing, panels

MAX_COLUMNS = 4  # of panels
LONE_MARK_STEP = 1.06  # the factor between the positions of lone marks at one number
MIN_NUMBERS = 3  # of demonstrations, with which at least two methods must have been run
NORMALISED = "normalised return"

# For each method and number of demonstrations the cells of one or several tasks.
Cells = Mapping[str, Mapping[int, list[Result]]]


class Panel(NamedTuple):
    """The cells of one panel: it shows the mean of one task, or the interquartile mean of
    several."""

    title: str
    measure: str
    cells: Cells


def draw(results: Sequence[Result], path: Path, kinds: Sequence[str] = drawing.KINDS) -> list[Path]:
    """Draws a panel for each task and expert, and one with the interquartile mean over them.

    Where a panel would have more than `panels.MAX_CURVES` methods, those that were run with one
    number of demonstrations are left out.

    Args:
        results: cells of one suite.
        path: of the files; its suffix is replaced.
        kinds: of files.

    Returns:
        The files written; none where no two methods were run with `MIN_NUMBERS` numbers of
        demonstrations.
    """
    methods = panels.looks(results)  # as in the other figures
    drawn = _task_panels(results)
    if not drawn:
        return []
    drawn += _aggregate_panel(drawn)
    rows = -(-len(drawn) // MAX_COLUMNS)
    columns = -(-len(drawn) // rows)  # equally many in each row, as far as they go
    figure, grid = drawing.panel_grid(len(drawn), columns, (3.6, 2.9), 0.9)
    for axis, panel in zip(grid.flat, drawn, strict=False):
        _draw_panel(axis, panel, methods)
    drawing.add_legend(figure, grid)
    drawing.add_caption(figure, results, "shaded")
    return drawing.save(figure, path, kinds)


def _task_panels(results: Sequence[Result]) -> list[Panel]:
    groups: dict[tuple[str, str], list[Result]] = {}
    for r in results:
        task, demos, expert = r.place
        if demos:
            groups.setdefault((task, expert), []).append(r)
    several = len({expert for _, expert in groups}) > 1
    drawn = []
    for (task, expert), cells in groups.items():
        by_method: dict[str, dict[int, list[Result]]] = {}
        for r in cells:
            by_method.setdefault(r.identity["label"], {})[r.place[1]] = [r]
        if len(by_method) > panels.MAX_CURVES:  # lone marks are the first to go
            by_method = {k: v for k, v in by_method.items() if len(v) > 1}
        if _can_be_drawn(by_method):
            title = f"{task} ({expert})" if several else task
            drawn.append(Panel(title, _measure(cells[0]), by_method))
    return drawn


def _measure(r: Result) -> str:
    """What the panel of a cell's task shows, as its axis says."""
    if scores.main_measure(r) == "return" and r.identity["task"] in reference_scores.table():
        return NORMALISED
    return panels.measure_label(r)


def _can_be_drawn(by_method: Cells) -> bool:
    return sum(len(by_number) >= MIN_NUMBERS for by_number in by_method.values()) > 1


def _aggregate_panel(drawn: Sequence[Panel]) -> list[Panel]:
    """The methods and numbers that all panels have, if the panels show one measure."""
    first = drawn[0]
    joined: dict[str, dict[int, list[Result]]] = {}
    for method, by_number in first.cells.items():
        for demos in by_number:
            per_panel = [p.cells.get(method, {}).get(demos) for p in drawn]
            cells = [r for x in per_panel if x is not None for r in x]
            if len(cells) == len(drawn):
                joined.setdefault(method, {})[demos] = cells
    one_measure = len(drawn) > 1 and all(p.measure == first.measure for p in drawn)
    one_scale = first.measure in ("success final", NORMALISED)  # plain returns have their own
    if not one_measure or not one_scale or not _can_be_drawn(joined):
        return []
    return [Panel("interquartile mean of all", first.measure, joined)]


def _estimate(cells: Sequence[Result]) -> stats.Estimate:
    measure = scores.main_measure(cells[0])
    if len(cells) > 1:
        return stats.aggregate([r.score(measure) for r in cells], stats.iqm)
    (cell,) = cells
    if measure == "return" and cell.identity["task"] in reference_scores.table():
        return scores.normalised(cell)
    return scores.estimate(cell, measure)


def _draw_panel(axis: Axes, panel: Panel, methods: Sequence[str | None]) -> None:
    lone_marks: dict[int, int] = {}  # how many are drawn at each number: they do not overlap
    for method, by_number in panel.cells.items():
        style: dict[str, Any] = drawing.method_style(methods, method)
        demos = sorted(by_number)
        mean, low, high = np.array([_estimate(by_number[n]) for n in demos]).T
        x = np.array(demos, float)
        if len(demos) == 1:
            lone_marks[demos[0]] = lone_marks.get(demos[0], 0) + 1
            x *= LONE_MARK_STEP ** lone_marks[demos[0]]
            axis.vlines(x, low, high, color=style["color"], linewidth=1.0)
        else:
            axis.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)
        axis.plot(x, mean, label=method, markersize=4, linewidth=1.4, **style)
    numbers = sorted({n for by_number in panel.cells.values() for n in by_number})
    axis.set_xscale("log")
    axis.set_xticks(numbers, [str(n) for n in numbers])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("demonstrations")
    axis.set_ylabel(panel.measure)
    axis.set_title(panel.title, fontsize=9)
    if panel.measure.startswith("success"):
        axis.set_ylim(-0.02, 1.02)
    elif panel.measure == NORMALISED:
        axis.axhline(1.0, color="0.4", linewidth=0.8, label="expert")
        axis.axhline(0.0, color="0.4", linewidth=0.8, linestyle=":", label="random policy")
