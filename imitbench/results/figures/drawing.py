"""What all figures share: colours, marks, the grid of panels, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from imitbench.results.figures.panels import (
    uneven,
)
from imitbench.results.store import Result
from imitbench.utils.files import atomic_write

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


def method_style(methods: Sequence[str], label: str) -> dict[str, Any]:
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
        with atomic_write(target) as temporary:
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
