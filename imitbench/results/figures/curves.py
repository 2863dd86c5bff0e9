"""Learning curves and scores: mean over seeds with its interval, readable in grey."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from imitbench.suites import published

matplotlib.use("Agg")
import numpy as np
from matplotlib.axes import Axes

from imitbench.results import published_numbers, stats
from imitbench.results.figures.drawing import caption, legend, method_style, save, scale, sheet
from imitbench.results.figures.panels import (
    AXES,
    costs,
    evaluated_once,
    groups,
    measure_of,
    over_time,
    panels,
    title,
)
from imitbench.results.store import Result


def draw(results: Sequence[Result], root: Path) -> list[Path]:
    """The picture of a suite: its learning curves, or the scores of cells evaluated once."""
    if evaluated_once(results):
        return scores(results, root / "scores")
    return curves(results, root / "curves")


def scores(results: Sequence[Result], path: Path) -> list[Path]:
    """Writes `path` as .png and .svg: for each task and its demonstrations every method's score at
    its only evaluation, with the interval over seeds."""
    columns = list(dict.fromkeys(r.place for r in results))
    methods = list(dict.fromkeys(r.identity["label"] for r in results))[::-1]
    each = (4.2, 0.28 * len(methods) + 1.0)
    figure, grid = sheet(len(columns), min(3, len(columns)), each, 0.5, sharey=True)
    for axis, column in zip(grid.flat, columns, strict=False):
        here = [r for r in results if r.place == column]
        solved = here[0].info["has_success"]
        kinds = {"success_any": "black", "success_final": "none"} if solved else {"return": "black"}
        for measure, face in kinds.items():
            estimates = [stats.estimate(r.final(measure)) for r in here]
            axis.errorbar(
                [e.value for e in estimates],
                [methods.index(r.identity["label"]) + 0.12 * (face == "none") for r in here],
                xerr=np.nan_to_num([[e.value - e.low, e.high - e.value] for e in estimates]).T,
                fmt="o",
                color="black",
                markerfacecolor=face,
                markersize=5,
                linewidth=1,
                label=measure.replace("_", " "),
            )
        axis.set_yticks(range(len(methods)), methods)
        axis.set_ylim(-0.5, len(methods) - 0.4)
        axis.set_title(title(column, columns), fontsize=10)
        axis.set_xlabel("share of episodes" if solved else "return")
        if solved:
            axis.set_xlim(-0.02, 1.02)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    caption(figure, results, "with")
    return save(figure, path)


def curves(results: Sequence[Result], path: Path) -> list[Path]:
    """Writes `path` as .png and .svg: for each cost that some method spends a row, with a panel for
    each task and its demonstrations.

    The curve is final success where the task says when it is solved, else the return. A method that
    spends nothing on an axis is a horizontal line at its last value.
    """
    together = groups(results)
    wanted = panels(together)
    columns = list(dict.fromkeys(column for _, column in wanted))
    drawn = {r.identity["label"] for p in columns for r in together[p]}
    labels = dict.fromkeys(r.identity["label"] for r in results)
    methods = [label for label in labels if label in drawn]
    rows = len({cost for cost, _ in wanted})
    # A grid of costs and places, if it has no holes; else one panel after the other.
    even = len(columns) <= 5 and len(wanted) == rows * len(columns)
    across = len(columns) if even else min(4, len(wanted))
    figure, grid = sheet(len(wanted), across, (4.2, 2.6), 0.4, sharey="col" if even else False)
    for i, (axis, (cost, column)) in enumerate(zip(grid.flat, wanted, strict=False)):
        here = together[column]
        measure = measure_of(here[0])
        for r in here:
            _draw(axis, r, cost, measure, method_style(methods, r.identity["label"]))
        if (cost, measure) == ("env_steps", "return"):
            _published(axis, here, methods)
        scale(axis, [costs(r, cost)[-1] for r in here])
        axis.set_xlabel(AXES[cost])
        axis.set_ylabel(measure.replace("_", " "))
        if measure.startswith("success"):
            axis.set_ylim(-0.02, 1.02)
        if not even or i < across:
            axis.set_title(title(column, columns), fontsize=None if even else 9)
    legend(figure, grid)
    caption(figure, together[columns[0]], "shaded")
    return save(figure, path)


def _published(axis: Axes, results: Sequence[Result], methods: Sequence[str]) -> None:
    """Returns that others published, as hollow marks in the style of the method."""
    for p in published.returns_of(results[0].identity["suite"]):
        if (
            p.task == results[0].identity["task"]
            and published_numbers.our_return(p, results) is not None
        ):
            mark = method_style(methods, p.method)
            axis.plot(
                p.env_steps,
                p.value,
                linestyle="none",
                marker=mark["marker"],
                markerfacecolor="none",
                markeredgecolor=mark["color"],
                markersize=9,
                clip_on=False,
                label=f"{p.method}, published",
            )


def _draw(axis: Axes, r: Result, cost: str, measure: str, look: dict[str, Any]) -> None:
    mean, low, high = over_time(r, measure)
    x = costs(r, cost)
    label = r.identity["label"]
    if not x.any():
        axis.axhline(mean[-1], color=look["color"], linestyle=look["linestyle"], linewidth=1.2)
        axis.axhspan(low[-1], high[-1], color=look["color"], alpha=0.12, linewidth=0)
        return
    axis.plot(x, mean, label=label, markersize=4, linewidth=1.4, **look)
    axis.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)
