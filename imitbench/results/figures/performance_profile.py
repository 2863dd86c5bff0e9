"""Performance profiles: the share of runs above each score."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from imitbench.results import stats
from imitbench.results.figures import drawing
from imitbench.results.rank import Scores, rows

THRESHOLDS = np.linspace(0.0, 1.1, 111)


def draw(scores: Scores, path: Path) -> list[Path]:
    """Performance profiles: the share of runs above each score."""
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for row in rows(scores):
        look = drawing.method_style(list(scores.methods), row.method)
        share, low, high = stats.performance_profile(scores.methods[row.method], THRESHOLDS)
        look = {k: v for k, v in look.items() if k != "marker"}
        axis.plot(THRESHOLDS, share, label=row.method, **look)
        axis.fill_between(THRESHOLDS, low, high, color=look["color"], alpha=0.15, linewidth=0)
    axis.set_xlabel(f"normalised score ({scores.measure.replace('_', ' ')})")
    axis.set_ylabel("share of runs above it")
    axis.set_ylim(-0.02, 1.02)
    axis.legend(frameon=False)
    runs = sum(len(x) for x in next(iter(scores.methods.values())))
    axis.set_title(f"{runs} runs at {len(scores.places)} places; shaded: 95% interval", fontsize=9)
    return drawing.save(figure, path)
