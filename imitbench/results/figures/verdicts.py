"""A forest plot of all verdicts: by how much each claim holds, at each of its places."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from imitbench.experts import reference_scores
from imitbench.results.claims import Judgement, Verdict
from imitbench.results.figures import drawing
from imitbench.results.figures.palette import COLOURS, GREY
from imitbench.results.tables.formatting import format_p

LIMIT = 1.2  # of the axis; what lies beyond is drawn at its end
WRAP = 88  # characters of a claim in a line
ROW, HEADING = 0.34, 0.5  # inches
STYLES: dict[Verdict, dict[str, Any]] = {
    "reproduced": {"color": COLOURS[2], "marker": "o", "markerfacecolor": COLOURS[2]},
    "not reproduced": {"color": COLOURS[1], "marker": "X", "markerfacecolor": COLOURS[1]},
    "undecided": {"color": GREY, "marker": "o", "markerfacecolor": "white"},
}


class Point(NamedTuple):
    """A verdict as it is drawn."""

    # Shares of success, or units of (expert - random) return, or of the larger return of the two
    # cells where a task has no reference scores; else the measure's.
    gap: float
    low: float  # the lower end of its 95% interval
    high: float
    verdict: Verdict
    p: float  # adjusted


def points(judged: Sequence[Judgement]) -> dict[str, list[Point]]:
    """The points of each claim, by its text.

    Args:
        judged: the judgements of one suite; those of places joined and without results are left
            out, and leads in return that shrink on tasks without reference scores.

    Returns:
        Claims in their order.
    """
    references = reference_scores.table()
    found: dict[str, list[Point]] = {}
    for j in judged:
        if j.lead is None or j.pooled:
            continue
        scale, task = 1.0, j.place.split()[0]
        if j.claim.measure == "return":
            known = references.get(task)
            scale = known["expert"] - known["random"] if known else j.lead.size
            if not scale > 0:
                continue
        gap, low, high = (x / scale for x in j.lead.gap.interval())
        point = Point(gap, low, high, j.verdict, j.p_adjusted)
        found.setdefault(j.claim.text, []).append(point)
    return found


def draw(suites: Mapping[str, Sequence[Judgement]], path: Path) -> list[Path]:
    """Draws all verdicts, suite by suite.

    Args:
        suites: the judgements of each suite; one without results is left out.
        path: of the .png and the .svg.

    Returns:
        The files written; none where nothing has results.
    """
    shown = {name: found for name, judged in suites.items() if (found := points(judged))}
    if not shown:
        return []
    heights = {name: HEADING + ROW * len(found) for name, found in shown.items()}
    figure, grid = plt.subplots(
        len(shown),
        squeeze=False,
        figsize=(11, sum(heights.values()) + 0.9),
        height_ratios=list(heights.values()),
        sharex=True,
        layout="constrained",
    )
    for axis, (name, found) in zip(grid[:, 0], shown.items(), strict=True):
        _draw_suite(axis, name, found)
    grid[-1, 0].set_xlabel(
        "by how much the claim holds, with its 95% interval\n"
        "(success: shares; return: expert - random = 1, or the larger return where a task has no "
        "such scores;\nclaims are decided by adjusted p)"
    )
    handles = [
        Line2D([], [], linestyle="none", label=verdict, **style)
        for verdict, style in STYLES.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return drawing.save(figure, path)


def _draw_suite(axis: Axes, name: str, found: Mapping[str, Sequence[Point]]) -> None:
    for row, (_, row_points) in enumerate(found.items()):
        step = 0.6 / len(row_points)
        for i, point in enumerate(row_points):
            _draw_point(axis, point, row + (i - (len(row_points) - 1) / 2) * step)
        reproduced = sum(p.verdict == "reproduced" for p in row_points)
        least = min(p.p for p in row_points)
        text = f"{reproduced}/{len(row_points)}   p {format_p(least)}"
        axis.text(LIMIT * 1.04, row, text, va="center", fontsize=7)
    axis.axvline(0.0, color="black", linewidth=0.8)
    axis.set_xlim(-LIMIT * 1.02, LIMIT * 1.02)
    axis.set_ylim(len(found) - 0.5, -0.5)
    labels = ["\n".join(textwrap.wrap(text, WRAP)) for text in found]
    axis.set_yticks(range(len(found)), labels, fontsize=7, parse_math=False)
    axis.set_title(name, loc="left", fontsize=9, fontweight="bold")
    axis.grid(axis="x", color="0.9", linewidth=0.6)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)


def _draw_point(axis: Axes, point: Point, height: float) -> None:
    style = STYLES[point.verdict]
    ends = [min(max(x, -LIMIT), LIMIT) for x in (point.low, point.high)]
    axis.plot(ends, [height, height], color=style["color"], linewidth=1.0, zorder=2)
    middle = min(max(point.gap, -LIMIT), LIMIT)
    axis.plot(middle, height, markersize=4.5, linestyle="none", zorder=3, **style)
