"""Errors that a user can mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what the user asked for: one line that names the value and what to do."""


def pick(kind: str, name: str, known: Iterable[str]) -> str:
    """The name, if it is known.

    Raises:
        UserError: otherwise, with the nearest names.
    """
    known = list(known)
    if name in known:
        return name
    folded = {k.lower(): k for k in known}
    near = [folded[n] for n in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.4)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    raise UserError(f"unknown {kind} {name!r}: {hint}")
