"""Errors that a user can correct."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator


class UserError(Exception):
    """A mistake in the user's request.

    The text is one line: the value, what was expected, and what to do.
    """


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Raises a `UserError` of the host code that a compiled program called as it is.

    JAX wraps it into an error of its own, whose text ends with the traceback. For `with` blocks,
    and as a decorator.
    """
    try:
        yield
    except RuntimeError as error:
        _, name, message = str(error).rpartition("UserError: ")
        if type(error).__name__ != "JaxRuntimeError" or not name:
            raise
        raise UserError(message.strip()) from None


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
