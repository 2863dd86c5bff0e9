"""Frozen reference scores: what the random policy and the expert of a task get.

They are made by `imitbench experts score` and ship with the package, so that a normalised score
means the same thing everywhere: (x - random) / (expert - random).
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import NotRequired, TypedDict, TypeVar

import numpy as np

from imitbench.utils.errors import UserError

Score = TypeVar("Score", float, np.ndarray)


class Reference(TypedDict):
    """Of one task: mean undiscounted returns over episodes, and what they were measured with."""

    random: float
    expert: float
    expert_kind: str  # scripted or learned; clip: the reference motion itself
    episodes: int  # of each
    engine: str
    environment_digest: str
    # The random policy's shares of episodes, where the task says when it is solved.
    random_success_any: NotRequired[float]
    random_success_final: NotRequired[float]


def path() -> Path:
    return Path(__file__).with_name("reference_scores.json")


@functools.cache
def table() -> dict[str, Reference]:
    """All that there are, by task."""
    return json.loads(path().read_text(encoding="utf-8")) if path().exists() else {}


def random_rate(task: str, measure: str) -> float:
    """The share of episodes in which the random policy solves a task.

    Args:
        task: the task's name.
        measure: success_any or success_final.

    Returns:
        The share; 0 where it was not measured.
    """
    found = table().get(task)
    return float(found.get(f"random_{measure}", 0.0)) if found else 0.0  # type: ignore[arg-type]


def normalise(task: str, score: Score) -> Score:
    """(score - random) / (expert - random) for a mean return of the task, or an array of them.

    Raises:
        UserError: the task has no reference scores.
    """
    if task not in table():
        known = ", ".join(table()) or "none"
        raise UserError(f"task {task!r} has no reference scores; tasks with them: {known}")
    found = table()[task]
    return (score - found["random"]) / (found["expert"] - found["random"])
