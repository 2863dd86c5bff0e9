"""Judging the literature's claims: leads, objections and verdicts."""

from imitbench.results.claims.judge import (
    CellName,
    Judgement,
    Verdict,
    judge,
    place_name,
    seeds_to_decide,
)

__all__ = ["CellName", "Judgement", "Verdict", "judge", "place_name", "seeds_to_decide"]
