"""Experts: policies that demonstrate, and that DAgger can ask."""

from imitbench.core.types import Policy, UserError
from imitbench.experts import scripted

__all__ = ["NAMES", "load"]

NAMES = tuple(scripted.LAWS)


def load(task: str) -> Policy:
    """The expert of a task.

    Raises:
        UserError: the task has none.
    """
    if task not in scripted.LAWS:
        raise UserError(f"task {task!r} has no expert; tasks with one: {', '.join(NAMES)}")
    return scripted.policy(scripted.LAWS[task])
