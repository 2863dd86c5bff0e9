"""The verdicts of version 0.2.0 beside those of today, with the reason where they differ."""

from __future__ import annotations

import functools
import json

from docs._generate import sources
from imitbench.results import claims
from imitbench.results.tables import sections
from imitbench.suites import published

OLD = sources.DOCS / "assets" / "verdicts-0.2.0.json"
# Claims whose rule changed: the end of the old text, the new text, and what changed.
AGENT = "the margin is a tenth of the agent's return, not of the expert's"
CHANGED = {
    "BCQ's return is not below that of the agent that made its data (ddpg-0.5) by more than a "
    "tenth of the expert's return": (
        "BCQ's return is not below that of the agent that made its data (ddpg-0.5) by more than a "
        "tenth of the agent's",
        AGENT,
    ),
    "BCQ's return is not below that of the agent that made its data (ddpg-0.1) by more than a "
    "tenth of the expert's return": (
        "BCQ's return is not below that of the agent that made its data (ddpg-0.1) by more than a "
        "tenth of the agent's",
        AGENT,
    ),
    "BCQ's value estimate is not above its discounted return by more than a tenth of the "
    "expert's discounted return": (
        "BCQ's value estimate is not above its discounted return by more than a tenth of it",
        "the margin is a tenth of the policy's own discounted return",
    ),
    "On expert data AWR's return is not above BC's by more than a tenth of the expert's return": (
        "On expert data AWR and BC have the same return, up to a tenth of the expert's",
        "the claim is that both are the same, so it is tested in both directions",
    ),
    "GAIL's return with 4 trajectories is not below its return with 25 by more than a tenth of "
    "the expert's return": (
        "GAIL's return with 4 trajectories is not below its return with 25 by more than a tenth",
        "the margin is a tenth of GAIL's own return with 25",
    ),
    "DAC's return, in fewer environment steps, is not below GAIL's by more than a tenth of the "
    "expert's return": (
        "DAC's return, after a third of the environment steps, is not below GAIL's by more than a "
        "tenth",
        "the margin is a tenth of GAIL's return",
    ),
}


def table() -> str:
    """Every verdict of version 0.2.0 on the shipped cells that is another today."""
    rows = []
    for old in json.loads(OLD.read_text(encoding="utf-8")):
        text, change = CHANGED.get(old["claim"], (old["claim"], ""))
        now = _judgements(old["suite"])[text, old["place"]]
        if now.verdict != old["verdict"]:
            reason = now.objection or _statistics(now)
            row = [old["suite"], text, old["place"], old["verdict"], now.verdict]
            rows.append([*row, "; ".join(filter(None, (change, reason)))])
    return sources.table(("Suite", "Claim", "Where", "0.2.0", "Now", "Reason"), rows)


def summary() -> str:
    """How many verdicts changed, in a sentence."""
    olds = json.loads(OLD.read_text(encoding="utf-8"))
    decided = [old for old in olds if old["verdict"] != "undecided"]
    now = [
        _judgements(old["suite"])[CHANGED.get(old["claim"], (old["claim"],))[0], old["place"]]
        for old in decided
    ]
    still = sum(j.verdict != "undecided" for j in now)
    return (
        f"On the same shipped cells version 0.2.0 decided {len(decided)} of {len(olds)} verdicts. "
        f"Of these {still} are decided today."
    )


@functools.cache
def _judgements(suite: str) -> dict[tuple[str, str], claims.Judgement]:
    judged = claims.judge(published.claims_of(suite), sources.shipped_results(suite))
    return {(j.claim.text, j.place): j for j in judged}


def _statistics(j: claims.Judgement) -> str:
    return f"lead {sections.format_lead(j)}, adjusted p {sections.format_p(j.p_adjusted)}"
