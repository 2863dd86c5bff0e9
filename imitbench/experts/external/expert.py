"""The types of a user's expert: before and after it has met its task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from imitbench.core.types import Actor, Env, Policy

HostFunction = Callable[[np.ndarray], Any]
"""A function of observations [N, O] in numpy; its result is checked by `check.check_actions`."""


class Source(NamedTuple):
    """A user's expert that is loaded, before it has met its task."""

    name: str
    """Its name in tables and in the identity of cells, without folders."""
    build: Callable[[Env], Actor | Policy | HostFunction]
    """Builds it for a task. An actor or a policy runs in JAX; `on_host` says which it is."""
    on_host: bool
    """Whether `build` returns a host function."""
    sha256: str | None = None
    """The checksum of its file, or of its source code; None where there is neither."""
    complete: bool = False
    """Whether the checksum covers everything that decides its actions."""
    in_memory: bool = False
    """Whether it exists in this process alone, so that its data are not cached."""


@dataclass(frozen=True)
class ExternalExpert:
    """A user's expert on a task, checked. Two are equal where their identities are."""

    name: str
    """Its name in tables and in the identity of cells."""
    sha256: str | None
    """The checksum of its file, or of its source code."""
    actions: str | None
    """A digest of its actions on initial observations; None where the checksum covers all."""
    in_memory: bool
    """Whether it exists in this process alone."""
    actor: Actor = field(compare=False, repr=False)
    """How it acts."""

    def identity(self) -> dict[str, Any]:
        """Returns what tells it from other experts, as JSON data."""
        parts = {"name": self.name, "sha256": self.sha256, "actions": self.actions}
        found: dict[str, Any] = {k: v for k, v in parts.items() if v is not None}
        return found | ({"in_memory": True} if self.in_memory else {})

    @property
    def label(self) -> str:
        """Its name with the first digits of the hash of its identity: who demonstrated, in headers
        and tables."""
        digest = hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode())
        return f"{self.name} ({digest.hexdigest()[:8]})"
