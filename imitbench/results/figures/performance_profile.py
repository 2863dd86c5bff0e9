"""Performance profiles: the share of runs above each score.

Agarwal et al. 2021 (arXiv:2108.13264), section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from imitbench.results import stats
from imitbench.results.figures import drawing
from imitbench.results.rank import Scores, rank_methods

THRESHOLDS = np.linspace(0.0, 1.1, 111)


def draw(scores: Scores, path: Path, kinds: Sequence[str] = drawing.KINDS) -> list[Path]:
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
    runs = sum(len(x) for x in next(iter(scores.methods.values())))
    axis.set_title(f"{runs} runs at {len(scores.places)} places; shaded: 95% interval", fontsize=9)
    return drawing.save(figure, path, kinds)
