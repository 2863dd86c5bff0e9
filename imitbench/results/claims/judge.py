"""Judges the literature's claims on a suite's results: reproduced, not reproduced, or undecided."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from imitbench.results import stats
from imitbench.results.cells.cell import DATASET, PLUS, Result
from imitbench.results.claims import fairness
from imitbench.results.claims.leads import Lead, lead_of, pooled_lead, reached, shrinking_lead
from imitbench.results.comparability import have_same_seeds, require_comparable
from imitbench.suites.published.schema import Claim, Place

Verdict = Literal["reproduced", "not reproduced", "undecided", "no results"]
CellName = tuple[Place, str]  # the place and the label of a cell


class Judgement(NamedTuple):
    """The verdict on a claim at one place, or at all its places together."""

    claim: Claim
    place: str
    pooled: int  # how many places are joined; 0 for a single one
    # None without results. Of places joined: in units of (expert - random) where it is a return.
    lead: Lead | None
    seeds: int
    episodes: int  # of each seed
    p_adjusted: float  # over all claims and places of the suite
    verdict: Verdict
    objection: str  # why a verdict is withheld whatever p is; empty where it is not
    old: tuple[str, ...] = ()  # the cells whose methods have changed since they ran

    @property
    def p(self) -> float:
        """The one-sided p value of what the gap shows; nan without results."""
        return self.lead.p(self.claim) if self.lead else float("nan")


def judge(claims: Sequence[Claim], results: Sequence[Result]) -> list[Judgement]:
    """Judges every claim at each of its places, and at all of them together.

    The gap is the lead minus the margin, seed by seed: equal seeds have the same demonstrations and
    initial states. A claim is reproduced where the gap is above 0, not reproduced where it is below
    0, by a one-sided test at the level 2.5% whose p value is adjusted over all that is judged here
    (Benjamini and Hochberg); else it is undecided. A verdict is withheld where `fairness` objects:
    with fewer than five seeds, a winner at the floor, unequal effort, or where more steps could
    change it: against a claim, where its winner was still rising or has far fewer steps than in its
    source, and for one that says "not worse", where the other method was still rising; and where
    a lead is not known, because the return of a diverged seed is not.

    Args:
        claims: the claims. A claim without places is judged wherever both of its cells are.
        results: finished cells of the suite that the claims are about.

    Returns:
        For each claim a judgement at each place, "no results" where a cell is missing; and one at
        all its places together, where several have results.

    Raises:
        UserError: two cells of a claim differ in engine, environment or seeds.
    """
    cells = {(r.place, r.identity["label"]): r for r in results}
    judgements: list[Judgement] = []
    for claim in claims:
        if claim.shrinks:
            found = [_judge_shrinking(claim, *places, cells) for places in claim.shrinks]
        else:
            places = claim.places or _common_places(claim, cells)
            sides = zip(claim.better_at or places, claim.worse_at or places, strict=True)
            found = [
                _judge_lead(claim, place, cells, *side)
                for place, side in zip(places, sides, strict=True)
            ]
        judgements += [*found, *_judge_together(claim, found)]
    return _with_verdicts(judgements)


def seeds_to_decide(judgement: Judgement) -> int | None:
    """Estimates how many seeds would decide with a power of 80%, if the gap stayed the same.

    Args:
        judgement: an undecided one.

    Returns:
        The number of seeds; None where the gap is 0 or its error is unknown.
    """
    if judgement.lead is None:
        return None
    share = judgement.p / judgement.p_adjusted if judgement.p_adjusted > 0 else 1.0
    level = stats.ALPHA * share  # what the adjustment leaves of it
    return stats.seeds_needed(judgement.lead.gap, judgement.seeds, level)


def place_name(place: Place) -> str:
    """Names a place: `FetchPush 100, learned expert`, or `FetchPush 100, data robot`."""
    task, demos, expert = place
    if expert.startswith(DATASET):
        return f"{task} {demos}, {expert}"
    who, plus, extra = expert.partition(PLUS)
    return f"{task} {demos}" + (f", {who} expert{plus}{extra}" if expert else "")


def _common_places(claim: Claim, cells: Mapping[CellName, Result]) -> tuple[Place, ...]:
    """The places where both cells of a claim are."""
    places = dict.fromkeys(place for place, _ in cells)
    return tuple(p for p in places if _pair(claim, p, p, cells))


def _pair(
    claim: Claim, better_at: Place, worse_at: Place, cells: Mapping[CellName, Result]
) -> tuple[Result, Result] | None:
    """The two cells of a claim, with the seeds that both have; None where one is missing."""
    a, b = cells.get((better_at, claim.better)), cells.get((worse_at, claim.worse))
    if a is None or b is None:
        return None
    common = set(a.identity["seeds"]) & set(b.identity["seeds"])
    if common and not have_same_seeds(a, b):
        a, b = a.at_seeds(common), b.at_seeds(common)
    require_comparable(a, b, f"{claim.better} and {claim.worse} on {place_name(worse_at)}")
    return a, b


def _judge_lead(
    claim: Claim,
    place: Place,
    cells: Mapping[CellName, Result],
    better_at: Place,
    worse_at: Place,
) -> Judgement:
    pair = _pair(claim, better_at, worse_at, cells)
    if pair is None or not reached(claim, *pair):
        return _no_results(claim, place_name(place))
    lead = lead_of(claim, *pair)
    gap, leads = lead.gap.value, lead.mean.value > 0
    objection = _unknown(lead, pair) or fairness.objection(
        claim, *pair, holds=gap > 0, leads=leads, room=abs(gap)
    )
    return _judgement(claim, place_name(place), lead, pair, objection)


def _judge_shrinking(
    claim: Claim, first: Place, second: Place, cells: Mapping[CellName, Result]
) -> Judgement:
    other = second[1] if second[0] == first[0] else f"{second[0]} {second[1]}"
    name = f"{place_name(first)} against {other}"
    pairs = [pair for place in (first, second) if (pair := _pair(claim, place, place, cells))]
    if len(pairs) < 2:
        return _no_results(claim, name)
    lead = shrinking_lead(claim, *pairs)
    # More steps at the first place could still prove the claim.
    holds = lead.gap.value > 0, True
    objections = [
        fairness.objection(claim, *pair, holds=ok, leads=True)
        for pair, ok in zip(pairs, holds, strict=True)
    ]
    found = [*pairs[0], *pairs[1]]
    objection = _unknown(lead, found) or next(filter(None, objections), "")
    return _judgement(claim, name, lead, found, objection)


def _unknown(lead: Lead, cells: Sequence[Result]) -> str:
    """Why a lead is not known; empty where it is."""
    if not math.isnan(lead.mean.value):
        return ""
    lost = (f"{r.identity['label']}: {r.divergence}" for r in cells if r.divergence)
    return "; ".join(dict.fromkeys(lost))


def _judge_together(claim: Claim, judgements: Sequence[Judgement]) -> list[Judgement]:
    """The judgement at all places together; none where fewer than two have results.

    Places with an objection count, too. The verdict is withheld where all places have one, and
    where it is against the claim, or that one method is not worse, and at some place with the same
    outcome more steps could change it.
    """
    found = [j for j in judgements if j.lead is not None]
    leads = [j.lead for j in found if j.lead is not None]
    if len(found) < 2:
        return []
    lead = pooled_lead(claim, leads, [j.place.split()[0] for j in found])
    if lead is None:
        return []
    objection = found[0].objection if all(j.objection for j in found) else ""
    against = lead.gap.value <= 0
    if not objection and (against or claim.non_inferior):
        sides = ((j, j.lead.gap.value <= 0) for j in found if j.lead is not None)
        same = (j.objection for j, side in sides if claim.equivalent or side == against)
        objection = next(filter(fairness.is_about_budgets, same), "")
    sizes = min(j.seeds for j in found), min(j.episodes for j in found)
    name, nan = f"{len(found)} places together", float("nan")
    old = tuple(dict.fromkeys(x for j in found for x in j.old))
    return [Judgement(claim, name, len(found), lead, *sizes, nan, "undecided", objection, old)]


def _judgement(
    claim: Claim,
    place: str,
    lead: Lead,
    cells: Sequence[Result],
    objection: str,
) -> Judgement:
    seeds = min(len(r.identity["seeds"]) for r in cells)
    episodes = min(r.identity["eval_episodes"] for r in cells)
    adjusted = float("nan")  # known when all p values are
    old = dict.fromkeys(f"{r.identity['label']} of {r.old_version}" for r in cells if r.old_version)
    head = claim, place, 0, lead, seeds, episodes
    return Judgement(*head, adjusted, "undecided", objection, tuple(old))


def _no_results(claim: Claim, place: str) -> Judgement:
    return Judgement(claim, place, 0, None, 0, 0, float("nan"), "no results", "")


def _with_verdicts(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Adjusts the p values of all that have results, and gives the verdicts."""
    judged = [j for j in judgements if j.lead is not None]
    adjusted = dict(
        zip(map(id, judged), stats.benjamini_hochberg([j.p for j in judged]), strict=True)
    )
    return [_with_verdict(j, adjusted.get(id(j), math.nan)) for j in judgements]


def _with_verdict(j: Judgement, p: float) -> Judgement:
    if j.lead is None or j.objection or p > stats.ALPHA:
        return j._replace(p_adjusted=p)
    verdict: Verdict = "reproduced" if j.lead.gap.value > 0 else "not reproduced"
    return j._replace(p_adjusted=p, verdict=verdict)
