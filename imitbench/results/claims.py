"""The literature's claims, each judged on a suite's results: reproduced, not, or undecided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from imitbench.results import stats
from imitbench.results.store import Result
from imitbench.suites.published.schema import Claim, Place
from imitbench.utils.errors import UserError

Verdict = Literal["reproduced", "not reproduced", "undecided", "no results"]


class Judgement(NamedTuple):
    """A claim at one place."""

    claim: Claim
    place: str
    lead: stats.Estimate  # of `better` over `worse`, or the first lead over the second
    chance: float  # that a seed of `better` beats one of `worse`; nan for shrinking leads
    seeds: int
    episodes: int  # of each seed
    verdict: Verdict


def judge(claims: Sequence[Claim], results: Sequence[Result]) -> list[Judgement]:
    """Every claim at every place. Cells that are not there give the verdict "no results".

    The difference is taken seed by seed, for cells of equal seeds have the same demonstrations and
    initial states, and has a 95% bootstrap interval. Reproduced: the whole
    interval lies above the margin; not reproduced: the whole of it lies below; else undecided.

    Raises:
        UserError: two cells that are compared differ in engine, environment or seeds.
    """
    cells = {(r.place, r.identity["label"]): r for r in results}
    out = []
    for claim in claims:
        both = [p for p in dict.fromkeys(p for p, _ in cells) if _pair(claim, p, p, cells)]
        places = claim.places or tuple(both)
        if not claim.shrinks:
            pairs = zip(claim.better_at or places, claim.worse_at or places, strict=True)
            out += [_lead(claim, p, cells, *x) for p, x in zip(places, pairs, strict=True)]
        out += [_shrinking(claim, first, second, cells) for first, second in claim.shrinks]
    return out


def _pair(
    claim: Claim, better_at: Place, worse_at: Place, cells: dict
) -> tuple[Result, Result] | None:
    a, b = cells.get((better_at, claim.better)), cells.get((worse_at, claim.worse))
    if a is None or b is None:
        return None
    same = ("engine", "environment_digest") if better_at[0] == worse_at[0] else ("engine",)
    differ = [k for k in same if a.info[k] != b.info[k]]
    if a.identity["seeds"] != b.identity["seeds"]:
        differ.append("seeds")
    if differ:
        raise UserError(
            f"{claim.better} and {claim.worse} on {place_name(worse_at)} differ in "
            f"{', '.join(differ)}: run the older of the two again"
        )
    return a, b


def seeds_to_decide(j: Judgement) -> int | None:
    """About how many seeds would decide an undecided claim, if the lead stayed as it is: intervals
    shrink with the root of their number. None where it lies on the margin."""
    away = abs(j.lead.value - j.claim.margin)
    half = (j.lead.high - j.lead.low) / 2
    return math.ceil(j.seeds * (half / away) ** 2) + 1 if away > 1e-9 else None


def place_name(place: Place) -> str:
    task, demos, expert = place
    return f"{task} {demos}" + (f", {expert} expert" if expert else "")


def _verdict(lead: stats.Estimate, margin: float) -> Verdict:
    if lead.low > margin:
        return "reproduced"
    return "not reproduced" if lead.high < margin else "undecided"


def _missing(claim: Claim, place: str) -> Judgement:
    none = float("nan")
    return Judgement(claim, place, stats.Estimate(none, none, none), none, 0, 0, "no results")


def _lead(claim: Claim, place: Place, cells: dict, better_at: Place, worse_at: Place) -> Judgement:
    pair = _pair(claim, better_at, worse_at, cells)
    if pair is None:
        return _missing(claim, place_name(place))
    a, b = pair[0].final(claim.measure), pair[1].final(claim.against or claim.measure)
    lead, chance = stats.estimate(a - b), stats.improvement(a, b)
    episodes = min(r.identity["eval_episodes"] for r in pair)
    verdict = _verdict(lead, claim.margin)
    return Judgement(claim, place_name(place), lead, chance, len(a), episodes, verdict)


def _shrinking(claim: Claim, first: Place, second: Place, cells: dict) -> Judgement:
    where = f"{place_name(first)} against {second[1]}"
    pairs = [pair for p in (first, second) if (pair := _pair(claim, p, p, cells))]
    if len(pairs) < 2:
        return _missing(claim, where)
    leads = [a.final(claim.measure) - b.final(claim.measure) for a, b in pairs]
    lead, seeds = stats.difference(*leads), min(map(len, leads))
    episodes = min(r.identity["eval_episodes"] for pair in pairs for r in pair)
    verdict = _verdict(lead, claim.margin)
    return Judgement(claim, where, lead, float("nan"), seeds, episodes, verdict)
