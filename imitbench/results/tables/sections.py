"""The section below a table of cells with the literature's claims and their verdicts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imitbench.results import claims
from imitbench.results.cells.cell import Result
from imitbench.results.tables.formatting import Section, format_estimate, format_p
from imitbench.suites import published

CLAIM_HEAD = (
    "Claim", "Where", "Lead", "P(better)", "Seeds x episodes", "p", "Adjusted p", "Verdict",
    "Source",
)  # fmt: skip
VERDICTS = ("reproduced", "not reproduced", "undecided", "no results")


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
        "Claims, judged by the lead seed by seed, with its 95% interval (points of success, else "
        "returns; over places together returns in units of expert - random). p is one-sided, and "
        "adjusted over all rows (Benjamini and Hochberg): a claim is decided where the adjusted p "
        "is at most 0.025, and no verdict is given with fewer than five seeds, a winner at the "
        "floor, unequal effort, or where more steps could change it: against a claim, where its "
        "winner was still rising or has far fewer steps than its source, and for one that says "
        '"not below", where the other method was still rising.'
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
    claim = judgement.claim
    improvement = judgement.lead.improvement if judgement.lead else float("nan")
    return [
        claim.text,
        judgement.place,
        format_lead(judgement),
        "-" if math.isnan(improvement) else f"{improvement:.2f}",
        f"{judgement.seeds} x {judgement.episodes}",
        format_p(judgement.p),
        format_p(judgement.p_adjusted),
        explained_verdict(judgement),
        claim.source,
    ]


def format_lead(judgement: claims.Judgement) -> str:
    """Writes a lead with its interval and its margin.

    Args:
        judgement: one with results.

    Returns:
        In points for success rates; else in the measure's units, or in those of the normalised
        return for places joined. Metrics and entropies have no usual size: they have three digits.
    """
    if judgement.lead is None or math.isnan(judgement.lead.mean.value):
        return "-"
    is_rate = judgement.claim.measure.startswith("success")
    scale, digits = (100, 1) if is_rate else (1, 2 if judgement.pooled else 1)
    if not is_rate and judgement.claim.measure != "return":
        largest = max(map(abs, judgement.lead.mean.interval()), default=0.0)
        if 0 < largest < math.inf:
            digits = min(max(2 - math.floor(math.log10(largest)), digits), 6)
    text = format_estimate(judgement.lead.mean.interval(), scale, digits, sign="+")
    if judgement.lead.margin:
        sign = "" if judgement.claim.equivalent else "+"
        text += f"; margin {scale * judgement.lead.margin:{sign}.{digits}f}"
    return text


def explained_verdict(judgement: claims.Judgement) -> str:
    """Writes a verdict; an undecided one with what withholds it, or with the seeds it needs; and
    the cells whose methods have changed since.

    Args:
        judgement: any.
    """
    reasons = []
    if judgement.verdict == "undecided":
        seeds = claims.seeds_to_decide(judgement)
        reasons = [judgement.objection or (f"about {seeds:,} seeds would decide" if seeds else "")]
    found = "; ".join(filter(None, [*reasons, *judgement.old]))
    return f"{judgement.verdict} ({found})" if found else judgement.verdict
