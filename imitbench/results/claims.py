"""Judges the literature's claims on a suite's results: reproduced, not reproduced, or undecided."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from imitbench.results import stats
from imitbench.results.cell import Result
from imitbench.results.comparability import require_comparable
from imitbench.suites.published.schema import Claim, Place

Verdict = Literal["reproduced", "not reproduced", "undecided", "no results"]
CellName = tuple[Place, str]  # the place and the label of a cell


class Judgement(NamedTuple):
    """The verdict on a claim at one place."""

    claim: Claim
    place: str
    # The lead of `better` over `worse`: positive where `better` is higher. For a shrinking lead:
    # the first lead minus the second.
    lead: stats.Estimate
    # The probability that a seed of `better` beats a seed of `worse`; nan for a shrinking lead.
    improvement: float
    seeds: int
    episodes: int  # of each seed
    verdict: Verdict


def judge(claims: Sequence[Claim], results: Sequence[Result]) -> list[Judgement]:
    """Judges every claim at each of its places.

    The lead is the mean difference seed by seed, with its 95% bootstrap interval: equal seeds have
    the same demonstrations and initial states. A claim is reproduced where the whole interval lies
    above the margin, not reproduced where the whole interval lies below it, else undecided.

    Args:
        claims: the claims. A claim without places is judged wherever both of its cells are.
        results: finished cells of the suite that the claims are about.

    Returns:
        A judgement for each claim and place; "no results" where a cell is missing.

    Raises:
        UserError: two cells of a claim differ in engine, environment or seeds.
    """
    cells = {(r.place, r.identity["label"]): r for r in results}
    judgements = []
    for claim in claims:
        if claim.shrinks:
            judgements += [_judge_shrinking(claim, *places, cells) for places in claim.shrinks]
            continue
        places = claim.places or _common_places(claim, cells)
        sides = zip(claim.better_at or places, claim.worse_at or places, strict=True)
        judgements += [
            _judge_lead(claim, place, cells, *side)
            for place, side in zip(places, sides, strict=True)
        ]
    return judgements


def seeds_to_decide(judgement: Judgement) -> int | None:
    """Estimates how many seeds would decide an undecided claim if its lead stayed the same.

    An interval shrinks with the square root of the number of seeds.

    Args:
        judgement: an undecided one.

    Returns:
        The number of seeds; None where the lead lies on the margin.
    """
    distance = abs(judgement.lead.value - judgement.claim.margin)
    half_width = (judgement.lead.high - judgement.lead.low) / 2
    if distance <= 1e-9:
        return None
    return math.ceil(judgement.seeds * (half_width / distance) ** 2) + 1


def place_name(place: Place) -> str:
    """Names a place: `FetchPush 100, learned expert`."""
    task, demos, expert = place
    return f"{task} {demos}" + (f", {expert} expert" if expert else "")


def _common_places(claim: Claim, cells: Mapping[CellName, Result]) -> tuple[Place, ...]:
    """The places where both cells of a claim are."""
    places = dict.fromkeys(place for place, _ in cells)
    return tuple(p for p in places if _pair(claim, p, p, cells))


def _pair(
    claim: Claim, better_at: Place, worse_at: Place, cells: Mapping[CellName, Result]
) -> tuple[Result, Result] | None:
    """The two cells of a claim; None where one is missing."""
    a, b = cells.get((better_at, claim.better)), cells.get((worse_at, claim.worse))
    if a is None or b is None:
        return None
    require_comparable(a, b, f"{claim.better} and {claim.worse} on {place_name(worse_at)}")
    return a, b


def _verdict(lead: stats.Estimate, margin: float) -> Verdict:
    if lead.low > margin:
        return "reproduced"
    return "not reproduced" if lead.high < margin else "undecided"


def _no_results(claim: Claim, place: str) -> Judgement:
    nan = float("nan")
    return Judgement(claim, place, stats.Estimate(nan, nan, nan), nan, 0, 0, "no results")


def _judge_lead(
    claim: Claim,
    place: Place,
    cells: Mapping[CellName, Result],
    better_at: Place,
    worse_at: Place,
) -> Judgement:
    pair = _pair(claim, better_at, worse_at, cells)
    if pair is None:
        return _no_results(claim, place_name(place))
    better = pair[0].final(claim.measure)
    worse = pair[1].final(claim.against or claim.measure)
    lead = stats.estimate(better - worse)
    return Judgement(
        claim,
        place_name(place),
        lead,
        stats.probability_of_improvement(better, worse),
        len(better),
        min(r.identity["eval_episodes"] for r in pair),
        _verdict(lead, claim.margin),
    )


def _judge_shrinking(
    claim: Claim, first: Place, second: Place, cells: Mapping[CellName, Result]
) -> Judgement:
    name = f"{place_name(first)} against {second[1]}"
    pairs = [pair for place in (first, second) if (pair := _pair(claim, place, place, cells))]
    if len(pairs) < 2:
        return _no_results(claim, name)
    leads = [a.final(claim.measure) - b.final(claim.measure) for a, b in pairs]
    lead = stats.difference(*leads)
    return Judgement(
        claim,
        name,
        lead,
        float("nan"),
        min(map(len, leads)),
        min(r.identity["eval_episodes"] for pair in pairs for r in pair),
        _verdict(lead, claim.margin),
    )
