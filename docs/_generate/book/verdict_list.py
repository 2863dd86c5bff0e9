"""The list of all verdicts, as a figure and as a file of numbers."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from docs._generate import sources
from imitbench.results.figures import verdicts
from imitbench.suites.registry import suite_names
from imitbench.utils.files import atomic_write

FIGURE = sources.DOCS / "book" / "verdicts.png"
NUMBERS = FIGURE.with_suffix(".csv")
HEAD = (
    "suite", "claim", "source", "place", "lead", "lead_low", "lead_high", "margin", "seeds",
    "episodes_per_seed", "p_adjusted", "verdict",
)  # fmt: skip


def numbers() -> str:
    """All verdicts at single places that have results, as CSV; leads are in the measure's units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for suite in suite_names():
        for j in sources.judgements(suite):
            if j.lead is None or j.pooled:
                continue
            values = (*j.lead.mean.interval(), j.lead.margin)
            lead = [f"{x:.6g}" for x in values]
            claim = j.claim.text, j.claim.source
            size = j.seeds, j.episodes, f"{j.p_adjusted:.3g}", j.verdict
            writer.writerow((suite, *claim, j.place, *lead, *size))
    return text.getvalue()


def write() -> list[Path]:
    """Writes the numbers and the figure where the numbers have changed.

    Returns:
        The files written.
    """
    text = numbers()
    if FIGURE.exists() and NUMBERS.exists() and NUMBERS.read_text(encoding="utf-8") == text:
        return []
    _, vector = verdicts.draw({name: sources.judgements(name) for name in suite_names()}, FIGURE)
    vector.unlink()  # several times as large; `imitbench verify --figure verdicts` draws it
    with atomic_write(NUMBERS) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return [FIGURE, NUMBERS]
