"""Anybody's Gymnasium environments as tasks: `gymnasium/Pusher-v5`, `gymnasium/my_module:MyEnv-v0`.

An environment is tried out when it is made (`probing`): which parts of it are its state, whether a
second instance goes on alike from a state of the first, and what it reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imitbench.utils.errors import UserError

if TYPE_CHECKING:
    from imitbench.envs.gymnasium.adapter import GymnasiumEnv

PREFIX = "gymnasium/"


def check(task: str) -> None:
    """Checks that there is such an environment.

    Args:
        task: `gymnasium/ID` or `gymnasium/MODULE:ID`.

    Raises:
        UserError: there is none, or it has no time limit.
    """
    from imitbench.envs.gymnasium.making import find  # gymnasium is imported where it is needed

    find(task)


def make(task: str, engine: str = "auto") -> GymnasiumEnv:
    """Builds the environment of a task.

    Args:
        task: `gymnasium/ID` or `gymnasium/MODULE:ID`.
        engine: must be `auto`.

    Raises:
        UserError: there is no such environment, an engine is chosen, or it cannot be used; the
            message says why.
    """
    if engine != "auto":
        raise UserError(f"engine {engine!r} of {task}: it runs on its own physics, use 'auto'")
    from imitbench.envs.gymnasium.adapter import adapt
    from imitbench.envs.gymnasium.making import find
    from imitbench.envs.gymnasium.probing import probe

    return adapt(probe(task, find(task)))
