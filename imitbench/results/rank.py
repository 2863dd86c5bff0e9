"""Ranks methods over all the places of a suite, by normalised scores.

Agarwal et al. 2021 (arXiv:2108.13264): runs of all tasks together, seeds resampled within each.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from imitbench.experts import reference_scores
from imitbench.results import comparability, stats
from imitbench.results import scores as cell_scores
from imitbench.results.cells.cell import Result
from imitbench.suites.published.schema import Place
from imitbench.utils.errors import UserError

Measure = Literal["auto", "success_any", "success_final", "return"]


class Scores(NamedTuple):
    """Normalised scores of the methods that ran at all of the places.

    A score of 0 is no success, or the return of a random policy; 1 is success always, or the
    return of the expert.
    """

    measure: str
    places: list[Place]
    cells: dict[str, list[Result]]  # for each method its cell at each place
    left_out: list[str]  # methods that did not run at all of the places

    @property
    def methods(self) -> dict[str, list[np.ndarray]]:
        """For each method the scores [S] at each place."""
        return {name: [r.score(self.measure) for r in cells] for name, cells in self.cells.items()}


class RankedMethod(NamedTuple):
    """The aggregate scores of one method."""

    method: str
    iqm: stats.Estimate
    mean: stats.Estimate
    median: stats.Estimate  # over places, of their means
    optimality_gap: stats.Estimate  # lower is better
    # The probability that a run of the method is above a run of another one, over all others and
    # places; higher is better.
    improvement: float
    above: int  # of how many methods it is above by the paired test of `paired_standings`
    below: int  # of how many it is below


def collect(results: Sequence[Result], measure: Measure = "auto") -> Scores:
    """Collects the scores of the methods that can be ranked together.

    At least two methods are needed, at places where all of them ran. Of all such choices one with
    the most cells is taken.

    Args:
        results: finished cells of a suite.
        measure: what is scored. auto: success at the last step where all tasks say when they are
            solved, else the return.

    Returns:
        The scores.

    Raises:
        UserError: cells of one task and engine ran in environments that differ, no two methods ran
            at one place, a task does not say when it is solved although the measure needs it, or no
            task has reference scores.
    """
    comparability.require_one_environment(results)
    has_success = all(r.info["has_success"] for r in results)
    if measure == "auto":
        measure = "success_final" if has_success else "return"
    if measure != "return" and not has_success:
        raise UserError(f"measure={measure}: some tasks have no success; take return")
    by_method: dict[str, dict[Place, Result]] = {}
    for r in results:
        if measure != "return" or r.place[0] in reference_scores.table():
            by_method.setdefault(r.identity["label"], {})[r.place] = r
    places, names = _largest_choice(by_method)
    if not names:
        raise UserError(
            "no two methods ran at the same places of tasks with reference scores: compare cells "
            "with `imitbench compare`"
        )
    cells = {name: [by_method[name][p] for p in places] for name in names}
    labels = list(dict.fromkeys(r.identity["label"] for r in results))
    return Scores(measure, places, cells, [name for name in labels if name not in cells])


def _largest_choice(
    by_method: Mapping[str, Mapping[Place, Result]],
) -> tuple[list[Place], list[str]]:
    """The places of one method, and all methods that ran there, with the most cells."""
    best: tuple[list[Place], list[str]] = [], []
    for scores in by_method.values():
        places = list(scores)
        names = [m for m, other in by_method.items() if set(places) <= set(other)]
        if len(names) > 1 and len(places) * len(names) > len(best[0]) * len(best[1]):
            best = places, names
    return best


def rank_methods(scores: Scores) -> list[RankedMethod]:
    """Aggregates the scores of each method over all places.

    Args:
        scores: from `collect`.

    Returns:
        The methods; first those that are above more methods than they are below, and of several
        that with the highest interquartile mean.
    """
    ranked, standings, methods = [], paired_standings(scores), scores.methods
    for method, strata in methods.items():
        sizes = [len(x) for x in strata]
        improvements = [
            stats.probability_of_improvement(a, b)
            for name, others in methods.items()
            if name != method
            for a, b in zip(strata, others, strict=True)
        ]
        aggregates = RankedMethod(
            method,
            iqm=stats.aggregate(strata, stats.iqm),
            mean=stats.aggregate(strata, stats.mean_of_means(sizes)),
            median=stats.aggregate(strata, stats.median_of_means(sizes)),
            optimality_gap=stats.aggregate(strata, stats.optimality_gap),
            improvement=float(np.mean(improvements)),
            above=standings[method][0],
            below=standings[method][1],
        )
        ranked.append(aggregates)
    return sorted(ranked, key=lambda r: (r.below - r.above, -r.iqm.value))


def paired_standings(scores: Scores) -> dict[str, tuple[int, int]]:
    """Counts the methods that each method is above and below of.

    Two methods are compared by the mean difference of their scores over all places, each place as
    `scores.lead` compares them: seed by seed where that may be. Differences at places of one task
    share seeds and states, so
    their errors are taken as one. One is above the other at a level of 5% (two-sided, Student's t),
    where p values are adjusted over all pairs by Benjamini and Hochberg.

    Args:
        scores: from `collect`.

    Returns:
        For each method: of how many others it is above, and of how many below.
    """
    pairs = list(itertools.combinations(scores.cells, 2))
    leads = [_lead(scores, a, b) for a, b in pairs]
    adjusted = stats.benjamini_hochberg([lead.p for lead in leads])
    found = {name: [0, 0] for name in scores.cells}
    for pair, lead, p in zip(pairs, leads, adjusted, strict=True):
        if p <= 2 * stats.ALPHA:
            better, worse = pair if lead.value > 0 else pair[::-1]
            found[better][0] += 1
            found[worse][1] += 1
    return {name: (above, below) for name, (above, below) in found.items()}


def _lead(scores: Scores, a: str, b: str) -> stats.Mean:
    """The mean lead of one method over another."""
    by_task: dict[str, list[stats.Mean]] = {}
    for (task, _, _), x, y in zip(scores.places, scores.cells[a], scores.cells[b], strict=True):
        lead = cell_scores.lead(x, y, scores.measure)
        if scores.measure == "return":
            ends = reference_scores.table()[task]
            size = ends["expert"] - ends["random"]
            lead = lead._replace(value=lead.value / size, error=lead.error / abs(size))
        by_task.setdefault(task, []).append(lead)
    leads = [stats.together(found) for found in by_task.values()]
    return stats.pooled(leads, [len(found) for found in by_task.values()])
