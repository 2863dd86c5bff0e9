"""Marks in a table of cells: the best methods, rows that still rise, seeds that fall apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from imitbench.experts import reference_scores
from imitbench.results import scores
from imitbench.results.cells.cell import Result
from imitbench.suites.published.schema import Place

BEST_LEVEL = 0.05  # two-sided, of the paired test against the best
MODES_GAP = 0.3  # of the scale, between two neighbouring seeds
RISING = "↑"


def is_best(results: Sequence[Result], measure: str) -> list[bool]:
    """Finds the cells that are the best of their place, or not distinguishable from it.

    Args:
        results: finished cells.
        measure: a column of their curves.

    Returns:
        For each cell whether a test seed by seed against the cell with the highest mean shows no
        difference at the level 5%; False at places with a single cell or where a cell has a single
        seed, and for a cell whose mean is not known. Cells with other noise on the observations are
        at another place.
    """
    known = [not math.isnan(scores.mean(r, measure).value) for r in results]
    places: dict[tuple[Place, float], list[Result]] = {}
    for r in itertools.compress(results, known):
        places.setdefault((r.place, r.obs_noise), []).append(r)
    best = {
        place: max(cells, key=lambda r: scores.mean(r, measure).value)
        for place, cells in places.items()
        if len(cells) > 1 and all(len(r.identity["seeds"]) > 1 for r in cells)
    }
    return [
        is_known
        and (top := best.get((r.place, r.obs_noise))) is not None
        and (top is r or scores.lead(top, r, measure).p > BEST_LEVEL)
        for r, is_known in zip(results, known, strict=True)
    ]


def seed_scores(r: Result, measure: str) -> str:
    """Lists the scores of single seeds where they fall into groups, so that a collapse is seen.

    Args:
        r: a finished cell.
        measure: success_any, success_final or return.

    Returns:
        The sorted scores, in percent or as returns, where two neighbours are further apart than 0.3
        of the scale (from no success to success always; from the random policy's return to the
        expert's); else "-".
    """
    values = np.sort(r.final(measure))
    scale = 1.0
    if not scores.is_rate(measure):
        reference = reference_scores.table().get(r.identity["task"])
        if reference is None:
            return "-"
        scale = abs(reference["expert"] - reference["random"])
    if len(values) < 2 or np.diff(values).max() <= MODES_GAP * scale:
        return "-"
    factor = 100 if scores.is_rate(measure) else 1
    return " ".join(f"{factor * x:.0f}" for x in values)
