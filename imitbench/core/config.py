"""Settings classes: checks of their fields, and what of them names a cell."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args, get_origin, get_type_hints

from jax.core import Tracer

from imitbench.utils.errors import UserError

ADDED_LATER = {"later": True}
"""Metadata of a setting that came after results had shipped: at its default it is not part of what
a cell's name is made from, so that those results keep their names."""


def config_dict(config: Any) -> dict[str, Any]:
    """A settings class as a dict, groups too, without `LATER` settings at their defaults."""
    found = {}
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if not (f.metadata.get("later") and value == f.default):
            found[f.name] = config_dict(value) if dataclasses.is_dataclass(value) else value
    return found


def require(ok: Any, config: Any, name: str, expected: str) -> None:
    """Checks one field of a settings class.

    A traced value passes: settings can be vmapped, and what they hold is then not known yet.

    Raises:
        UserError: naming the field, its value and what was expected.
    """
    if not isinstance(ok, Tracer) and not ok:
        raise UserError(f"{name}={getattr(config, name)}: expected {expected}")


def require_share(config: Any, name: str) -> None:
    """`require` for a field that lies between 0 and 1, ends included."""
    value = getattr(config, name)
    for ok in (value >= 0, value <= 1):
        require(ok, config, name, "a number in [0, 1]")


def config_from_dict(kind: type, values: Any, where: str, remedy: str) -> Any:
    """The settings class `kind` with values that `config_dict` gave and JSON kept.

    Args:
        kind: a settings class.
        values: by field; fields that are not there have their defaults.
        where: the file that they come from, for messages.
        remedy: what to do about a damaged file, for messages.

    Raises:
        UserError: a field is unknown, or a value is none that it can have.
    """
    hints = get_type_hints(kind)
    known = {f.name for f in dataclasses.fields(kind)}
    if not isinstance(values, dict) or not set(values) <= known:
        unknown = sorted(set(values) - known) if isinstance(values, dict) else [repr(values)]
        raise UserError(
            f"{where}: unknown settings {', '.join(map(str, unknown))} of {kind.__module__}; "
            f"{remedy}"
        )
    fields = {k: _restore(hints[k], v, where, remedy) for k, v in values.items()}
    try:
        return kind(**fields)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: bad settings of {kind.__module__} ({error}); {remedy}") from None


def _restore(hint: Any, value: Any, where: str, remedy: str) -> Any:
    """A value that JSON kept, as its type has it: lists are tuples, dictionaries settings."""
    if dataclasses.is_dataclass(hint):
        return config_from_dict(hint, value, where, remedy)  # type: ignore[arg-type]
    if isinstance(value, list):
        kinds = [k for k in (hint, *get_args(hint)) if get_origin(k) is tuple]
        inner = get_args(kinds[0])[0] if kinds else Any
        return tuple(_restore(inner, x, where, remedy) for x in value)
    return value
