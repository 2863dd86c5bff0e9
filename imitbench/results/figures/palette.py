"""The looks of methods, the same in all figures and on the report's page.

Colours were searched for: the smallest distance (CIE 1976) between any two of them is 20 on a light
ground and 15 on a dark one, for people who see all colours and for those with any of the three
colour blindnesses (simulated as Machado et al. 2009). The first six differ in grey, too. Methods
also differ by marker and dash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

COLOURS = (
    "#1b1f24", "#ce2660", "#0184e4", "#819d27", "#594789", "#6a1d10", "#0726d8", "#745803",
)  # fmt: skip
"""On a light ground."""
ON_DARK = (
    "#f0f2f4", "#f1532b", "#55d7e2", "#9dfa91", "#9daaf6", "#cd8890", "#e06f59", "#e9cc44",
)  # fmt: skip
"""On a dark ground, in the same order."""
IN_GREY = 6  # the first colours, which differ in grey, too
GREY = "#7f7f7f"
"""Of what is no method: levels, and what is undecided."""
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "--", "-.", ":")
STYLES = [
    {
        "color": COLOURS[i % len(COLOURS)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": DASHES[(i + i // len(MARKERS)) % len(DASHES)],
    }
    for i in range(len(MARKERS) * len(DASHES))
]
"""No two of these have the same marker and dash; eight neighbours have different colours."""


def css() -> str:
    """The colours as variables of a style sheet: --c0 and so on, for light and for dark grounds."""
    light, dark = (
        " ".join(f"--c{i}: {colour};" for i, colour in enumerate(colours))
        for colours in (COLOURS, ON_DARK)
    )
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def style(i: int) -> dict[str, Any]:
    """The colour, marker and dash of the method with this number.

    Args:
        i: counted from 0; from 24 on looks repeat.

    Returns:
        Keyword arguments of matplotlib's `plot`.
    """
    return STYLES[i % len(STYLES)]


def ordered_by_looks(methods: Sequence[str], panels: Sequence[Sequence[str]]) -> list[str | None]:
    """Orders methods so that those of a panel have different colours.

    Args:
        methods: the labels of all methods of the suite.
        panels: the labels in each panel.

    Returns:
        The labels at the numbers of their looks, for `style`; None where a look is free. A
        method keeps its own number where it may; the colours that differ in grey come first.
    """
    found: list[str | None] = [None] * max(len(STYLES), len(methods))
    for own, label in enumerate(methods):
        mates = {x for panel in panels if label in panel for x in panel}
        found[_free_look(found, mates, own)] = label
    return found


def _free_look(taken: Sequence[str | None], mates: set[str], own: int) -> int:
    """The number of a look that is free, of a colour that no mate has, in grey too, or `own`."""
    colours = [style(i)["color"] for i in range(len(taken))]
    used = {c for c, label in zip(colours, taken, strict=True) if label in mates}
    in_grey = COLOURS[:IN_GREY]
    free = [i for i, label in enumerate(taken) if label is None]
    return min(free, key=lambda i: (colours[i] in used, colours[i] not in in_grey, i != own, i))
