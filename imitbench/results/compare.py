"""Compares two methods, or two runs: differences with intervals, and warnings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from imitbench.results import comparability, effort, scores, stats
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.claims import CellName, place_name
from imitbench.results.tables.formatting import format_p
from imitbench.utils.errors import UserError, pick

OVER_TRAINING = " over training"  # behind the measure, for the mean over the learning curve
LEVEL = 0.05  # of the two-sided tests, over all places together


class Side(NamedTuple):
    """One of the two sides of a comparison."""

    name: str  # as the user wrote it
    cells: Mapping[CellName, Result]
    label: str  # of all its cells; empty for a folder with several labels


class Pair(NamedTuple):
    """The comparison of two cells at one place, by one measure."""

    name: str  # the place, and the label where the sides have several
    measure: str
    a: stats.Estimate
    b: stats.Estimate
    lead: stats.Mean  # of a over b: positive where a is higher
    p_adjusted: float  # two-sided, over all places (Holm)
    improvement: float  # the probability that a seed of a beats a seed of b
    warnings: tuple[str, ...]  # how the cells differ beside the method


def parse_side(name: str) -> tuple[Path | None, str]:
    """Takes a side of a comparison apart.

    Args:
        name: a folder of results, a label, or FOLDER:LABEL.

    Returns:
        The folder, None for a label alone; and the label, empty for a folder alone.
    """
    if store.cells_folder(Path(name).expanduser()).is_dir():
        return Path(name).expanduser(), ""
    folder, _, label = name.rpartition(":")
    return (Path(folder).expanduser() if folder else None), label


def side(name: str, suite: Sequence[Result], root: Path) -> Side:
    """Finds the cells that a user names.

    Args:
        name: a folder of results, a label among the suite's cells, or FOLDER:LABEL.
        suite: the cells in which labels are looked up.
        root: their folder, for messages.

    Returns:
        The cells.

    Raises:
        UserError: the name is neither a folder with finished cells nor a known label.
    """
    folder, label = parse_side(name)
    if folder and not store.cells_folder(folder).is_dir():
        raise UserError(f"{folder} is no folder of results: expected one that holds cells/")
    results = store.read_all(folder) if folder else list(suite)
    if not results:
        raise UserError(f"no finished cells in {folder or root}: run the suite first")
    labels = list(dict.fromkeys(r.identity["label"] for r in results))
    if label:
        pick(f"method in {folder or root}", label, labels)
    cells = {
        (r.place, r.identity["label"]): r for r in results if label in ("", r.identity["label"])
    }
    return Side(name, cells, label or (labels[0] if len(labels) == 1 else ""))


def pairs(a: Side, b: Side) -> list[Pair]:
    """Compares the cells that both sides have.

    Two cells match where their task, demonstrations and demonstrator are the same; and the label,
    unless each side has a single one.

    Args:
        a: the first side.
        b: the second side.

    Returns:
        For each match a pair by success at the last step and one by success at any step, or one by
        return where the task does not say when it is solved; and one by the mean of the first of
        these measures over the learning curve, where both learned online: the area under the curve
        up to the budget of the shorter one. The p values of one measure are adjusted together.

    Raises:
        UserError: no cells match.
    """
    matches = []
    for (place, label), cell in a.cells.items():
        other = b.cells.get((place, b.label if a.label and b.label else label))
        if other is not None:
            name = place_name(place) + ("" if a.label else f", {label}")
            matches += [_pair(name, m, cell, other) for m in scores.measures(cell)]
            matches += _pairs_over_training(name, scores.main_measure(cell), cell, other)
    if not matches:
        places = ", ".join(sorted({place_name(place) for place, _ in a.cells}))
        raise UserError(
            f"{a.name} and {b.name} have no task with the same demonstrations in common: {a.name} "
            f"has {places}"
        )
    return _adjusted(matches)


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    adjusted: dict[str, list[float]] = {}
    for measure in {pair.measure for pair in pairs}:
        adjusted[measure] = stats.holm([p.lead.p for p in pairs if p.measure == measure])
    return [pair._replace(p_adjusted=adjusted[pair.measure].pop(0)) for pair in pairs]


def _pair(name: str, measure: str, a: Result, b: Result) -> Pair:
    return Pair(
        name,
        measure,
        scores.estimate(a, measure),
        scores.estimate(b, measure),
        lead=scores.lead(a, b, measure),
        p_adjusted=float("nan"),  # known when all pairs are
        improvement=stats.probability_of_improvement(a.final(measure), b.final(measure)),
        warnings=tuple(comparability.sentences(a, b)),
    )


def _pairs_over_training(name: str, measure: str, a: Result, b: Result) -> list[Pair]:
    """The comparison of two learning curves; none where a cell has none along environment steps."""
    steps = min(effort.env_steps(a), effort.env_steps(b))
    x, y = (effort.over_training(r, measure, steps) for r in (a, b))
    if x is None or y is None:
        return []
    evals = [r.identity["num_evals"] for r in (a, b)]
    spacing = f"numbers of evaluations differ ({evals[0]}, {evals[1]}): curves are as fine as those"
    found = Pair(
        name,
        f"{measure}{OVER_TRAINING}",
        scores.interval_of(a, measure, stats.over_seeds(x)),
        scores.interval_of(b, measure, stats.over_seeds(y)),
        lead=scores.seed_lead(a, b, measure, x, y),
        p_adjusted=float("nan"),
        improvement=stats.probability_of_improvement(x, y),
        warnings=(spacing,) if evals[0] != evals[1] else (),
    )
    return [found]


def verdict(pair: Pair, a: str, b: str) -> str:
    """Says in one sentence which side is above the other, if the adjusted p value is at most 0.05.

    Args:
        pair: the comparison.
        a: the name of its first side.
        b: the name of its second side.

    Returns:
        The sentence, without a full stop.
    """
    is_rate = pair.measure.startswith("success")
    unit = f"{'points ' if is_rate else ''}of {pair.measure.replace('_', ' ')}"
    value, low, high = ((100 if is_rate else 1) * x for x in pair.lead.interval())
    if math.isnan(value):
        lost = [name for name, x in ((a, pair.a), (b, pair.b)) if math.isnan(x.value)]
        return (
            f"no difference is known between {a} and {b}: a seed of {' and of '.join(lost)} "
            "diverged, and the task has no reference scores that say what it counts as"
        )
    if math.isnan(low):
        return f"one seed does not say whether {a} is above {b} ({value:+.1f} {unit})"
    interval = f"[{low:+.1f}, {high:+.1f}], adjusted p {format_p(pair.p_adjusted)}"
    if pair.p_adjusted <= LEVEL:
        first, second = (a, b) if value > 0 else (b, a)
        return f"{first} is above {second} by {abs(value):.1f} {unit} ({interval})"
    return f"no difference is shown between {a} and {b} ({value:+.1f} {unit}, {interval})"


def overall(pairs: Sequence[Pair], a: str, b: str) -> str:
    """Says in one sentence on how many places each side is above the other.

    Args:
        pairs: all comparisons of the two sides. Each place counts once: by its return, or by its
            success at the last step.
        a: the name of the first side.
        b: the name of the second side.

    Returns:
        The sentence, without a full stop.
    """
    counted = [p for p in pairs if p.measure in ("success_final", "return")]
    decided = [p.lead.value > 0 for p in counted if p.p_adjusted <= LEVEL]
    above, below = decided.count(True), decided.count(False)
    known = [p.improvement for p in counted if not math.isnan(p.improvement)]
    improvement = f"{np.mean(known):.2f}" if known else "not known"
    undecided = len(counted) - above - below
    return (
        f"{a} is above {b} on {above} of {len(counted)}, below on {below}, undecided on "
        f"{undecided}; probability of improvement {improvement}"
    )
