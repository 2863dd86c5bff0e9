"""Numbers and tables as text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from imitbench.results.stats import Estimate

LATEX = {c: rf"\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "↑": r"$\uparrow$", "±": r"$\pm$",
}  # fmt: skip
"""What stands in LaTeX for a character."""
HTML_TAG = re.compile(r"<(?=[A-Za-z/!?])")


class Section(NamedTuple):
    """A table about a whole suite, with a text in Markdown above it; left out without rows."""

    about: str
    head: Sequence[str]
    rows: list[list[str]]


def format_estimate(estimate: Estimate, scale: float, digits: int, sign: str = "") -> str:
    """Writes an estimate as its value and its interval: `96.0 [93.0, 99.0]`.

    Args:
        estimate: the value and its interval. Without an interval (nan) the value stands alone; a
            value that is not known (nan) is written as `-`.
        scale: a factor, such as 100 for percent.
        digits: digits after the point.
        sign: "+" to write the sign of positive numbers, too.

    Returns:
        The text.
    """
    if math.isnan(estimate.value):
        return "-"
    value, low, high = (f"{scale * x:{sign}.{digits}f}" for x in estimate)
    return value if math.isnan(estimate.low) else f"{value} [{low}, {high}]"


def format_p(p: float) -> str:
    """Writes a p value with three digits after the point; `-` for nan."""
    if math.isnan(p):
        return "-"
    return f"{p:.3f}" if p >= 0.0005 else "<0.001"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Writes a Markdown table.

    Args:
        head: the names of the columns.
        rows: a text for each column. Characters that would break the table are escaped.

    Returns:
        The table, without a line break at its end.
    """
    lines = [_markdown_row(head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *map(_markdown_row, rows)])


def latex_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Writes a LaTeX table of the package booktabs.

    Args:
        head: the names of the columns.
        rows: a text for each column, in which `**text**` is bold. Characters with a meaning in
            LaTeX are escaped.

    Returns:
        A tabular environment, without a line break at its end.
    """
    lines = [" & ".join(map(_latex, cells)) + r" \\" for cells in (head, *rows)]
    columns = "l" * len(head)
    body = [r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
    return "\n".join([rf"\begin{{tabular}}{{{columns}}}", *body, r"\end{tabular}"])


def _latex(text: str) -> str:
    parts = re.split(r"\*\*(.+?)\*\*", " ".join(text.splitlines()))
    escaped = ["".join(LATEX.get(c, c) for c in part) for part in parts]
    return "".join(rf"\textbf{{{x}}}" if i % 2 else x for i, x in enumerate(escaped))


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_escape, cells)) + " |"


def _escape(text: str) -> str:
    """A bar would begin a new column, a line break a new row, `<b>` a mark of HTML."""
    line = " ".join(text.splitlines()).replace("\\", r"\\").replace("|", r"\|")
    return HTML_TAG.sub(r"\\<", line)
