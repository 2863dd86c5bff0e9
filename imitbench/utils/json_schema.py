"""Checks of values from JSON files: names and types, before anything uses them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from imitbench.utils.errors import UserError

T = TypeVar("T")
MAX_BYTES = 2**26  # of a JSON file
MAX_VALUE_LENGTH = 60  # characters of a value in a message


def one_line(error: Exception) -> str:
    """Returns the first line of an error's text, or the error's type where it has no text."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def read_json(path: Path, content: str, remedy: str) -> dict[str, Any]:
    """Reads the object in a JSON file.

    Args:
        path: the file.
        content: what the file should be, for the message: "a search's trials", ...
        remedy: what to do if it is something else, for the message.

    Returns:
        The object as a dict; its fields are not checked.

    Raises:
        UserError: the file cannot be read, has more than `MAX_BYTES`, or holds something other than
            a JSON object.
    """
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise ValueError(f"it has {size:,} bytes, expected at most {MAX_BYTES:,}")
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({one_line(error)}); {remedy}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path} is not {content}: expected a JSON object; {remedy}")
    return values


def check_fields(values: Any, kinds: Mapping[str, Any], where: str, remedy: str) -> None:
    """Checks that `values` is a dict with certain fields of certain types.

    Args:
        values: the value to check; fields that `kinds` does not name may have any value.
        kinds: the type of each required field: `int`, `float` (takes integers too), `str`, `bool`,
            `None`, `list[...]`, `dict[str, ...]`, `Literal[...]` of strings, unions, or `Any`.
        where: where the values come from, for the message.
        remedy: what to do about a mistake, for the message.

    Raises:
        UserError: a field is missing or has another type; the message names the first one.
    """
    if not isinstance(values, dict):
        raise UserError(f"{where} is {shorten(values)}: expected a JSON object; {remedy}")
    for name, kind in kinds.items():
        if name not in values:
            raise UserError(f"{where}: {name!r} is missing; {remedy}")
        if not _matches(values[name], kind):
            expected = str(kind) if get_args(kind) else kind.__name__
            if get_origin(kind) is Literal:
                expected = f"one of {', '.join(get_args(kind))}"
            raise UserError(
                f"{where}: {name!r} is {shorten(values[name])}, expected {expected}; {remedy}"
            )


def build_dataclass(kind: type[T], values: Any, where: str, remedy: str) -> T:
    """Builds a dataclass from the values of a file.

    Args:
        kind: the dataclass; its field types may be those of `check_fields`.
        values: the field values by name; fields with a default may be missing.
        where: where the values come from, for the message.
        remedy: what to do about a mistake, for the message.

    Returns:
        An instance of `kind`.

    Raises:
        UserError: a value is missing, unknown, or not of its field's type.
    """
    fields: dict[str, Any] = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    present = values if isinstance(values, dict) else {}
    checked = [k for k, f in fields.items() if k in present or f.default is dataclasses.MISSING]
    check_fields(values, {k: hints[k] for k in checked}, where, remedy)
    if unknown := sorted(map(str, set(values) - set(fields))):
        raise UserError(f"{where}: {', '.join(unknown)} is unknown; {remedy}")
    return kind(**values)


def _matches(value: Any, kind: Any) -> bool:
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin in (Union, UnionType):
        return any(_matches(value, k) for k in args)
    if origin is Literal:
        return isinstance(value, str) and value in args
    if origin is list:
        return isinstance(value, list) and all(_matches(x, args[0]) for x in value)
    if origin is dict:
        return isinstance(value, dict) and all(_matches(x, args[1]) for x in value.values())
    if kind in (None, NoneType):
        return value is None
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def shorten(value: Any) -> str:
    """Writes a value from a file as one short line; what a terminal would obey is escaped."""
    text = repr(value)
    return text if len(text) <= MAX_VALUE_LENGTH else text[:MAX_VALUE_LENGTH] + "..."
