"""Scores over several tasks: profiles, aggregates, and the probability of improvement.

Agarwal et al. 2021 (arXiv:2108.13264), sections 4.1 to 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from imitbench.results import stats
from imitbench.results.figures import drawing
from imitbench.results.rank import Scores, rank_methods
from imitbench.utils.errors import pick

THRESHOLDS = np.linspace(0.0, 1.1, 111)  # of the profiles
AGGREGATES = {
    "iqm": "interquartile mean", "mean": "mean", "median": "median",
    "optimality_gap": "optimality gap (lower is better)",
}  # fmt: skip


def draw_profiles(scores: Scores, path: Path, kinds: Sequence[str] = drawing.KINDS) -> list[Path]:
    """Draws the performance profile of each method, with pointwise intervals.

    Args:
        scores: normalised scores, from `rank.collect`.
        path: of the files; its suffix is replaced.
        kinds: of files.

    Returns:
        The files written.
    """
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for ranked in rank_methods(scores):
        style = drawing.method_style(list(scores.methods), ranked.method)
        share, low, high = stats.performance_profile(scores.methods[ranked.method], THRESHOLDS)
        style = {k: v for k, v in style.items() if k != "marker"}
        axis.plot(THRESHOLDS, share, label=ranked.method, **style)
        axis.fill_between(THRESHOLDS, low, high, color=style["color"], alpha=0.15, linewidth=0)
    axis.set_xlabel(f"normalised score ({scores.measure.replace('_', ' ')})")
    axis.set_ylabel("share of runs above it")
    axis.set_ylim(-0.02, 1.02)
    axis.legend(frameon=False)
    axis.set_title(f"{_sizes(scores)}; shaded: 95% interval", fontsize=9)
    return drawing.save(figure, path, kinds)


def draw_intervals(scores: Scores, path: Path, kinds: Sequence[str] = drawing.KINDS) -> list[Path]:
    """Draws the aggregates of each method, a panel for each aggregate.

    Args:
        scores: normalised scores, from `rank.collect`.
        path: of the files; its suffix is replaced.
        kinds: of files.

    Returns:
        The files written.
    """
    ranked = rank_methods(scores)
    names = [r.method for r in ranked]
    size = (2.9 * len(AGGREGATES) + 0.8, 0.3 * len(ranked) + 1.2)
    figure, axes = plt.subplots(1, len(AGGREGATES), figsize=size, sharey=True, layout="constrained")
    for axis, (field, title) in zip(axes, AGGREGATES.items(), strict=True):
        _rows(axis, scores, names, [getattr(r, field) for r in ranked])
        axis.set_title(title, fontsize=9)
        axis.set_xlabel(f"normalised score ({scores.measure.replace('_', ' ')})", fontsize=8)
    figure.suptitle(f"{_sizes(scores)}; 95% intervals", fontsize=9)
    return drawing.save(figure, path, kinds)


def draw_improvement(
    scores: Scores, path: Path, against: str = "", kinds: Sequence[str] = drawing.KINDS
) -> list[Path]:
    """Draws the probability that a run of each method is above a run of one method.

    Args:
        scores: normalised scores, from `rank.collect`.
        path: of the files; its suffix is replaced.
        against: the one method; by default that of the highest rank.
        kinds: of files.

    Returns:
        The files written.

    Raises:
        UserError: no such method was ranked.
    """
    names = [r.method for r in rank_methods(scores)]
    against = against or names[0]
    pick("ranked method", against, names)
    others = [name for name in names if name != against]
    found = [stats.improvement(scores.methods[x], scores.methods[against]) for x in others]
    size = (5.5, 0.3 * len(others) + 1.3)
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    _rows(axis, scores, others, found)
    axis.axvline(0.5, color="0.4", linewidth=0.8, linestyle="--")
    axis.set_xlim(-0.02, 1.02)
    axis.set_xlabel(f"probability that a run is above a run of {against}", parse_math=False)
    axis.set_title(f"{_sizes(scores)}; 95% intervals", fontsize=9)
    return drawing.save(figure, path, kinds)


def _rows(
    axis: Axes, scores: Scores, names: Sequence[str], found: Sequence[stats.Estimate]
) -> None:
    """A row for each method, the first at the top."""
    for row, (name, estimate) in enumerate(zip(names, found, strict=True)):
        style = drawing.method_style(list(scores.methods), name)
        ends = np.nan_to_num([estimate.value - estimate.low, estimate.high - estimate.value])
        axis.errorbar(
            estimate.value, row, xerr=ends[:, None], color=style["color"], marker=style["marker"],
            markersize=5, linewidth=1.4,
        )  # fmt: skip
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.grid(axis="x", color="0.9", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def _sizes(scores: Scores) -> str:
    runs = sum(len(x) for x in next(iter(scores.methods.values())))
    return f"{runs} runs at {len(scores.places)} places"
