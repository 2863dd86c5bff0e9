"""Text and tables as HTML. All text is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

# A number, then perhaps its interval, spread or number of episodes: "96.0 [93.0, 99.0]", "5 x 20".
NUMBER = re.compile(
    r"(?:\*\*)?([+-]?[\d,]*\.?\d+)(?: \[[^\]]*\]| x [\d,]+| ± .*)?(?:; .*)?(?: ↑)?(?:\*\*)?"
)
STRONG = re.compile(r"\*\*([^*]+)\*\*")
LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)")
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
EMPHASIS = re.compile(r"\*(\w+)\*")
LONG = 32  # characters; a longer text may take several lines


def number(text: str) -> float | None:
    """Reads the number that a cell of a table is sorted by.

    Args:
        text: of the cell.

    Returns:
        The number, without its interval or spread; None for words.
    """
    match = NUMBER.fullmatch(text)
    return float(match[1].replace(",", "")) if match else None


def rich(text: str) -> str:
    """Writes text as HTML: Markdown's links, bold and emphasis, and links to arXiv.

    Args:
        text: with `[title](https://...)`, `**bold**`, `*word*` and `arXiv:1234.56789`.

    Returns:
        HTML, in which everything else is escaped.
    """
    parts, end = [], 0
    for match in LINK.finditer(text):
        parts += [_without_links(text[end : match.start()]), _link(match[2], match[1])]
        end = match.end()
    return "".join([*parts, _without_links(text[end:])])


def _without_links(text: str) -> str:
    text = STRONG.sub(r"<strong>\1</strong>", html.escape(text))
    text = EMPHASIS.sub(r"<em>\1</em>", text)
    return ARXIV.sub(lambda m: _link(f"https://arxiv.org/abs/{m[1]}", m[0]), text)


def _link(url: str, text: str) -> str:
    return f'<a href="{html.escape(url)}">{html.escape(text)}</a>'


def table(name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Writes a table that sorts by a column when its head is clicked.

    A column is numeric where every cell is a number or "-". Its cells carry the number that they
    are sorted by.

    Args:
        name: of the table, for screen readers.
        head: the names of the columns.
        rows: a text for each column.

    Returns:
        HTML.
    """
    numeric = [
        any(number(row[i]) is not None for row in rows)
        and all(row[i] == "-" or number(row[i]) is not None for row in rows)
        for i in range(len(head))
    ]
    heads = "".join(
        f'<th scope="col" aria-sort="none"{" class=number" * is_numeric}>'
        f'<button type="button">{html.escape(title)}</button></th>'
        for title, is_numeric in zip(head, numeric, strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(_cell(*x) for x in zip(head, row, numeric, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(name)}">'
        f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(head: str, text: str, is_numeric: bool) -> str:
    value = number(text) if is_numeric else None
    sort = "" if value is None else f' data-sort="{value:g}"'
    classes = ["number"] * is_numeric + ["long"] * (len(text) > LONG and not is_numeric)
    if head == "Verdict":
        classes += ["verdict", text.split(" (")[0].replace(" ", "-")]
    attribute = f' class="{" ".join(classes)}"' if classes else ""
    return f"<td{attribute}{sort}>{rich(text)}</td>"


def warning(text: str) -> str:
    """Writes a warning as a paragraph of HTML."""
    return f'<p class="warning" role="note"><strong>Warning.</strong> {rich(text)}</p>'
