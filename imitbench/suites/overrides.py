"""Settings as text (`lr=1e-3`, `clone.hidden=256,256`), checked against the typed configs."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from imitbench.core.config import check_values
from imitbench.utils.errors import UserError, pick

READABLE_LABEL = 120  # characters of a name before its hash
NUMBERS = {int: "a whole number", float: "a number, such as 3e-4"}
LISTS = {
    int: "whole numbers separated by commas, such as 256,256",
    float: "numbers separated by commas, such as 0.5,2",
}
# What other packages call our settings.
OURS = {
    "learning_rate": "lr", "batch_size": "batch", "gamma": "discount", "hidden_sizes": "hidden",
    "hidden_layers": "hidden", "n_epochs": "epochs", "num_envs": "envs", "gae_lambda": "gae",
    "buffer_size": "capacity",
}  # fmt: skip
TRUTH_VALUES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def label(method: str, words: Sequence[str], obs_noise: float = 0.0) -> str:
    """Names a method with changed settings.

    Args:
        method: the method's name.
        words: the changed settings, "field=value" each.
        obs_noise: the noise on what its policies see in evaluations, which is named, too.

    Returns:
        The name, such as `bc-lr=1e-3`. The end of a long one is replaced by its hash.
    """
    words = [*words, f"obs_noise={obs_noise:g}"] if obs_noise else words
    text = "-".join([method, *words]).replace("/", "_")
    if len(text) <= READABLE_LABEL:
        return text
    return f"{text[:READABLE_LABEL]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def apply(config: Any, words: Sequence[str]) -> Any:
    """Replaces fields of a config.

    Args:
        config: a method's settings, a frozen dataclass; groups are nested dataclasses.
        words: "field=value" each; fields of groups with dots, as "clone.hidden=256,256".

    Returns:
        A new config.

    Raises:
        UserError: a field is unknown (the message names the nearest ones), or a value is of the
            wrong type or out of range.
    """
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UserError(f"setting {word!r}: expected field=value, such as lr=1e-3")
        config = _replace(config, name.strip().split("."), text.strip(), name)
    check_values(config)
    return config


def _replace(config: Any, path: list[str], text: str, name: str) -> Any:
    fields = [f.name for f in dataclasses.fields(config)]
    ours = OURS.get(path[0])
    if ours in fields and path[0] not in fields:
        raise UserError(f"unknown setting of {_name(config)} {path[0]!r}: here it is {ours}")
    field = pick(f"setting of {_name(config)}", path[0], fields)
    if len(path) > 1:
        group = getattr(config, field)
        if not dataclasses.is_dataclass(group):
            raise UserError(f"setting {name!r}: {field!r} is a value without fields; set it alone")
        return dataclasses.replace(config, **{field: _replace(group, path[1:], text, name)})
    kind = get_type_hints(type(config))[field]
    if dataclasses.is_dataclass(kind):
        raise UserError(
            f"setting {name!r} is a group: name one of its fields, as {name}.field=value"
        )
    return dataclasses.replace(config, **{field: parse(kind, text, name)})


def _name(config: Any) -> str:
    """What a config's fields are settings of: the name of its module."""
    return type(config).__module__.split(".")[-1].removesuffix("_config")


def parse(kind: Any, text: str, name: str) -> Any:
    """Parses the value of a setting.

    Args:
        kind: the type of the field: bool, int, float, str, a Literal, or a tuple of one of them.
        text: the value as text; the items of a tuple are separated by commas.
        name: the field, for the message.

    Returns:
        The value.

    Raises:
        UserError: the text is no value of the type.
    """
    if get_origin(kind) is Literal:
        if text in get_args(kind):
            return text
        raise UserError(f"{name}={text!r}: expected one of {', '.join(get_args(kind))}")
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        try:
            return tuple(parse(item, x, name) for x in text.strip("()").split(",") if x)
        except UserError:
            if item not in LISTS:
                raise
            raise UserError(f"{name}={text!r}: expected {LISTS[item]}") from None
    if kind is bool:
        if text.lower() in TRUTH_VALUES:
            return TRUTH_VALUES[text.lower()]
        raise UserError(f"{name}={text!r}: expected true or false")
    try:
        return kind(text)
    except ValueError:
        expected = NUMBERS.get(kind, f"a value of type {kind.__name__}")
        raise UserError(f"{name}={text!r}: expected {expected}") from None
