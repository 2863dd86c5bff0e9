"""Numbers of shipped cells in hand-written texts: the notes of suites and methods, and the book."""

from __future__ import annotations

import re

from docs._generate import sources
from imitbench.results import scores
from imitbench.results.cells.cell import Result
from imitbench.results.cells.cell_tables import COSTS
from imitbench.results.stats import Estimate

QUOTE = re.compile(r"\{([^{}|]+(?:\|[^{}|]+){3,4})\}")
"""{suite | label | task demos, demonstrator | measure}, or with `| interval` at the end.

A measure is a column of the cell's curve, at the last evaluation, or `mode_entropy`. Expert queries
count the demonstrations' steps."""


def filled(text: str) -> str:
    """A text whose quotes are replaced by the numbers of the shipped cells.

    Args:
        text: with quotes as `QUOTE` describes them.

    Raises:
        LookupError: there is no such shipped cell, or the quote is no quote.
    """
    return QUOTE.sub(lambda match: _number(match[0], match[1].split("|")), text)


def note(section: str, name: str) -> str:
    """The hand-written part of a generated page with its quotes filled in; see `sources.note`."""
    return filled(sources.note(section, name))


def _number(quote: str, parts: list[str]) -> str:
    suite, label, place, measure, *rest = (part.strip() for part in parts)
    if rest not in ([], ["interval"]):
        raise LookupError(f"{quote}: expected `interval` or nothing at the end")
    cells = [
        r
        for r in sources.shipped_results(suite)
        if r.identity["label"] == label and _place(r) == place
    ]
    if len(cells) != 1:
        raise LookupError(f"{quote}: {len(cells)} shipped cells of {suite} are such, expected one")
    (cell,) = cells
    if measure in COSTS:
        before = cell.info["demo_steps"] if measure == "expert_queries" else 0
        return f"{before + int(cell.curve[measure].max()):,}"
    return _written(scores.estimate(cell, measure), measure, bool(rest))


def _place(r: Result) -> str:
    task, demos, who = r.place
    return f"{task} {demos}, {who}" if who else f"{task} {demos}"


def _written(found: Estimate, measure: str, interval: bool) -> str:
    if scores.is_rate(measure):
        value, low, high = (f"{100 * x:.1f}%" for x in found)
    elif measure == "return":
        digits = 0 if abs(found.value) >= 100 else 1
        value, low, high = (f"{x:,.{digits}f}" for x in found)
    else:
        value, low, high = (f"{x:.2f}" for x in found)
    return f"{value} [{low}, {high}]" if interval else value
