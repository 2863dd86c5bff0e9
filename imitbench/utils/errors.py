"""Errors that a user can correct."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in the user's request.

    The text is one line: the value, what was expected, and what to do.
    """


def pick(kind: str, name: str, known: Iterable[str]) -> str:
    """Returns the name, if it is one of the known names.

    Args:
        kind: what the name stands for, for the message: "task", "method", ...
        name: the name to look up.
        known: all valid names.

    Returns:
        `name` itself.

    Raises:
        UserError: the name is unknown; the message has up to three similar names.
    """
    known = list(known)
    if name in known:
        return name
    by_lower_case = {k.lower(): k for k in known}
    matches = difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.4)
    similar = [by_lower_case[m] for m in matches]
    hint = f"did you mean {' or '.join(similar)}?" if similar else f"known: {', '.join(known)}"
    raise UserError(f"unknown {kind} {name!r}: {hint}")
