"""Text and tables as HTML. All text is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

# A number, then perhaps its interval, spread or number of episodes: "96.0 [93.0, 99.0]", "5 x 20".
NUMBER = re.compile(r"([+-]?[\d,]*\.?\d+)(?: \[[^\]]*\]| x [\d,]+| ± .*)?(?:; .*)?")
LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)")
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
LONG = 32  # characters; longer text may take several lines
EMPHASIS = re.compile(r"\*(\w+)\*")


def number(text: str) -> float | None:
    """What a table's cell is sorted by; None for words."""
    found = NUMBER.fullmatch(text)
    return float(found[1].replace(",", "")) if found else None


def rich(text: str) -> str:
    """Text whose Markdown links and emphasis, and papers' numbers, become HTML."""
    parts, end = [], 0
    for found in LINK.finditer(text):
        parts += [_plain(text[end : found.start()]), _anchor(found[2], found[1])]
        end = found.end()
    return "".join([*parts, _plain(text[end:])])


def _plain(text: str) -> str:
    text = EMPHASIS.sub(r"<em>\1</em>", html.escape(text))
    return ARXIV.sub(lambda m: _anchor(f"https://arxiv.org/abs/{m[1]}", m[0]), text)


def _anchor(url: str, text: str) -> str:
    return f'<a href="{html.escape(url)}">{html.escape(text)}</a>'


def table(name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns sort by a button in their heads.

    A column is numeric where every cell is a number or "-"; cells carry what they are sorted by.

    Args:
        name: of the table, for those who do not see it.
    """
    numeric = [
        any(number(row[i]) is not None for row in rows)
        and all(row[i] == "-" or number(row[i]) is not None for row in rows)
        for i in range(len(head))
    ]
    tops = "".join(
        f'<th scope="col" aria-sort="none"{" class=number" * n}>'
        f'<button type="button">{html.escape(h)}</button></th>'
        for h, n in zip(head, numeric, strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(_cell(*x) for x in zip(head, row, numeric, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(name)}">'
        f"<table><thead><tr>{tops}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(head: str, text: str, numeric: bool) -> str:
    value = number(text) if numeric else None
    sort = "" if value is None else f' data-sort="{value:g}"'
    kinds = ["number"] * numeric + ["long"] * (len(text) > LONG and not numeric)
    if head == "Verdict":
        kinds += ["verdict", text.split(" (")[0].replace(" ", "-")]
    named = f' class="{" ".join(kinds)}"' if kinds else ""
    return f"<td{named}{sort}>{rich(text)}</td>"


def warning(text: str) -> str:
    return f'<p class="warning" role="note"><strong>Warning.</strong> {rich(text)}</p>'
