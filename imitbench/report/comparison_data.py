"""The data of the report's comparison of two methods as JSON, with which the page computes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from imitbench.results import comparability, scores
from imitbench.results.cells.cell import Result
from imitbench.results.claims import place_name


def comparison(results: Sequence[Result]) -> dict[str, Any]:
    """Collects the scores of each seed, and what else differs between cells of one place.

    Args:
        results: cells of one suite.

    Returns:
        `cells`: for each its place, label, episodes of an evaluation, whether its measures are
        rates (`share`), and for each measure the seeds' scores (`values`), the mean with its
        interval (`estimate`) and, where seeds share their initial states, `outcomes` [S, B].
        `pairs`: the cells (two indices, in both orders) that are not to be paired seed by seed,
        that differ beside the method, with these differences, or that have other numbers of
        episodes: `leads` of the first one over the second for each measure, seed by seed, on the
        episodes that both have.
    """
    pairs = []
    for (i, a), (j, b) in permutations(enumerate(results), 2):
        if a.place == b.place:
            found = comparability.sentences(a, b)
            is_paired = comparability.are_paired(a, b)
            leads = _leads(a, b) if is_paired and scores.episodes(a) != scores.episodes(b) else {}
            if found or leads or not is_paired:
                about = {"cells": [i, j], "paired": is_paired, "differences": found}
                pairs.append(about | ({"leads": leads} if leads else {}))
    return {"cells": list(map(_cell, results)), "pairs": pairs}


def _leads(a: Result, b: Result) -> dict[str, Any]:
    """By how much each seed of `a` is above that of `b` on the episodes that both have."""
    pairs = {measure: scores.paired_scores(a, b, measure) for measure in scores.measures(a)}
    return {measure: (x - y).tolist() for measure, (x, y) in pairs.items()}


def _cell(r: Result) -> dict[str, Any]:
    return {
        "place": place_name(r.place),
        "label": r.identity["label"],
        "episodes": scores.episodes(r),
        "share": scores.is_rate(scores.main_measure(r)),
        "measures": {measure: _scores(r, measure) for measure in scores.measures(r)},
    }


def _scores(r: Result, measure: str) -> dict[str, Any]:
    found = {"values": r.final(measure).tolist(), "estimate": list(scores.estimate(r, measure))}
    found["estimate"] = [None if math.isnan(x) else x for x in found["estimate"]]
    outcomes = r.outcomes(measure) if r.shares_states else None
    if outcomes is not None:
        whole = np.array_equal(outcomes, np.round(outcomes))  # 1 instead of 1.0
        found["outcomes"] = outcomes.astype(int).tolist() if whole else outcomes.tolist()
    return found
