"""Experts of tasks that a user has registered."""

from __future__ import annotations

from imitbench.experts.external.expert import Source

_EXPERTS: dict[str, Source] = {}


def register(task: str, expert: Source) -> None:
    """Makes an expert the one of a task, for this process.

    Args:
        task: the task's name.
        expert: the expert; it takes the place of one that was registered before.
    """
    _EXPERTS[task] = expert


def expert_of_task(task: str) -> Source | None:
    """The expert that was registered for a task."""
    return _EXPERTS.get(task)
