"""Objections to a verdict: few seeds, a winner at the floor, unfinished curves, unequal effort."""

from __future__ import annotations

from imitbench.experts import reference_scores
from imitbench.results import effort
from imitbench.results.cells.cell import MODE_ENTROPY, Result
from imitbench.results.scores import is_rate
from imitbench.suites.published.schema import Claim

MIN_SEEDS = 5
ENOUGH = 0.25  # of the steps in a method's source, for a verdict against it
FEW_STEPS = " of its source's steps"  # the end of the objection to less
RISING = " was still rising at the end"  # the end of the objection to an unfinished curve
FLOOR = 0.1  # of the way from the random policy's score to the expert's
FLOOR_OF_CLIPS = 0.2  # where the expert is a clip: a quadruped that stands still gets a tenth


def objection(
    claim: Claim, better: Result, worse: Result, *, holds: bool, leads: bool, room: float = 0.0
) -> str:
    """Finds a reason to withhold a verdict on a claim.

    Args:
        claim: the claim.
        better: the cell that the claim says is higher.
        worse: the other one.
        holds: whether the estimate speaks for the claim.
        leads: whether `better` scores higher. With a margin it may lead and the claim fail.
        room: of a claim that both score the same, or that one is not worse: how far the lead is
            from the margin. A rise that would not cover it in as many steps again is no objection.

    Returns:
        The reason; empty where there is none.
    """
    seeds = min(len(r.identity["seeds"]) for r in (better, worse))
    if seeds < MIN_SEEDS:
        return f"fewer than {MIN_SEEDS} seeds"
    if reason := _nothing_learned(claim, better, worse, holds=holds, leads=leads):
        return reason
    ends = _judged_at_their_ends(claim, better, worse)
    if not holds:
        # Most budgets are smaller than the published ones: more steps could still prove the claim.
        if not claim.equivalent and ends[0] and (reason := _unfinished(claim, better)):
            return reason
        if reason := _few_steps(claim, better, *([worse] if claim.equivalent else [])):
            return reason
    if claim.non_inferior and holds and ends[1]:
        # What is as good now need not be when the other one has finished.
        passes = effort.rise_if_doubled(worse, claim.measure) > room
        if passes and (reason := _unfinished(claim, worse)):
            return reason
    if claim.effort == "as run":
        return ""
    if not claim.equivalent:
        return _unequal(*((better, worse) if holds else (worse, better)), claim)
    near = (r for r in (better, worse) if effort.rise_if_doubled(r, claim.measure) > room)
    return _unfinished(claim, *near)


def is_about_budgets(objection: str) -> bool:
    """Whether an objection is that more steps could change the verdict."""
    return objection.endswith((RISING, FEW_STEPS))


def _nothing_learned(
    claim: Claim, better: Result, worse: Result, *, holds: bool, leads: bool
) -> str:
    """The leader must be above the floor; both, where they are found as good as each other."""
    if claim.at_floor or claim.against not in ("", claim.measure):
        return ""
    alike = holds and (claim.equivalent or (claim.non_inferior and not leads))
    learned = (better, worse) if alike else (better if leads else worse,)
    after = dict(zip(map(id, (better, worse)), claim.after or (None, None), strict=True))
    reasons = (_at_the_floor(r, claim.measure, after[id(r)]) for r in learned)
    return next(filter(None, reasons), "")


def _at_the_floor(winner: Result, measure: str, after: int | None) -> str:
    """The winner must be above a tenth of the way from the random policy's score to the expert's (a
    fifth where the expert is a clip); after so many environment steps, by default at its end."""
    measure = "success_final" if measure == MODE_ENTROPY else measure  # modes of what succeeds
    scores = None if after is None else effort.after_env_steps(winner, measure, after)
    score = float((winner.final(measure) if scores is None else scores).mean())
    floor = FLOOR
    if is_rate(measure):
        header = winner.info["demonstrations"] or {}
        of_expert = header.get("grade", "expert") == "expert" and header.get(measure)
        random = reference_scores.random_rate(winner.identity["task"], measure)
        if not of_expert or of_expert <= random:
            of_expert = 1.0  # the data are no measure of what can be reached
        share = (score - random) / (of_expert - random)
    elif measure == "return" and winner.identity["task"] in reference_scores.table():
        task = winner.identity["task"]
        share = float(reference_scores.normalise(task, score))
        if reference_scores.table()[task].get("expert_kind") == "clip":
            floor = FLOOR_OF_CLIPS
    else:
        return ""
    if share > floor:
        return ""
    label = winner.identity["label"]
    return f"at the floor: {label} is {round(100 * share)}% of the way from random to the expert"


def _judged_at_their_ends(claim: Claim, *cells: Result) -> tuple[bool, ...]:
    """Whether each cell is judged at the end of its curve, or before."""
    if claim.after is None:
        return (True,) * len(cells)
    return tuple(after >= effort.env_steps(r) for after, r in zip(claim.after, cells, strict=True))


def _few_steps(claim: Claim, *cells: Result) -> str:
    """A method with far fewer steps than in its source may be ahead later."""
    for r in cells:
        steps = effort.env_steps(r) if effort.is_online(r) else effort.grad_steps(r)
        if steps < ENOUGH * claim.source_steps:
            return f"{r.identity['label']} has {steps / claim.source_steps:.0%}{FEW_STEPS}"
    return ""


def _unfinished(claim: Claim, *cells: Result) -> str:
    """Curves that still rise may meet, or part, later."""
    for r in cells:
        if effort.still_rising(r, claim.measure):
            return r.identity["label"] + RISING
    return ""


def _unequal(winner: Result, loser: Result, claim: Claim) -> str:
    """A winner with more gradient steps proves nothing over a loser that was still rising."""
    if effort.is_online(winner) and effort.is_online(loser):
        return ""  # compared after the same number of environment steps
    steps = effort.grad_steps(winner), effort.grad_steps(loser)
    if steps[0] <= effort.MORE_STEPS * steps[1] or not effort.still_rising(loser, claim.measure):
        return ""
    label = loser.identity["label"]
    return f"{label} was still rising after {steps[1]:,} gradient steps ({steps[0]:,} of the other)"
