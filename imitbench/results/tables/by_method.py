"""The table of a paper: a row for each method, a column for each place."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imitbench.results import scores
from imitbench.results.cells.cell import Result
from imitbench.results.claims import place_name
from imitbench.results.tables.formatting import Section
from imitbench.results.tables.marks import is_best

MISSING = "-"


def by_method(results: Sequence[Result]) -> Section:
    """Writes the scores of a suite with a row for each method and a column for each place.

    The score is success at the last step in percent where the task says when it is solved, else the
    return.

    Args:
        results: finished cells of one suite, each of another place or method. Cells with noise on
            the observations are other places.

    Returns:
        The table: means with half their 95% interval (`96.0 ± 2.1`; of a skewed interval the longer
        half), the best of a column and those that a paired test does not tell from it in bold.
    """
    measures = [scores.main_measure(r) for r in results]
    best = {m: is_best(results, m) for m in set(measures)}
    tasks = list(dict.fromkeys(r.place[0] for r in results))
    in_order = sorted(results, key=lambda r: (tasks.index(r.place[0]), r.place[1]))
    columns = list(dict.fromkeys(map(_column, in_order)))
    methods = list(dict.fromkeys(r.identity["label"] for r in results))
    found = {
        (r.identity["label"], _column(r)): _entry(r, measure, best[measure][i])
        for i, (r, measure) in enumerate(zip(results, measures, strict=True))
    }
    rows = [[name, *(found.get((name, c), MISSING) for c in columns)] for name in methods]
    about = (
        "Success at the last step in percent, or the return: mean over training seeds ± half of "
        "the 95% interval. In bold (text: between **): the best of a column, and what a paired "
        "test at 5% does not tell from it."
    )
    return Section(about, ["Method", *columns], rows)


def _column(r: Result) -> str:
    return place_name(r.place) + (f", noise {r.obs_noise:g}" if r.obs_noise else "")


def _entry(r: Result, measure: str, is_among_best: bool) -> str:
    estimate = scores.estimate(r, measure)
    if math.isnan(estimate.value):
        return MISSING
    scale, digits = (100, 1) if scores.is_rate(measure) else (1, 0)
    text = f"{scale * estimate.value:.{digits}f}"
    if not math.isnan(estimate.low):
        half = max(estimate.high - estimate.value, estimate.value - estimate.low)
        text += f" ± {scale * half:.{digits}f}"
    return f"**{text}**" if is_among_best else text
