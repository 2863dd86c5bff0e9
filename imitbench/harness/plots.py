"""Learning curves and scores: mean over seeds with its interval, readable in grey."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from imitbench.core.host import atomic
from imitbench.harness import stats, targets
from imitbench.harness.panels import (
    AXES,
    costs,
    evaluated_once,
    groups,
    measure_of,
    over_time,
    panels,
    title,
    uneven,
)
from imitbench.harness.store import Result

LONGEST = 3000  # dots along a side of a .png
# Told apart without colour, too: by marker, dash and lightness. No two of the first 18 are equal.
COLOURS = (
    "#000000", "#c1440e", "#2c7fb8", "#7a9a01", "#8c6bb1", "#d8b365",
    "#7f7f7f", "#e377c2", "#17a2a2", "#b30059", "#1b4f9c", "#5b3a1a",
    "#00b3e6", "#f28e2b", "#4e2a84", "#59a14f", "#b0b0d8", "#8c8c00",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
STYLES = [
    {"color": c, "marker": MARKERS[(i + i // 6) % 6], "linestyle": DASHES[(i + i // 6 * 2) % 6]}
    for i, c in enumerate(COLOURS)
]


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
            _draw(axis, r, cost, measure, style(methods, r.identity["label"]))
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


def sheet(
    number: int,
    across: int,
    each: tuple[float, float],
    below: float,
    sharey: Literal["col"] | bool = False,
) -> tuple[Figure, np.ndarray]:
    """A figure of `number` panels, `across` of them in a row, each so wide and so high; with room
    below for a legend. In inches. The grid [rows, across] of axes; those left over are hidden."""
    down = -(-number // across)
    figure, grid = plt.subplots(
        down,
        across,
        figsize=(each[0] * across, each[1] * down + below),
        squeeze=False,
        sharey=sharey,
        layout="constrained",
    )
    for i, axis in enumerate(grid.flat):
        axis.set_visible(i < number)
        axis.grid(color="0.9", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, grid


def style(methods: Sequence[str], label: str) -> dict[str, Any]:
    """Colour, marker and dash of a method, the same in all panels."""
    return STYLES[methods.index(label) % len(STYLES)]


def legend(figure: Figure, grid: np.ndarray) -> None:
    """One legend for all panels, below them."""
    handles: dict[str, Any] = {}
    for axis in grid.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False
    )


def save(figure: Figure, path: Path) -> list[Path]:
    """Writes a figure as .png and .svg, and closes it. The same figure gives the same files. A long
    one has fewer dots per inch in the .png."""
    written = []
    dpi = min(130, LONGEST / max(figure.get_size_inches()))
    for kind in ("png", "svg"):
        target = path.with_suffix(f".{kind}")
        with atomic(target) as temporary:
            # Without a date the same results give the same file.
            metadata = {"Date": None} if kind == "svg" else None
            with plt.rc_context({"svg.hashsalt": "imitbench"}):
                figure.savefig(temporary, dpi=dpi, format=kind, metadata=metadata)
        written.append(target)
    plt.close(figure)
    return written


def caption(figure: Figure, results: Sequence[Result], interval: str) -> None:
    """What the marks are, over the whole figure; `interval` says how it is shown."""
    r = results[0]
    figure.suptitle(
        f"{r.identity['suite']} ({r.identity['profile']}): mean over "
        f"{len(r.identity['seeds'])} seeds, {interval} 95% bootstrap interval",
        fontsize=10,
    )


def scale(axis: Axes, ends: Sequence[float]) -> None:
    """Short ticks, on a logarithmic axis where that is better."""
    if uneven(ends):
        axis.set_xscale("log")
    else:
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))


def _published(axis: Axes, results: Sequence[Result], methods: Sequence[str]) -> None:
    """Returns that others published, as hollow marks in the style of the method."""
    for p in targets.load(results[0].identity["suite"]):
        if p.task == results[0].identity["task"] and targets.here(p, results) is not None:
            mark = style(methods, p.method)
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
