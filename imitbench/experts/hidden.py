"""Experts of tasks that hide a part of the observation: they see all of it.

The states of such a task hold the observation of its full task (`EnvState.info`, `FULL_OBS`), and
the experts of the full task act on that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax

from imitbench import envs
from imitbench.core.actor import from_policy
from imitbench.core.types import FULL_OBS, Actor, EnvState, Key, Policy, Spec
from imitbench.experts import learned


def full_task(task: str) -> str:
    """Returns the full task of a task that hides a part of the observation, else "".

    Args:
        task: the task's name.
    """
    entry = envs.TASKS.get(task) or envs.GRAPHICS_TASKS.get(task)
    return entry.full_task if entry else ""


def on_full_obs(expert: Actor) -> Actor:
    """Builds the actor that sees the full observation in place of the task's.

    Args:
        expert: an actor of the full task.

    Returns:
        An actor of the task that hides a part.
    """

    def start(key: Key, state: EnvState) -> Any:
        return expert.start(key, _full(state))

    def act(key: Key, memory: Any, state: EnvState) -> tuple[jax.Array, Any]:
        return expert.act(key, memory, _full(state))

    return Actor(start, act)


def load_file(path: Path, spec: Spec | None, task: str) -> Actor | Policy:
    """Reads a learned expert, of the task itself or of its full task.

    Args:
        path: the expert's file.
        spec: the task's; None to check no sizes.
        task: the task's name.

    Raises:
        UserError: whatever is wrong with the file, or that it is another task's.
    """
    full = full_task(task)
    if full and learned.read(path)[1].task == full:
        full_spec = None if spec is None else envs.make(full).spec
        return on_full_obs(from_policy(learned.load(path, full_spec, full)[0]))
    return learned.load(path, spec, task)[0]


def _full(state: EnvState) -> EnvState:
    return state.replace(obs=state.info[FULL_OBS])
