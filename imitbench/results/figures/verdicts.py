"""A forest plot of all verdicts: by how much each claim holds, at each of its places."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from imitbench import algos
from imitbench.experts import reference_scores
from imitbench.results.claims import Judgement, Verdict
from imitbench.results.figures import drawing
from imitbench.results.figures.palette import COLOURS, GREY
from imitbench.results.tables.formatting import format_p
from imitbench.suites.registry import methods_by_label

LIMIT = 1.2  # of the axis; what lies beyond is drawn at its end
TICKS = (-1.0, -0.5, 0.0, 0.5, 1.0)
WIDTH, LEFT, RIGHT = 9.0, 0.43, 0.69  # of the figure in inches, and of its axis in shares
WRAP = 62  # characters of a claim in a line
LINE, GAP, HEADING, MARGIN = 0.145, 0.09, 0.45, 0.75  # heights in inches
DPI = 92
STYLES: dict[Verdict, dict[str, Any]] = {
    "reproduced": {"color": COLOURS[2], "marker": "o", "markerfacecolor": COLOURS[2]},
    "not reproduced": {"color": COLOURS[1], "marker": "X", "markerfacecolor": COLOURS[1]},
    "undecided": {"color": GREY, "marker": "o", "markerfacecolor": "white"},
}


class Point(NamedTuple):
    """A verdict as it is drawn."""

    place: str
    # Shares of success, or units of (expert - random) return, or of the larger return of the two
    # cells where a task has no reference scores; else the measure's.
    gap: float
    low: float  # the lower end of its 95% interval
    high: float
    verdict: Verdict
    p: float  # adjusted


class Row(NamedTuple):
    """A claim with its points."""

    claim: str
    suite: str
    points: list[Point]

    @property
    def lines(self) -> list[str]:
        """The claim as it is written."""
        return textwrap.wrap(f"{self.claim} ({self.suite})", WRAP)

    @property
    def height(self) -> float:
        """In inches."""
        return LINE * max(len(self.lines), len(self.points)) + GAP


def points(judged: Sequence[Judgement]) -> dict[str, list[Point]]:
    """The points of each claim, by its text.

    Args:
        judged: the judgements of one suite; those of places joined, without results and with a lead
            that is not known are left out, and leads in return that shrink on tasks without
            reference scores.

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
        if math.isnan(j.lead.gap.value):
            continue
        gap, low, high = (x / scale for x in j.lead.gap.interval())
        point = Point(j.place, gap, low, high, j.verdict, j.p_adjusted)
        found.setdefault(j.claim.text, []).append(point)
    return found


def grouped(suites: Mapping[str, Sequence[Judgement]]) -> dict[str, list[Row]]:
    """The rows of the figure, by the family of the method that a claim says is higher.

    Args:
        suites: the judgements of each suite. Claims of suites that do not come with the package are
            grouped by suite.
    """
    titles = [*algos.FAMILIES.values()]
    found: dict[str, list[Row]] = {title: [] for title in titles}
    for suite, judged in suites.items():
        methods = methods_by_label(suite)
        better = {j.claim.text: j.claim.better for j in judged}
        for text, of_claim in points(judged).items():
            method = methods.get(better[text])
            family = algos.family(method) if method else suite
            found.setdefault(family, []).append(Row(text, suite, of_claim))
    return {title: rows for title, rows in found.items() if rows}


def draw(suites: Mapping[str, Sequence[Judgement]], path: Path) -> list[Path]:
    """Draws all verdicts, family by family.

    Args:
        suites: the judgements of each suite; one without results is left out.
        path: of the .png and the .svg.

    Returns:
        The files written; none where nothing has results.
    """
    groups = grouped(suites)
    if not groups:
        return []
    rows = [row for of_group in groups.values() for row in of_group]
    length = sum(row.height for row in rows) + HEADING * len(groups)
    height = length + 2 * MARGIN
    figure = plt.figure(figsize=(WIDTH, height))
    axis = figure.add_axes((LEFT, MARGIN / height, RIGHT - LEFT, length / height))
    axis.set(xlim=(-LIMIT * 1.02, LIMIT * 1.02), ylim=(length, 0.0), yticks=[], xticks=TICKS)
    axis.grid(axis="x", color="0.9", linewidth=0.6)
    axis.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axis.tick_params(length=0, labelsize=7)
    at = 0.0
    for title, of_group in groups.items():
        _draw_heading(axis, title, at)
        at += HEADING
        for row in of_group:
            _draw_row(axis, row, at)
            at += row.height
    axis.axvline(0.0, color="black", linewidth=0.8)
    axis.set_xlabel(
        "by how much the claim holds, with its 95% interval (success: shares; return: expert - "
        "random = 1,\nor the larger return where a task has no such scores). At the right: "
        "adjusted p and place",
        fontsize=8,
        x=0.2,
    )
    handles = [
        Line2D([], [], linestyle="none", label=verdict, **style)
        for verdict, style in STYLES.items()
    ]
    top = 1 - 0.15 * MARGIN / height
    figure.legend(
        handles=handles, loc="upper center", ncols=3, frameon=False, bbox_to_anchor=(0.5, top)
    )
    return drawing.save(figure, path, dpi=DPI)


def _draw_heading(axis: Axes, title: str, at: float) -> None:
    across = axis.get_yaxis_transform()  # x in shares of the axis
    start = -LEFT / (RIGHT - LEFT) + 0.02
    below = at + 0.7 * HEADING
    axis.text(start, below, title, transform=across, fontsize=10, fontweight="bold", va="center")
    for tick in TICKS:
        axis.text(tick, below, f"{tick:g}", fontsize=7, color=GREY, ha="center", va="center")


def _draw_row(axis: Axes, row: Row, at: float) -> None:
    across = axis.get_yaxis_transform()
    middle = at + (row.height - GAP) / 2
    text = "\n".join(row.lines)
    axis.text(-0.03, middle, text, transform=across, fontsize=8, ha="right", va="center")
    first = middle - LINE * (len(row.points) - 1) / 2
    for i, point in enumerate(row.points):
        height = first + i * LINE
        _draw_point(axis, point, height)
        aside = f"p {format_p(point.p)}  {point.place.removesuffix(' expert')}"
        axis.text(1.03, height, aside, transform=across, fontsize=6.5, va="center")


def _draw_point(axis: Axes, point: Point, height: float) -> None:
    style = STYLES[point.verdict]
    ends = [min(max(x, -LIMIT), LIMIT) for x in (point.low, point.high)]
    axis.plot(ends, [height, height], color=style["color"], linewidth=1.0, zorder=2)
    middle = min(max(point.gap, -LIMIT), LIMIT)
    axis.plot(middle, height, markersize=4.5, linestyle="none", zorder=3, **style)
