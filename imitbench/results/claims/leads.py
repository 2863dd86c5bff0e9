"""The leads that claims are about: of one cell over another, over fresh seeds and states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from imitbench.experts import reference_scores
from imitbench.results import effort, stats
from imitbench.results.cells.cell import Result
from imitbench.results.scores import episodes, is_rate, mean_of, paired_scores
from imitbench.suites.published.schema import Claim


class Lead(NamedTuple):
    """A lead of one cell over another, and by how much a claim about it holds."""

    mean: stats.Mean  # positive where the first cell is higher
    margin: float  # in units of the measure
    gap: stats.Mean  # the lead minus the margin; of an equivalent claim: the margin minus its size
    # The probability that a seed of the first cell beats a seed of the second; nan for a shrinking
    # lead and for places joined.
    improvement: float = float("nan")
    # The larger of the two cells' mean scores, without its sign; nan where `improvement` is.
    size: float = float("nan")

    def p(self, claim: Claim) -> float:
        """The one-sided p value of what the gap shows: that the claim holds, or that it does not.

        Args:
            claim: what the lead is about.
        """
        if not claim.equivalent:
            return self.gap.p_above(0.0) if self.gap.value > 0 else self.gap.p_below(0.0)
        if self.gap.value > 0:
            return stats.p_equivalent(self.mean, self.margin)
        above, below = self.mean.p_above(self.margin), self.mean.p_below(-self.margin)
        return min(above, below)


class Scores(NamedTuple):
    """The scores of the two cells of a lead, at the same effort."""

    better: np.ndarray  # [S], or [S, B] on the states that the seeds of both cells share
    worse: np.ndarray  # of the same shape
    states: float  # variance of the lead that shared states add, where scores [S] do not show it


def scores(claim: Claim, better: Result, worse: Result) -> Scores:
    """Takes the scores that a claim compares.

    A claim may say after how many environment steps. Otherwise two methods that step the
    environment are compared after the same number of environment steps, those of the shorter run,
    unless the claim is about unequal effort.

    Args:
        claim: the claim.
        better: the cell that the claim says is higher.
        worse: the other one, with the same seeds.
    """
    against = claim.against or claim.measure
    last = Scores(*paired_scores(better, worse, claim.measure, against), 0.0)
    if claim.after is not None:
        x = effort.after_env_steps(better, claim.measure, claim.after[0])
        y = effort.after_env_steps(worse, against, claim.after[1])
        assert x is not None and y is not None  # `reached` was asked
        return Scores(x, y, _variance_of_states(last))
    if claim.effort == "as run" or not (effort.is_online(better) and effort.is_online(worse)):
        return last
    steps = min(effort.env_steps(better), effort.env_steps(worse))
    if steps == max(effort.env_steps(better), effort.env_steps(worse)):
        return last
    x = effort.after_env_steps(better, claim.measure, steps)
    y = effort.after_env_steps(worse, against, steps)
    if x is None or y is None:  # a curve begins later
        return last
    return Scores(x, y, _variance_of_states(last))


def reached(claim: Claim, better: Result, worse: Result) -> bool:
    """Whether the curves of two cells have the environment steps that a claim names, if any.

    Args:
        claim: the claim.
        better: the cell that the claim says is higher.
        worse: the other one.
    """
    curves = (r.curve["env_steps"] for r in (better, worse))
    wanted = zip(curves, claim.after, strict=True) if claim.after else ()
    return all(curve.min() <= steps <= curve.max() for curve, steps in wanted)


def _variance_of_states(last: Scores) -> float:
    """The variance that shared states add to a lead, from the last evaluations."""
    if last.better.ndim == 1:
        return 0.0
    lead = last.better - last.worse
    over_seeds = stats.over_seeds(lead.mean(axis=1))
    return max(stats.crossed(lead).error ** 2 - over_seeds.error**2, 0.0)


def lead_of(claim: Claim, better: Result, worse: Result) -> Lead:
    """Estimates the lead of a claim's first cell over its second.

    Args:
        claim: the claim.
        better: the cell that the claim says is higher.
        worse: the other one, with the same seeds.
    """
    x, y, states = scores(claim, better, worse)
    base = x if claim.share_of == "better" else y
    cell = better if claim.share_of == "better" else worse
    base = base - _random_score(cell, claim.measure)
    if not claim.share or base.mean() < 0:  # a share of nothing
        base = np.zeros_like(base)
    margin = claim.share * float(base.mean()) if claim.share else claim.margin
    cells = better, worse
    lead = _with_rates(claim, _mean(x - y, states), (x, y), cells)
    # A share's margin is as uncertain as the score that it is a share of.
    gap = lead._replace(value=lead.value - margin)
    if claim.share:
        of_better = claim.share_of == "better"
        weights = (1 - claim.share, 1.0) if of_better else (1.0, 1 + claim.share)
        gap = _mean(x - y - claim.share * base, states)
        gap = _with_rates(claim, gap, (x, y), cells, weights)
    if claim.equivalent:
        gap = lead._replace(value=margin - abs(lead.value))
    improvement = stats.probability_of_improvement(_by_seed(x), _by_seed(y))
    size = float(max(abs(np.mean(x)), abs(np.mean(y))))
    return Lead(lead, margin, gap, improvement, size)


def shrinking_lead(
    claim: Claim, first: tuple[Result, Result], second: tuple[Result, Result]
) -> Lead:
    """Estimates by how much a lead is larger at one place than at another.

    Args:
        claim: the claim.
        first: its two cells at the first place.
        second: its two cells at the second place, possibly of another task.

    Returns:
        The first lead minus the second.
    """
    (x, y, extra), (u, v, more) = scores(claim, *first), scores(claim, *second)
    if x.shape == u.shape and first[0].identity["seeds"] == second[0].identity["seeds"]:
        difference = _mean((x - y) - (u - v), extra + more)
        difference = _with_rates(claim, difference, (x, y, u, v), (*first, *second))
    else:
        difference = stats.difference(
            _with_rates(claim, _mean(x - y, extra), (x, y), first),
            _with_rates(claim, _mean(u - v, more), (u, v), second),
        )
    gap = difference._replace(value=difference.value - claim.margin)
    return Lead(difference, claim.margin, gap)


def pooled_lead(claim: Claim, leads: Sequence[Lead], tasks: Sequence[str]) -> Lead | None:
    """Joins the leads at several places, each place with the same weight.

    Returns are divided by (expert - random) first. Places of one task share states and seeds, so
    their errors are taken as one; tasks are independent.

    Args:
        claim: the claim.
        leads: its lead at each place.
        tasks: the task of each place.

    Returns:
        The mean lead; None where a task has no reference scores to divide by.
    """
    references = reference_scores.table()
    if not is_rate(claim.measure) and not set(tasks) <= set(references):
        return None
    means: list[list[stats.Mean]] = [[], []]  # leads and gaps, one for each task
    margins = []
    for task in dict.fromkeys(tasks):
        found = [lead for lead, name in zip(leads, tasks, strict=True) if name == task]
        scale = 1.0
        if not is_rate(claim.measure):
            scale = references[task]["expert"] - references[task]["random"]
        margins += [lead.margin / scale for lead in found]
        for joined, parts in zip(
            means, ([x.mean for x in found], [x.gap for x in found]), strict=True
        ):
            joined.append(stats.together([_scaled(part, scale) for part in parts]))
    weights = [tasks.count(task) for task in dict.fromkeys(tasks)]
    mean, gap = (stats.pooled(joined, weights) for joined in means)
    return Lead(mean, float(np.mean(margins)), gap)


def _scaled(mean: stats.Mean, scale: float) -> stats.Mean:
    return mean._replace(value=mean.value / scale, error=mean.error / scale)


def _mean(x: np.ndarray, variance: float) -> stats.Mean:
    """The mean of [S] or [S, B] with its error, to which a variance is added."""
    mean = mean_of(x)
    return mean._replace(error=float(np.hypot(mean.error, np.sqrt(variance))))


def _with_rates(
    claim: Claim,
    lead: stats.Mean,
    found: Sequence[np.ndarray],
    cells: Sequence[Result],
    weights: Sequence[float] | None = None,
) -> stats.Mean:
    """A lead, for rates with the error of episodes that succeed or fail by chance."""
    if not is_rate(claim.measure):
        return lead
    rates = [float(x.mean()) for x in found]
    return stats.with_binomial_error(lead, rates, [episodes(r) for r in cells], weights)


def _by_seed(x: np.ndarray) -> np.ndarray:
    """[S] from [S] or [S, B]."""
    return x.mean(axis=1) if x.ndim == 2 else x


def _random_score(r: Result, measure: str) -> float:
    """The random policy's score by a measure, as far as it is known."""
    references = reference_scores.table()
    known = measure == "return" and r.identity["task"] in references
    return references[r.identity["task"]]["random"] if known else 0.0
