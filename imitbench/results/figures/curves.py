"""Learning curves, and scores of cells evaluated once: the mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from imitbench.experts import reference_scores
from imitbench.results import scores as cell_scores
from imitbench.results.cells.cell import Result
from imitbench.results.figures.drawing import (
    KINDS,
    LEGEND_COLUMNS,
    add_caption,
    add_legend,
    method_style,
    panel_grid,
    places_on,
    save,
    scale_cost_axis,
)
from imitbench.results.figures.panels import (
    COST_LABELS,
    comparison_groups,
    cost_at_evaluations,
    curve_panels,
    evaluated_once,
    looks,
    mean_at_evaluations,
    measure_label,
    panel_title,
    reference_levels,
)
from imitbench.results.tables import published_numbers
from imitbench.suites import published
from imitbench.suites.published.schema import Place
from imitbench.utils.errors import UserError

MAX_GRID_COLUMNS = 5  # a wider grid of costs and places is drawn panel by panel
MAX_COLUMNS = 4  # of panels that are drawn one after the other
MAX_TITLE = 48  # characters of a line above a panel


def draw(results: Sequence[Result], root: Path, kinds: Sequence[str] = KINDS) -> list[Path]:
    """Draws the main figure of a suite: learning curves, or scores of cells evaluated once.

    Args:
        results: cells of one suite.
        root: the folder for `curves` or `scores`.
        kinds: of files.

    Returns:
        The files written.
    """
    name = "scores" if evaluated_once(results) else "curves"
    return save(figure(results), root / name, kinds)


def draw_normalised(
    results: Sequence[Result], root: Path, kinds: Sequence[str] = KINDS
) -> list[Path]:
    """Draws learning curves whose returns are 0 for a random policy and 1 for the expert.

    Args:
        results: cells of one suite.
        root: the folder for `curves_normalised`.
        kinds: of files.

    Returns:
        The files written.

    Raises:
        UserError: the cells were evaluated once, or no task has reference scores.
    """
    known = reference_scores.table()
    cells = [r for r in results if r.place[0] in known and not r.info["has_success"]]
    if not cells or evaluated_once(cells):
        why = "its cells were evaluated once" if cells else "no task has a return to be normalised"
        raise UserError(f"{results[0].identity['suite']}: no normalised curves, because {why}")
    return save(curves(cells, normalised=True), root / "curves_normalised", kinds)


def figure(results: Sequence[Result]) -> Figure:
    """Draws learning curves, or the scores of cells that were evaluated once.

    Args:
        results: cells of one suite.
    """
    return scores(results) if evaluated_once(results) else curves(results)


def scores(results: Sequence[Result]) -> Figure:
    """Draws every method's score at its only evaluation, with the interval over seeds.

    Args:
        results: cells of one suite, each evaluated once. Each place has a panel, whose rows are its
            own methods.
    """
    groups: dict[Place, list[Result]] = {}
    for r in results:
        groups.setdefault(r.place, []).append(r)
    places, order = list(groups), list(dict.fromkeys(r.identity["label"] for r in results))[::-1]
    rows = {}  # from the bottom to the top
    for place, cells in groups.items():
        there = {r.identity["label"] for r in cells}
        rows[place] = [label for label in order if label in there]
    same = all(labels == rows[places[0]] for labels in rows.values())
    panel_size = (4.2 if same else 5.0, 0.28 * max(map(len, rows.values())) + 1.0)
    figure, grid = panel_grid(len(places), min(3, len(places)), panel_size, 0.5, sharey=same)
    for axis, (place, cells) in zip(grid.flat, groups.items(), strict=False):
        _draw_scores(axis, cells, rows[place])
        axis.set_title(panel_title(place, places), fontsize=10)
    add_legend(figure, grid)
    add_caption(figure, results, "with")
    return figure


def _draw_scores(axis: Any, cells: Sequence[Result], methods: Sequence[str]) -> None:
    """One row for each method, the first at the bottom."""
    has_success = cells[0].info["has_success"]
    marks = {"success_any": ("o", "black"), "success_final": ("o", "none")}
    for measure, (marker, face) in (marks if has_success else {"return": ("D", "black")}).items():
        estimates = [cell_scores.estimate(r, measure) for r in cells]
        axis.errorbar(
            [e.value for e in estimates],
            [methods.index(r.identity["label"]) + 0.12 * (face == "none") for r in cells],
            xerr=np.nan_to_num([[e.value - e.low, e.high - e.value] for e in estimates]).T,
            fmt=marker,
            color="black",
            markerfacecolor=face,
            markersize=5,
            linewidth=1,
            label=measure.replace("_", " "),
        )
    axis.set_yticks(range(len(methods)), methods)
    axis.set_ylim(-0.5, len(methods) - 0.4)
    axis.set_xlabel("share of episodes" if has_success else "return")
    if has_success:
        axis.set_xlim(-0.02, 1.02)


def curves(results: Sequence[Result], *, normalised: bool = False) -> Figure:
    """Draws learning curves: a panel for each cost that some method spends, at each place.

    A place with many methods has several panels for each cost. A curve is final success where the
    task says when it is solved, else the return. A method that does not spend a panel's cost is a
    horizontal line at its last value.

    Args:
        results: cells of one suite.
        normalised: returns are 0 for a random policy and 1 for the expert; all tasks have reference
            scores.
    """
    groups, order = comparison_groups(results), looks(results)
    panels = curve_panels(groups)
    parts = {panel.place: panel.parts for panel in panels}
    places = list(parts)
    shown = {r.identity["label"] for place in places for r in groups[place]}
    labels = dict.fromkeys(r.identity["label"] for r in results)
    methods = [label for label in labels if label in shown]
    costs, width = len({panel.cost for panel in panels}), sum(parts.values())
    # Costs are rows and places columns, if this grid has no holes and is not too wide.
    is_grid = width <= MAX_GRID_COLUMNS and len(panels) == costs * width
    columns = width if is_grid else min(MAX_COLUMNS, len(panels))
    sharey = "col" if is_grid else False
    legend_height = 0.2 + 0.2 * -(-(len(methods) + 2) // LEGEND_COLUMNS)  # and two levels
    figure, grid = panel_grid(len(panels), columns, (4.2, 2.6), legend_height, sharey=sharey)
    for i, (axis, panel) in enumerate(zip(grid.flat, panels, strict=False)):
        _draw_panel(axis, panel.cells, panel.cost, order)
        if normalised:
            _normalise_axis(axis, panel.place[0])
        if not is_grid or i < columns:
            title = panel_title(panel.place, places, panel.part, panel.parts)
            if len(title) > MAX_TITLE:
                title = title.replace(" (", "\n(", 1)
            axis.set_title(title, fontsize=None if is_grid and "\n" not in title else 9)
    add_legend(figure, grid)
    add_caption(figure, [r for place in places for r in groups[place]], "shaded")
    return figure


def _draw_panel(
    axis: Axes, cells: Sequence[Result], cost: str, methods: Sequence[str | None]
) -> None:
    measure = cell_scores.main_measure(cells[0])
    flat = [_is_flat(r, cost, cells) for r in cells]
    curved = [r for r, is_flat in zip(cells, flat, strict=True) if not is_flat]
    scale_cost_axis(axis, [cost_at_evaluations(r, cost)[-1] for r in curved or cells])
    for r, is_flat in zip(cells, flat, strict=True):
        style = method_style(methods, r.identity["label"])
        if is_flat:
            _draw_level(axis, r, measure, style)
        else:
            _draw_curve(axis, r, cost, measure, style)
    if (cost, measure) == ("env_steps", "return"):
        _draw_published(axis, cells, methods)
    for (name, level), dash in zip(reference_levels(cells).items(), ("-", ":"), strict=False):
        axis.axhline(level, color="0.4", linewidth=0.8, linestyle=dash, label=name)
    axis.set_xlabel(COST_LABELS[cost])
    axis.set_ylabel(measure_label(cells[0]))
    if measure.startswith("success"):
        axis.set_ylim(-0.02, 1.02)


def _normalise_axis(axis: Axes, task: str) -> None:
    """Writes normalised returns at the ticks, with lines at 0 and 1."""
    ends = reference_scores.table()[task]
    random, size = ends["random"], ends["expert"] - ends["random"]
    low, high = sorted((y - random) / size for y in axis.get_ylim())
    low, high = min(low, -0.05), max(high, 1.05)
    ticks = np.asarray(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    ticks = ticks[(ticks >= low) & (ticks <= high)]
    axis.set_yticks(random + size * ticks, [f"{t:g}" for t in ticks.round(6)])
    axis.set_ylim(random + size * low, random + size * high)
    for level, dash in ((0.0, ":"), (1.0, "-")):
        axis.axhline(random + size * level, color="0.4", linewidth=0.8, linestyle=dash)
    axis.set_ylabel("normalised return")


def _is_flat(r: Result, cost: str, cells: Sequence[Result]) -> bool:
    """Whether a cell has no curve along a cost, where others of its panel have one."""
    spends = cost_at_evaluations(r, cost).any()
    return not spends or (evaluated_once([r]) and not evaluated_once(cells))


def _draw_level(axis: Axes, r: Result, measure: str, style: dict[str, Any]) -> None:
    mean, low, high = mean_at_evaluations(r, measure)
    colour, line = style["color"], style["linestyle"]
    label = r.identity["label"]
    axis.axhline(mean[-1], color=colour, linestyle=line, linewidth=1.2, label=label)
    axis.axhspan(low[-1], high[-1], color=colour, alpha=0.12, linewidth=0)


def _draw_curve(axis: Axes, r: Result, cost: str, measure: str, style: dict[str, Any]) -> None:
    mean, low, high = mean_at_evaluations(r, measure)
    spent = cost_at_evaluations(r, cost)
    label, colour = r.identity["label"], style["color"]
    at = places_on(axis, spent)
    axis.plot(spent[at], mean[at], label=label, markersize=4, linewidth=1.4, **style)
    axis.fill_between(spent[at], low[at], high[at], color=colour, alpha=0.15, linewidth=0)


def published_at(place: Place, cells: Sequence[Result]) -> list[published.Published]:
    """The published returns that belong into a panel: those that a run there came far enough for.

    Args:
        place: of the panel.
        cells: the panel's cells.

    Returns:
        The published returns.

    Raises:
        UserError: two cells fit one published return.
    """
    return [
        number
        for number in published.returns_of(cells[0].identity["suite"])
        if number.task == place[0] and published_numbers.our_return(number, cells) is not None
    ]


def _draw_published(axis: Axes, cells: Sequence[Result], methods: Sequence[str | None]) -> None:
    """Published returns are hollow marks in the style of the method."""
    for number in published_at(cells[0].place, cells):
        style = method_style(methods, number.method)
        axis.plot(
            number.env_steps,
            number.value,
            linestyle="none",
            marker=style["marker"],
            markerfacecolor="none",
            markeredgecolor=style["color"],
            markersize=9,
            clip_on=False,
            label=f"{number.method}, published",
        )
