"""The data of the report's figures as JSON: learning curves, or scores of cells evaluated once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from imitbench.results import scores
from imitbench.results.cells.cell import Result
from imitbench.results.figures import curves, panels
from imitbench.suites.published.schema import Place

DIGITS = 6  # significant ones


def figure(results: Sequence[Result]) -> dict[str, Any]:
    """Makes the data of a suite's figure, which the page's script draws.

    Args:
        results: cells of one suite.

    Returns:
        `kind` ("lines" or "dots"), `methods` at the numbers of their looks (None for one that is
        free), and `panels`, of which those of curves have few methods each, as in the files.
    """
    once = panels.evaluated_once(results)
    places = list(dict.fromkeys(r.place for r in results))
    if once:
        drawn = [_score_panel(place, places, results) for place in places]
    else:
        groups = panels.comparison_groups(results)
        drawn = [
            _curve_panel(p.cost, p.cells, panels.panel_title(p.place, places, p.part, p.parts))
            for p in panels.curve_panels(groups)
        ]
    return {"kind": "dots" if once else "lines", "methods": panels.looks(results), "panels": drawn}


def _curve_panel(cost: str, cells: Sequence[Result], title: str) -> dict[str, Any]:
    measure = scores.main_measure(cells[0])
    points = []
    if (cost, measure) == ("env_steps", "return"):
        points = [
            {"name": p.method, "x": p.env_steps, "y": p.value, "text": f"{p.spread}; {p.source}"}
            for p in curves.published_at(cells[0].place, cells)
        ]
    return {
        "title": title,
        "x": panels.COST_LABELS[cost],
        "y": panels.measure_label(cells[0]),
        "share": measure.startswith("success"),
        "log": panels.needs_log_axis([panels.cost_at_evaluations(r, cost)[-1] for r in cells]),
        "lines": [_curve(r, cost, measure) for r in cells],
        "points": points,
        "levels": [
            {"name": name, "y": _rounded(level)}
            for name, level in panels.reference_levels(cells).items()
        ],
    }


def _curve(r: Result, cost: str, measure: str) -> dict[str, Any]:
    """A method that does not spend the cost is a level line at its last value: it has no x."""
    x = panels.cost_at_evaluations(r, cost)
    mean, low, high = panels.mean_at_evaluations(r, measure)
    if not x.any():
        x, mean, low, high = [], mean[-1:], low[-1:], high[-1:]
    values = {"x": x, "mean": mean, "low": low, "high": high}
    return {"name": r.identity["label"]} | {
        k: [_rounded(v) for v in vs] for k, vs in values.items()
    }


def _score_panel(
    place: Place, places: Sequence[Place], results: Sequence[Result]
) -> dict[str, Any]:
    cells = [r for r in results if r.place == place]
    measure = scores.main_measure(cells[0])
    dots = []
    for r in cells:
        mean, low, high = map(_rounded, scores.estimate(r, measure))
        dots.append({"name": r.identity["label"], "mean": mean, "low": low, "high": high})
    return {
        "title": panels.panel_title(place, places),
        "x": panels.measure_label(cells[0]),
        "share": measure.startswith("success"),
        "dots": dots,
    }


def _rounded(x: float) -> float | None:
    """None where there is no number, as for the interval of a single seed: JSON has no nan."""
    return float(f"{x:.{DIGITS}g}") if math.isfinite(x) else None
