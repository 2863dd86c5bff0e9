"""Errors that a user can correct."""

from __future__ import annotations

import contextlib
import difflib
import numbers
from collections.abc import Iterable, Iterator, Sequence
from typing import Any


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


SIMILAR = 0.5  # least likeness of a name that is suggested for another one


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
    if not isinstance(name, str):
        raise UserError(f"{kind} {name!r:.60}: expected a name, such as {known[0]!r}")
    if name in known:
        return name
    similar = _similar(name, known)
    hint = f"did you mean {' or '.join(similar)}?" if similar else f"known: {', '.join(known)}"
    raise UserError(f"unknown {kind} {name!r}: {hint}")


def _similar(name: str, known: Sequence[str]) -> list[str]:
    """Up to three known names, the most similar first, without those far behind it."""
    by_lower_case = {k.lower(): k for k in known}
    matches = difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=SIMILAR)
    if not matches:
        return []
    least = 0.75 * difflib.SequenceMatcher(None, matches[0], name.lower()).ratio()
    kept = difflib.get_close_matches(name.lower(), matches, n=3, cutoff=least)
    return [by_lower_case[m] for m in kept]


def whole_number(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Returns an argument that counts something or numbers it, as an integer.

    Args:
        name: the argument, for the message.
        value: its value, of any type.
        least: the smallest value that is allowed.
        most: the largest value that is allowed; None: any.

    Raises:
        UserError: it is no integer, or out of range.
    """
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    number = int(value) if is_whole else least - 1
    if number < least or (most is not None and number > most):
        limits = f"{least} or more" if most is None else f"{least} to {most}"
        kind = "" if is_whole else "a whole number, "
        raise UserError(f"{name}={value!r:.60}: expected {kind}{limits}")
    return number


MAX_SEED = 2**32 - 1  # JAX's keys use 32 bits of a seed


def seed_number(name: str, value: Any) -> int:
    """Returns a seed of random numbers as an integer.

    Args:
        name: the argument, for the message.
        value: its value, of any type.

    Raises:
        UserError: it is no integer from 0 to 2^32 - 1. JAX would take others as one of these.
    """
    return whole_number(name, value, 0, MAX_SEED)
