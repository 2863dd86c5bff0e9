"""The pieces that all traps share: what is looked at, what is found, and the list of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from imitbench.data.recordings.measuring import Range
from imitbench.data.recordings.recording import Episode
from imitbench.data.validate import first_places

Severity = Literal["error", "warning"]


class Finding(NamedTuple):
    """One trap in a recording."""

    name: str
    severity: Severity
    text: str  # what was found and where
    remedy: str


class Data(NamedTuple):
    """A recording with the numbers that several checks need."""

    episodes: list[Episode]
    arrays: dict[str, dict[int, np.ndarray]]  # of numbers, by name and episode
    lengths: np.ndarray  # [K]
    terminated: np.ndarray  # [K] bool, at the last step
    truncated: np.ndarray  # [K] bool, and not terminated
    fields: dict[str, Range]
    actions: Range
    rewards: Range | None
    low: np.ndarray  # [A] or [1], the bounds of actions; infinite for discrete ones
    high: np.ndarray
    fps: float | None


Check = Callable[[Data], Iterator[str]]
"""Yields the text of each finding."""
CHECKS: list[tuple[str, Severity, str, Check]] = []


def trap(severity: Severity, remedy: str) -> Callable[[Check], Check]:
    """Registers a check; its name is the function's.

    Args:
        severity: of its findings.
        remedy: what to do about them.
    """

    def register(find: Check) -> Check:
        CHECKS.append((find.__name__.strip("_").replace("_", "-"), severity, remedy, find))
        return find

    return register


def of_episodes(mask: np.ndarray, what: str) -> Iterator[str]:
    """Yields a text about episodes, if there are any.

    Args:
        mask: [K] bool, which episodes.
        what: what they are, after "episodes are".
    """
    if mask.any():
        places = first_places(np.flatnonzero(mask))
        yield f"{mask.sum()} of {len(mask)} episodes are {what} (episode {places})"


def components(mask: np.ndarray) -> str:
    """Names components.

    Args:
        mask: [C] bool, which components.
    """
    return f"component{'s' if mask.sum() > 1 else ''} {first_places(np.flatnonzero(mask))}"
