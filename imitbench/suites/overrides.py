"""Settings given as words (`lr=1e-3`, `clone.hidden=256,256`), checked against the typed
configs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from imitbench.utils.errors import UserError, pick


def apply(config: Any, words: Sequence[str]) -> Any:
    """The config with the fields named by `words` ("field=value", nested fields with dots)
    replaced.

    Raises:
        UserError: an unknown field (with the nearest names), a value of the wrong type, or out
        of range.
    """
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UserError(f"setting {word!r}: expected field=value, such as lr=1e-3")
        config = _replace(config, name.strip().split("."), text.strip(), name)
    return config


def _replace(config: Any, path: list[str], text: str, name: str) -> Any:
    fields = [f.name for f in dataclasses.fields(config)]
    here = pick(f"setting of {type(config).__module__.split('.')[-1]}", path[0], fields)
    if len(path) > 1:
        inner = getattr(config, here)
        if not dataclasses.is_dataclass(inner):
            raise UserError(f"setting {name!r}: {here!r} has no fields of its own")
        return dataclasses.replace(config, **{here: _replace(inner, path[1:], text, name)})
    kind = get_type_hints(type(config))[here]
    if dataclasses.is_dataclass(kind):
        raise UserError(
            f"setting {name!r} is a group: name one of its fields, as {name}.field=value"
        )
    return dataclasses.replace(config, **{here: parse(kind, text, name)})


def parse(kind: Any, text: str, name: str) -> Any:
    """`text` as a value of the type.

    Raises:
        UserError: it is none.
    """
    if get_origin(kind) is Literal:
        if text in get_args(kind):
            return text
        raise UserError(f"{name}={text!r}: expected one of {', '.join(get_args(kind))}")
    if get_origin(kind) is tuple:
        return tuple(parse(get_args(kind)[0], x, name) for x in text.strip("()").split(",") if x)
    if kind is bool:
        known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() in known:
            return known[text.lower()]
        raise UserError(f"{name}={text!r}: expected true or false")
    try:
        return kind(text)
    except ValueError:
        raise UserError(f"{name}={text!r}: expected a value of type {kind.__name__}") from None
