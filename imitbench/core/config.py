"""Settings classes: checks of their fields, and what of them names a cell."""

from __future__ import annotations

import dataclasses
from typing import Any

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
