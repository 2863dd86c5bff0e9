"""Config classes of methods: checks of their fields, and their part in a cell's identity."""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any, get_args, get_origin, get_type_hints

from jax.core import Tracer

from imitbench.utils.errors import UserError

ADDED_LATER = {"later": True}
"""Metadata of a field that was added after results had shipped.

At its default such a field is not part of a cell's identity, so that shipped cells keep theirs.
"""


def config_dict(config: Any) -> dict[str, Any]:
    """Returns the fields of a config, nested configs included, that make up a cell's identity.

    Args:
        config: a dataclass instance.

    Returns:
        The field values by name, without `ADDED_LATER` fields at their defaults.
    """
    values = {}
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if not (f.metadata.get("later") and value == f.default):
            values[f.name] = config_dict(value) if dataclasses.is_dataclass(value) else value
    return values


def require(ok: Any, config: Any, name: str, expected: str) -> None:
    """Checks one field of a config.

    A traced `ok` passes: a config can be vmapped, and its values are then not known yet.

    Args:
        ok: whether the value is valid.
        config: the config.
        name: the field, for the message.
        expected: the valid values, for the message.

    Raises:
        UserError: `ok` is false; the message has the field, its value and the valid values.
    """
    if not isinstance(ok, Tracer) and not ok:
        raise UserError(f"{name}={getattr(config, name)}: expected {expected}")


def require_choice(config: Any, name: str, choices: Any) -> None:
    """Checks that a field is one of the words of a `Literal` type.

    Args:
        config: the config.
        name: the field.
        choices: the type.

    Raises:
        UserError: it is none of them; the message has the field, its value and the words.
    """
    words = get_args(choices)
    require(getattr(config, name) in words, config, name, f"one of {', '.join(words)}")


def require_capacity(config: Any, what: str) -> None:
    """Checks that a store of `capacity` steps holds those of `envs` times `length`.

    Args:
        config: the config, with these three fields.
        what: the steps, for the message.

    Raises:
        UserError: it does not hold them; the message has all three fields.
    """
    steps, product = config.envs * config.length, f"envs={config.envs} x length={config.length}"
    expected = f"{steps} or more, {what} ({product})"
    require(config.capacity >= steps, config, "capacity", expected)


def require_bounds(config: Any, name: str) -> None:
    """Checks that a field of a config is empty or has two numbers, the lower one first.

    Args:
        config: the config.
        name: the field.

    Raises:
        UserError: it is neither.
    """
    bounds = getattr(config, name)
    ok = len(bounds) in (0, 2) and list(bounds) == sorted(bounds)
    require(ok, config, name, "two numbers, low and high")


def require_share(config: Any, name: str) -> None:
    """Checks that a field of a config lies in [0, 1], ends included.

    Args:
        config: the config.
        name: the field.

    Raises:
        UserError: the value lies outside.
    """
    value = getattr(config, name)
    for ok in (value >= 0, value <= 1):
        require(ok, config, name, "a number in [0, 1]")


def require_rate(config: Any, name: str) -> None:
    """Checks that a field of a config lies above 0, up to 1.

    Args:
        config: the config.
        name: the field.

    Raises:
        UserError: the value lies outside.
    """
    value = getattr(config, name)
    for ok in (value > 0, value <= 1):
        require(ok, config, name, "a number above 0, up to 1")


def check_values(config: Any, prefix: str = "") -> None:
    """Checks what all settings have in common, also where a config was built in Python.

    Values have the types of their fields; numbers are finite, but for limits (`clip`, `max_...`),
    where infinity means none; the sizes of layers are positive. Other ranges are checked by the
    configs themselves.

    Args:
        config: a dataclass instance; nested configs are checked, too.
        prefix: of the fields' names, for messages: the group with a dot.

    Raises:
        UserError: a value of a field is not allowed.
    """
    for field, kind in get_type_hints(type(config)).items():
        value, name = getattr(config, field), prefix + field
        if dataclasses.is_dataclass(kind):
            check_values(value, f"{name}.")
        elif kind is int:
            if not _is_whole(value):
                raise UserError(f"{name}={value!r:.60}: expected a whole number")
        elif kind is float:
            _check_float(name, value)
        elif kind == tuple[int, ...]:
            whole = isinstance(value, (tuple, list)) and all(map(_is_whole, value))
            if not whole or any(size < 1 for size in value):
                raise UserError(
                    f"{name}={value!r:.60}: expected the sizes of layers, whole numbers of 1 or "
                    "more, such as (256, 256)"
                )


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _check_float(name: str, value: Any) -> None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise UserError(f"{name}={value!r:.60}: expected a number")
    field = name.rpartition(".")[2]
    is_limit = field.startswith("max_") or field.endswith("clip")
    if not math.isfinite(value) and not (is_limit and value == math.inf):
        raise UserError(f"{name}={value}: expected a finite number")


def config_from_dict(kind: type, values: Any, where: str, remedy: str) -> Any:
    """Builds a config from the values of `config_dict` that were kept as JSON.

    Args:
        kind: the config class.
        values: the values by field; missing fields take their defaults.
        where: the file that the values come from, for the message.
        remedy: what to do about a damaged file, for the message.

    Returns:
        An instance of `kind`.

    Raises:
        UserError: a field is unknown, or a value is not valid.
    """
    hints = get_type_hints(kind)
    names = {f.name for f in dataclasses.fields(kind)}
    if not isinstance(values, dict) or not set(values) <= names:
        unknown = sorted(set(values) - names) if isinstance(values, dict) else [repr(values)]
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
    """Converts a value from JSON to a field's type: lists to tuples, dicts to configs."""
    if dataclasses.is_dataclass(hint):
        return config_from_dict(hint, value, where, remedy)  # type: ignore[arg-type]
    if isinstance(value, list):
        tuples = [k for k in (hint, *get_args(hint)) if get_origin(k) is tuple]
        item_hint = get_args(tuples[0])[0] if tuples else Any
        return tuple(_restore(item_hint, x, where, remedy) for x in value)
    return value
