"""Shared code of all figures: the grid of panels, legends, axes, and files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import EngFormatter, FixedFormatter, MaxNLocator

from imitbench.results.cells.cell import Result
from imitbench.results.figures import indexed, palette
from imitbench.results.figures.panels import needs_log_axis
from imitbench.utils.files import atomic_write

MAX_DOTS = 3000  # along a side of a .png
DPI = 130  # of a .png that does not reach this limit
LEGEND_COLUMNS = 4
KINDS = ("png", "svg")
"""The files that a figure is written as."""


def panel_grid(
    panels: int,
    columns: int,
    panel_size: tuple[float, float],
    legend_height: float,
    sharey: Literal["col"] | bool = False,
) -> tuple[Figure, np.ndarray]:
    """Makes a figure with a grid of panels and room for a legend below them.

    Args:
        panels: how many panels are drawn.
        columns: panels in a row.
        panel_size: width and height of a panel, in inches.
        legend_height: in inches.
        sharey: which panels share their y axis, as matplotlib's `subplots` takes it.

    Returns:
        The figure, and its axes [rows, columns]; those beyond `panels` are hidden.
    """
    rows = -(-panels // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(panel_size[0] * columns, panel_size[1] * rows + legend_height),
        squeeze=False,
        sharey=sharey,
        layout="constrained",
    )
    for i, axis in enumerate(grid.flat):
        axis.set_visible(i < panels)
        axis.grid(color="0.9", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, grid


def method_style(methods: Sequence[str | None], label: str) -> dict[str, Any]:
    """The colour, marker and dash of a method, the same in all panels.

    Args:
        methods: the labels of all methods of the suite, perhaps ordered by `panels.looks`.
        label: one of them.

    Returns:
        Keyword arguments of matplotlib's `plot`.
    """
    return palette.style(methods.index(label))


def add_legend(figure: Figure, grid: np.ndarray) -> None:
    """Adds one legend for all panels, below them, in as many columns as the figure is wide enough
    for, at most `LEGEND_COLUMNS`.

    Args:
        figure: the figure.
        grid: its axes [rows, columns].
    """
    handles: dict[str, Any] = {}
    for axis in grid.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    for columns in range(LEGEND_COLUMNS, 0, -1):
        legend = figure.legend(
            handles.values(),
            handles.keys(),
            loc="outside lower center",
            ncols=columns,
            frameon=False,
        )
        _show_as_they_are(legend.get_texts())  # before they are measured
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()


def add_caption(figure: Figure, results: Sequence[Result], interval: str) -> None:
    """Explains the marks above the whole figure.

    Args:
        figure: the figure.
        results: cells of one suite.
        interval: how intervals are drawn, such as "shaded".
    """
    identity = results[0].identity
    numbers = sorted({len(r.identity["seeds"]) for r in results})
    seeds = " or ".join(map(str, numbers))
    parts = [
        f"{identity['suite']} ({identity['profile']}): mean over {seeds} seeds,",
        f"{interval} 95% interval",
    ]
    title = figure.suptitle(" ".join(parts), fontsize=10)
    if title.get_window_extent().width > figure.bbox.width:
        title.set_text("\n".join(parts))


def scale_cost_axis(axis: Axes, ends: Sequence[float]) -> None:
    """Gives the x axis short ticks, and a logarithmic scale where curves differ much in length.

    Args:
        axis: the panel.
        ends: what each method spent in all.
    """
    if needs_log_axis(ends):
        axis.set_xscale("log")
    else:
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))


def places_on(axis: Axes, spent: np.ndarray) -> np.ndarray:
    """Which points of a curve have a place on an axis of costs: a logarithmic one has none for 0.

    Args:
        axis: the panel, scaled by `scale_cost_axis`.
        spent: [E], the cost at each point.

    Returns:
        [E] bool.
    """
    return spent > 0 if axis.get_xscale() == "log" else np.ones(len(spent), bool)


def save(
    figure: Figure, path: Path, kinds: Sequence[str] = KINDS, dpi: float | None = None
) -> list[Path]:
    """Writes a figure, by default as .png and .svg, and closes it.

    The same figure gives the same files.

    Args:
        figure: the figure.
        path: of the files; its suffix is replaced.
        kinds: png, svg or pdf.
        dpi: dots per inch of a png; None: `DPI`, or fewer where it would have more than `MAX_DOTS`
            along a side.

    Returns:
        The files.

    Raises:
        UserError: a file cannot be written.
    """
    _show_names_as_they_are(figure)
    written = []
    dpi = dpi or min(DPI, MAX_DOTS / max(figure.get_size_inches()))
    for kind in kinds:
        target = path.with_suffix(f".{kind}")
        with atomic_write(target) as temporary:
            # A date or random ids would make each file another one.
            metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
            # Type 42 keeps text as text; journals refuse type 3.
            with plt.rc_context({"svg.hashsalt": "imitbench", "pdf.fonttype": 42}):
                drawn = BytesIO()
                figure.savefig(drawn, dpi=dpi, format=kind, metadata=metadata)
            if kind == "png":
                indexed.write(drawn, temporary)
            else:
                temporary.write_bytes(drawn.getvalue())
        written.append(target)
    plt.close(figure)
    return written


def _show_names_as_they_are(figure: Figure) -> None:
    """A name with dollar signs is no formula. Numbers at the ticks may be formulas."""
    axes = figure.axes
    legends = [*figure.legends, *(a.get_legend() for a in axes)]
    names = [text for legend in legends if legend is not None for text in legend.get_texts()]
    for axis in (x for a in axes for x in (a.xaxis, a.yaxis)):
        if isinstance(axis.get_major_formatter(), FixedFormatter):
            names += axis.get_ticklabels()
    _show_as_they_are((*names, *(a.title for a in axes)))


def _show_as_they_are(texts: Iterable[Text]) -> None:
    for text in texts:
        text.set_parse_math(False)
