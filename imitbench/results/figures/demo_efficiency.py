"""Scores against the number of demonstrations: how many each method needs.

As Ho and Ermon 2016 (arXiv:1606.03476) draw it, figure 1: success where a task has it, else returns
between a random policy's, 0, and the expert's, 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from imitbench.experts import reference_scores
from imitbench.results import stats
from imitbench.results.figures import drawing, panels
from imitbench.results.store import Result

ACROSS = 4  # panels at most
ASIDE = 1.06  # how far lone marks stand from each other
NUMBERS = 3  # that two methods at least must have been run with


class Panel(NamedTuple):
    """Scores [S] of each method and number of demonstrations. Many: strata of the interquartile
    mean; one: of the mean."""

    title: str
    measure: str
    scores: Mapping[str, Mapping[int, list[np.ndarray]]]


def draw(results: Sequence[Result], path: Path) -> list[Path]:
    """Writes `path` as .png and .svg: a panel for each task and expert, and one for the
    interquartile mean over all that have the same numbers. Nothing where no two methods were run
    with `NUMBERS` numbers of demonstrations."""
    methods = list(dict.fromkeys(r.identity["label"] for r in results))  # as in the other figures
    shown = _panels(results)
    if not shown:
        return []
    shown += _over_all(shown)
    across = -(-len(shown) // -(-len(shown) // ACROSS))  # so that rows are equally full
    figure, grid = drawing.sheet(len(shown), across, (3.6, 2.9), 0.9)
    for axis, panel in zip(grid.flat, shown, strict=False):
        _draw(axis, panel, methods)
    drawing.legend(figure, grid)
    drawing.caption(figure, results, "shaded")
    return drawing.save(figure, path)


def _panels(results: Sequence[Result]) -> list[Panel]:
    together: dict[tuple[str, str], list[Result]] = {}
    for r in results:
        task, demos, expert = r.place
        if demos and (panels.measure_of(r) != "return" or task in reference_scores.table()):
            together.setdefault((task, expert), []).append(r)
    several = len({expert for _, expert in together}) > 1
    out = []
    for (task, expert), here in together.items():
        scores: dict[str, dict[int, list[np.ndarray]]] = {}
        for r in here:
            scores.setdefault(r.identity["label"], {})[r.place[1]] = [r.score(panels.measure_of(r))]
        if sum(len(x) >= NUMBERS for x in scores.values()) > 1:
            solved = panels.measure_of(here[0]) != "return"
            measure = "success final" if solved else "normalised return"
            out.append(Panel(f"{task} ({expert})" if several else task, measure, scores))
    return out


def _over_all(shown: Sequence[Panel]) -> list[Panel]:
    """What all panels have, where they measure the same."""
    first = shown[0]
    scores: dict[str, dict[int, list[np.ndarray]]] = {}
    for method, own in first.scores.items():
        for demos in own:
            found = [p.scores.get(method, {}).get(demos) for p in shown]
            strata = [s for x in found if x is not None for s in x]
            if len(strata) == len(shown):
                scores.setdefault(method, {})[demos] = strata
    alike = len(shown) > 1 and all(p.measure == first.measure for p in shown)
    if not alike or sum(len(x) >= NUMBERS for x in scores.values()) < 2:
        return []
    return [Panel("interquartile mean of all", first.measure, scores)]


def _draw(axis: Axes, panel: Panel, methods: Sequence[str]) -> None:
    alone: dict[int, int] = {}  # lone marks so far at each number: they stand beside each other
    for method, own in panel.scores.items():
        look: dict[str, Any] = drawing.method_style(methods, method)
        demos = sorted(own)
        strata = [own[n] for n in demos]
        of = [stats.estimate(x, stats.mean if len(x) == 1 else stats.iqm) for x in strata]
        mean, low, high = np.array(of).T
        x = np.array(demos, float)
        if len(demos) == 1:
            alone[demos[0]] = alone.get(demos[0], 0) + 1
            x *= ASIDE ** alone[demos[0]]
            axis.vlines(x, low, high, color=look["color"], linewidth=1.0)
        else:
            axis.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)
        axis.plot(x, mean, label=method, markersize=4, linewidth=1.4, **look)
    every = sorted({n for own in panel.scores.values() for n in own})
    axis.set_xscale("log")
    axis.set_xticks(every, [str(n) for n in every])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("demonstrations")
    axis.set_ylabel(panel.measure)
    axis.set_title(panel.title, fontsize=9)
    if panel.measure.startswith("success"):
        axis.set_ylim(-0.02, 1.02)
    else:
        axis.axhline(1.0, color="0.6", linewidth=0.8)  # the expert
