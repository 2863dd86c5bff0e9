"""The sections below a table of cells: published numbers, and claims with their verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imitbench.results import claims, stats
from imitbench.results.cell import Result
from imitbench.results.tables import published_numbers
from imitbench.results.tables.formatting import format_estimate, markdown_table
from imitbench.suites import published

CLAIM_HEAD = ("Claim", "Where", "Lead", "P(better)", "Seeds x episodes", "Verdict", "Source")
VERDICTS = ("reproduced", "not reproduced", "undecided", "no results")


class Section(NamedTuple):
    """A table about a whole suite, with a text in Markdown above it; left out without rows."""

    about: str
    head: Sequence[str]
    rows: list[list[str]]


def published_returns(results: Sequence[Result]) -> Section:
    """Compares published returns with ours after the same number of environment steps.

    Args:
        results: cells of one suite.

    Returns:
        A row for each published return that a run here came far enough for.

    Raises:
        UserError: two cells fit one published return.
    """
    rows = []
    for number in published.returns_of(results[0].identity["suite"]):
        ours = published_numbers.our_return(number, results)
        if ours is not None:
            row = [number.task, number.method, f"{number.env_steps:,}"]
            row += [format_estimate(ours, 1, 0), f"{number.value:.0f} {number.spread}"]
            rows.append([*row, f"[{number.source}]({number.url})"])
    head = ["Task", "Method", "Environment steps", "Return here", "Return published", "Source"]
    about = (
        "Beside published returns after the same number of environment steps (here between "
        "evaluations along a straight line):"
    )
    return Section(about, head, rows)


def published_rates(results: Sequence[Result]) -> Section:
    """Compares published success rates with ours.

    Args:
        results: cells of one suite.

    Returns:
        A row for each published rate and each cell of its task, demonstrations and method.
    """
    rates, source = published.rates_of(results[0].identity["suite"])
    rows = []
    for rate in rates:
        for r in results:
            i = r.identity
            if (i["task"], i["demos"], i["label"]) != (rate.task, rate.demos, rate.method):
                continue
            ours = format_estimate(stats.estimate(r.final("success_any")), 100, 1)
            theirs = f"{rate.value:.1f} ± {rate.error:.1f}"
            rows.append([rate.task, str(rate.demos), rate.method, r.expert, ours, theirs])
    head = ["Task", "Demos", "Method", "Expert here", "Any here, %", "Any published, %"]
    return Section(f"Beside the published rates ({source}):", head, rows)


def claims_section(results: Sequence[Result]) -> Section:
    """Judges the literature's claims on these cells.

    Args:
        results: cells of one suite.

    Returns:
        A row for each claim and place with results.

    Raises:
        UserError: two cells of a claim differ in engine, environment or seeds.
    """
    judged = claims.judge(published.claims_of(results[0].identity["suite"]), results)
    rows = [claim_row(j) for j in judged if j.verdict != "no results"]
    about = (
        "Claims, judged by the difference seed by seed and its 95% bootstrap interval (points of "
        "success, else returns): reproduced where the interval lies above the margin, not "
        "reproduced where it lies below."
    )
    if len(rows) < len(judged):
        about += f" {len(judged) - len(rows)} more are not judged: their cells have not been run."
    return Section(about, CLAIM_HEAD, rows)


def claim_row(judgement: claims.Judgement) -> list[str]:
    """Writes a judgement as text.

    Args:
        judgement: one with results.

    Returns:
        A text for each column of `CLAIM_HEAD`.
    """
    claim, verdict = judgement.claim, str(judgement.verdict)
    if verdict == "undecided" and (seeds := claims.seeds_to_decide(judgement)):
        verdict = f"undecided (about {seeds:,} seeds would decide)"
    scale = 100 if claim.measure.startswith("success") else 1  # points, or the measure's own units
    lead = format_estimate(judgement.lead, scale, 1, sign="+")
    lead += f"; margin {scale * claim.margin:+g}" if claim.margin else ""
    improvement = "-" if math.isnan(judgement.improvement) else f"{judgement.improvement:.2f}"
    size = f"{judgement.seeds} x {judgement.episodes}"
    return [claim.text, judgement.place, lead, improvement, size, verdict, claim.source]


def verdict_counts(suites: Mapping[str, Sequence[Result]]) -> str:
    """Counts the verdicts on each claim over its places.

    Args:
        suites: the cells of each suite, by its name.

    Returns:
        A Markdown table with a row for each claim.

    Raises:
        UserError: two cells of a claim differ in engine, environment or seeds.
    """
    rows = []
    for name, results in suites.items():
        by_text: dict[str, list[claims.Judgement]] = {}
        for j in claims.judge(published.claims_of(name), results):
            by_text.setdefault(j.claim.text, []).append(j)
        for text, judgements in by_text.items():
            counts = [sum(j.verdict == v for j in judgements) for v in VERDICTS]
            rows.append([name, text, *(str(n) if n else "-" for n in counts)])
    return markdown_table(("Suite", "Claim", *(v.capitalize() for v in VERDICTS)), rows) + "\n"
