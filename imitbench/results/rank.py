"""Methods beside each other over all the places of a suite, in normalised scores.

Agarwal et al. 2021 (arXiv:2108.13264): runs of all tasks together, seeds resampled within each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from imitbench.experts import reference_scores
from imitbench.results import stats
from imitbench.results.store import Result
from imitbench.suites.published.schema import Place
from imitbench.utils.errors import UserError

Measure = Literal["auto", "success_any", "success_final", "return"]


class Scores(NamedTuple):
    """Normalised scores [S] of the methods that ran at all of the places: 0 is none, or a random
    policy's; 1 all, or an expert's."""

    measure: str
    places: list[Place]
    methods: dict[str, list[np.ndarray]]  # one array for each place
    left_out: list[str]  # methods that are missing there


class Row(NamedTuple):
    method: str
    iqm: stats.Estimate
    mean: stats.Estimate
    median: stats.Estimate  # over places, of their means
    gap: stats.Estimate  # optimality gap: lower is better
    beats: float  # probability that a run of it is above one of another method, mean over places


def collect(results: Sequence[Result], measure: Measure = "auto") -> Scores:
    """Two methods or more at the places where all of them ran; of all such choices one with the
    most cells.

    Raises:
        UserError: no two methods ran at one place, a success rate is asked for where there is none,
            or no task has reference scores.
    """
    solved = all(r.info["has_success"] for r in results)
    if measure == "auto":
        measure = "success_final" if solved else "return"
    if measure != "return" and not solved:
        raise UserError(f"measure={measure}: some tasks have no success; take return")
    found: dict[str, dict[Place, np.ndarray]] = {}
    for r in results:
        if measure != "return" or r.place[0] in reference_scores.table():
            found.setdefault(r.identity["label"], {})[r.place] = r.score(measure)
    best: tuple[int, list[Place], list[str]] = (0, [], [])
    for at in found.values():
        places = list(at)
        names = [m for m, other in found.items() if set(places) <= set(other)]
        if len(names) > 1:
            best = max(best, (len(places) * len(names), places, names), key=lambda x: x[0])
    _, places, names = best
    if not names:
        raise UserError(
            "no two methods ran at the same places of tasks with reference scores: compare cells "
            "with `imitbench compare`"
        )
    methods = {m: [found[m][p] for p in places] for m in names}
    left_out = list(dict.fromkeys(r.identity["label"] for r in results))
    return Scores(measure, places, methods, [m for m in left_out if m not in methods])


def rows(scores: Scores) -> list[Row]:
    """The best interquartile mean first."""
    median = stats.median_of_means([len(x) for x in next(iter(scores.methods.values()))])
    out = []
    for method, own in scores.methods.items():
        others = [o for m, o in scores.methods.items() if m != method]
        beats = [stats.improvement(a, b) for o in others for a, b in zip(own, o, strict=True)]
        row = Row(
            method,
            iqm=stats.estimate(own, stats.iqm),
            mean=stats.estimate(own),
            median=stats.estimate(own, median),
            gap=stats.estimate(own, stats.optimality_gap),
            beats=float(np.mean(beats)),
        )
        out.append(row)
    return sorted(out, key=lambda row: -row.iqm.value)
