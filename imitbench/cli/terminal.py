"""Tables in a terminal of any width, and in pipes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = 2  # spaces between columns


def print_rows(rows: Sequence[dict[str, str]], less_important: Sequence[str] = ()) -> list[str]:
    """Prints a table to stdout. Texts stand as they are: `[red]` is no markup.

    A pipe gets the whole table. In a terminal, less important columns are left out until no cell
    has to be broken.

    Args:
        rows: the cells of each row, by column.
        less_important: columns, the first to leave out first.

    Returns:
        The columns that were left out, in their order.
    """
    whole = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    terminal = Console().width if sys.stdout.isatty() else _total(whole)
    widths = {  # with headers over several lines
        name: max(len(text) for text in (*name.split(), *(row[name] for row in rows)))
        for name in rows[0]
    }
    for name in less_important:
        if _total(widths) <= terminal:
            break
        widths.pop(name, None)
    left_out = [name for name in rows[0] if name not in widths]
    if _total(widths) > terminal:  # cells over several lines, too
        words = {name: _longest_word([name, *(row[name] for row in rows)]) for name in widths}
        widths, whole = words, widths
    fits = _total(widths) <= terminal
    if fits:
        _widen(widths, whole, terminal - _total(widths))
    table = Table(box=None, pad_edge=False)
    for name, width in widths.items():
        table.add_column(Text(name), overflow="fold", width=width if fits else None)
    for row in rows:
        table.add_row(*(Text(row[name]) for name in widths))
    console = Console(width=terminal)
    with console.capture() as captured:
        console.print(table)
    print(captured.get(), end="")  # rich would end the program where a pipe is closed
    return left_out


def _longest_word(texts: Sequence[str]) -> int:
    return max(len(word) for text in texts for word in text.split() or [""])


def _widen(widths: dict[str, int], whole: dict[str, int], spare: int) -> None:
    """Gives the spare characters to the columns that lack the most, up to their whole widths."""
    for _ in range(spare):
        name = max(widths, key=lambda name: whole[name] / max(1, widths[name]))
        widths[name] = min(whole[name], widths[name] + 1)


def _total(widths: dict[str, int]) -> int:
    """The width of a table of columns of these widths."""
    return sum(widths.values()) + GAP * (len(widths) - 1)
