"""Two methods, or two runs, beside each other: differences with intervals, and what to mistrust."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from imitbench.results import claims, stats, store
from imitbench.results.comparability import differences
from imitbench.results.store import Result
from imitbench.suites.published.schema import Place
from imitbench.utils.errors import UserError, pick

Name = tuple[Place, str]  # where, and the label of the cell


class Side(NamedTuple):
    """One of the two that are compared."""

    name: str  # as the user gave it
    cells: Mapping[Name, Result]
    label: str  # of all its cells; empty where it is a folder with several


class Pair(NamedTuple):
    """Two cells of one place."""

    what: str  # the place, and the label where sides have several
    measure: str
    a: stats.Estimate
    b: stats.Estimate
    lead: stats.Estimate  # of a over b
    chance: float  # that a seed of a beats one of b
    warnings: tuple[str, ...]


def side(name: str, suite: Sequence[Result], where: Path) -> Side:
    """A folder of results, a label among the suite's cells, or FOLDER:LABEL.

    Args:
        suite: finished cells in which labels are looked up.
        where: their folder, for messages.

    Raises:
        UserError: neither a folder with finished cells nor a known label.
    """
    folder, _, label = name.rpartition(":")
    if store.cells_folder(Path(name)).is_dir():
        folder, label = name, ""
    results = store.read_all(Path(folder)) if folder else list(suite)
    if folder and not store.cells_folder(Path(folder)).is_dir():
        raise UserError(f"{folder} is no folder of results: expected one that holds cells/")
    if not results:
        raise UserError(f"no finished cells in {folder or where}: run the suite first")
    labels = list(dict.fromkeys(r.identity["label"] for r in results))
    if label:
        pick(f"method in {folder or where}", label, labels)
    chosen = [r for r in results if label in ("", r.identity["label"])]
    one = label or (labels[0] if len(labels) == 1 else "")
    return Side(name, {(r.place, r.identity["label"]): r for r in chosen}, one)


def pairs(a: Side, b: Side) -> list[Pair]:
    """The cells of both at the same task, demonstrations and demonstrator; of the same label, too,
    unless each side has but one.

    Raises:
        UserError: there are none.
    """
    found = []
    for (place, label), one in a.cells.items():
        other = b.cells.get((place, b.label if a.label and b.label else label))
        if other is not None:
            what = claims.place_name(place) + ("" if a.label else f", {label}")
            measures = ("success_final", "success_any") if one.info["has_success"] else ("return",)
            found += [_pair(what, m, one, other) for m in measures]
    if not found:
        places = sorted({claims.place_name(p) for p, _ in a.cells})
        raise UserError(
            f"{a.name} and {b.name} have no task with the same demonstrations in common: {a.name} "
            f"has {', '.join(places)}"
        )
    return found


def _pair(what: str, measure: str, a: Result, b: Result) -> Pair:
    x, y = a.final(measure), b.final(measure)
    differ = differences(a, b)
    # The same seeds have the same demonstrations and initial states.
    paired = not differ and a.identity["seeds"] == b.identity["seeds"]
    lead = stats.estimate(x - y) if paired else stats.difference(x, y)
    chance = stats.improvement(x, y)
    return Pair(what, measure, stats.estimate(x), stats.estimate(y), lead, chance, differ)


def verdict(pair: Pair, a: str, b: str) -> str:
    """One sentence."""
    points = pair.measure.startswith("success")
    unit = f"points of {pair.measure.replace('_', ' ')}" if points else "of return"
    scale = 100 if points else 1
    value, low, high = (scale * x for x in pair.lead)
    if math.isnan(low):
        return f"one seed does not say whether {a} is above {b} ({value:+.1f} {unit})"
    spread = f"[{low:+.1f}, {high:+.1f}]"
    if low > 0 or high < 0:
        first, second = (a, b) if low > 0 else (b, a)
        return f"{first} is above {second} by {abs(value):.1f} {unit} ({spread})"
    return f"no difference is shown between {a} and {b} ({value:+.1f} {unit}, {spread})"


def overall(found: Sequence[Pair], a: str, b: str) -> str:
    """One sentence over all tasks, each counted once."""
    first = [p for p in found if p.measure != "success_any"]
    leads = [p.lead for p in first]
    above, below = sum(x.low > 0 for x in leads), sum(x.high < 0 for x in leads)
    chance = float(np.mean([p.chance for p in first]))
    rest = len(leads) - above - below
    return (
        f"{a} is above {b} on {above} of {len(leads)}, below on {below}, undecided on {rest}; "
        f"probability of improvement {chance:.2f}"
    )
