"""What the report's script draws: curves, or the scores of cells evaluated once, as JSON data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from imitbench.results import published_numbers, stats
from imitbench.results.figures import panels
from imitbench.results.store import Result
from imitbench.suites import published
from imitbench.suites.published.schema import Place

DIGITS = 6  # significant ones


def figure(results: Sequence[Result]) -> dict[str, Any]:
    """The methods, in the order of their styles, and the panels."""
    once = panels.evaluated_once(results)
    places = list(dict.fromkeys(r.place for r in results))
    if once:
        drawn = [_dots(place, places, results) for place in places]
    else:
        together = panels.comparison_groups(results)
        drawn = [_lines(cost, p, places, together[p]) for cost, p in panels.curve_panels(together)]
    methods = list(dict.fromkeys(r.identity["label"] for r in results))
    return {"kind": "dots" if once else "lines", "methods": methods, "panels": drawn}


def _lines(
    cost: str, place: Place, places: Sequence[Place], here: Sequence[Result]
) -> dict[str, Any]:
    measure = panels.curve_measure(here[0])
    lines = []
    for r in here:
        x = panels.cost_at_evaluations(r, cost)
        mean, low, high = panels.mean_at_evaluations(r, measure)
        if not x.any():  # it spends nothing here: a level line at its last value
            x, mean, low, high = [], mean[-1:], low[-1:], high[-1:]
        values = {"x": x, "mean": mean, "low": low, "high": high}
        numbers = {k: [_short(v) for v in vs] for k, vs in values.items()}
        lines.append({"name": r.identity["label"], **numbers})
    points = []
    if (cost, measure) == ("env_steps", "return"):
        points = [
            {"name": p.method, "x": p.env_steps, "y": p.value, "text": f"{p.spread}; {p.source}"}
            for p in published.returns_of(here[0].identity["suite"])
            if p.task == place[0] and published_numbers.our_return(p, here) is not None
        ]
    return {
        "title": panels.panel_title(place, places),
        "x": panels.COST_LABELS[cost],
        "y": measure.replace("_", " "),
        "share": measure.startswith("success"),
        "log": panels.needs_log_axis([panels.cost_at_evaluations(r, cost)[-1] for r in here]),
        "lines": lines,
        "points": points,
    }


def _dots(place: Place, places: Sequence[Place], results: Sequence[Result]) -> dict[str, Any]:
    here = [r for r in results if r.place == place]
    measure = panels.curve_measure(here[0])
    dots = []
    for r in here:
        values = map(_short, stats.estimate(r.final(measure)))
        dots.append(
            {"name": r.identity["label"]} | dict(zip(("mean", "low", "high"), values, strict=True))
        )
    return {
        "title": panels.panel_title(place, places),
        "x": measure.replace("_", " "),
        "share": measure.startswith("success"),
        "dots": dots,
    }


def _short(x: float) -> float | None:
    """None where there is no number, as for the interval of a single seed."""
    return float(f"{x:.{DIGITS}g}") if math.isfinite(x) else None
