"""What is read from JSON, checked by type before anything uses it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from imitbench.utils.errors import UserError

T = TypeVar("T")
LONGEST = 60  # characters of a value in a message


def read_json(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        what: what the file should be, and `remedy`: what to do where it is not, for the message.

    Raises:
        UserError: it cannot be read, or holds something else.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({one_line(error)}); {remedy}") from None
    if not isinstance(found, dict):
        raise UserError(f"{path} is not {what}: expected a JSON object; {remedy}")
    return found


def check_fields(values: Any, kinds: Mapping[str, Any], where: str, remedy: str) -> None:
    """Checks that `values` is a dict that has each of these names, with a value of its kind.

    Args:
        where: what the values are, and `remedy`: what to do, for the messages.

    Raises:
        UserError: naming the first that is missing or of another kind.
    """
    if not isinstance(values, dict):
        raise UserError(f"{where} is {_short(values)}: expected a JSON object; {remedy}")
    for name, kind in kinds.items():
        if name not in values:
            raise UserError(f"{where}: {name!r} is missing; {remedy}")
        if not _fits(values[name], kind):
            expected = str(kind) if get_args(kind) else kind.__name__
            if get_origin(kind) is Literal:
                expected = f"one of {', '.join(get_args(kind))}"
            raise UserError(
                f"{where}: {name!r} is {_short(values[name])}, expected {expected}; {remedy}"
            )


def build_dataclass(kind: type[T], values: Any, where: str, remedy: str) -> T:
    """The dataclass `kind`, with values out of a file.

    Raises:
        UserError: one is missing, unknown, or not of its field's type.
    """
    known: dict[str, Any] = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    given = values if isinstance(values, dict) else {}
    needed = [k for k, f in known.items() if k in given or f.default is dataclasses.MISSING]
    check_fields(values, {k: hints[k] for k in needed}, where, remedy)
    if odd := sorted(map(str, set(values) - set(known))):
        raise UserError(f"{where}: {', '.join(odd)} is unknown; {remedy}")
    return kind(**values)


def one_line(error: Exception) -> str:
    """An error of another package in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _fits(value: Any, kind: Any) -> bool:
    origin, inside = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, k) for k in inside)
    if origin is Literal:
        return isinstance(value, str) and value in inside
    if origin is list:
        return isinstance(value, list) and all(_fits(x, inside[0]) for x in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(x, inside[1]) for x in value.values())
    if kind in (None, NoneType):
        return value is None
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
