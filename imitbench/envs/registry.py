"""The tasks by name, and the environments of each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from imitbench import physics
from imitbench.core.types import Env
from imitbench.envs import (
    brax,
    fetch,
    gymnasium,
    locomotion,
    point_mass,
    probes,
    reacher,
    recorded,
    tightrope,
)
from imitbench.utils.errors import UserError, pick


class TaskEntry(NamedTuple):
    """A task in the registry."""

    description: str
    make: Callable[[str, str], Env]  # (engine, variant of the model) -> environment
    variants: tuple[str, ...] = ("default",)  # of the model


def _fetch(name: str) -> TaskEntry:
    def make(engine: str, model: str) -> Env:
        chosen = physics.choose(engine)
        if chosen == "mjx" and not fetch.TASKS[name].mjx:
            raise UserError(
                f"{name}: MJX has no collisions of a cylinder (the puck) with a box; use engine "
                "'native'"
            )
        if model == "default":
            model = "reduced" if chosen == "mjx" else "full"
        if chosen == "mjx" and model == "full":
            raise UserError(
                f"{name}: MJX cannot step the full model (mesh collisions); use model 'reduced'"
            )
        return fetch.Fetch(name, chosen, "full" if model == "full" else "reduced")

    return TaskEntry("gymnasium-robotics v4 semantics", make, ("default", "full", "reduced"))


def _locomotion(name: str) -> TaskEntry:
    about = "gymnasium v5 semantics" + (", fixed horizon" if name.endswith("-fh") else "")
    return TaskEntry(about, lambda e, m: locomotion.Locomotion(name, physics.choose(e)))


def _probe(name: str) -> TaskEntry:
    def make(engine: str, model: str) -> Env:
        physics.choose(engine)  # only to reject an unknown name
        return probes.ProbeEnv(name)

    return TaskEntry("probe: " + probes.PROBES[name].description, make)


def _tightrope(name: str) -> TaskEntry:
    def make(engine: str, model: str) -> Env:
        physics.choose(engine)  # only to reject an unknown name
        return tightrope.Tightrope(name)

    return TaskEntry(f"toy: mistakes that add up over {tightrope.TASKS[name]} steps", make)


TASKS: dict[str, TaskEntry] = {
    **{name: _fetch(name) for name in fetch.TASKS},
    **{name: _locomotion(name) for name in locomotion.TASKS},
    "Reacher": TaskEntry("gymnasium v5 semantics", lambda e, m: reacher.Reacher(physics.choose(e))),
    "PointMass": TaskEntry(
        "toy: push a disc to a goal",
        lambda e, m: point_mass.PointMass("PointMass", physics.choose(e)),
    ),
    **{name: _tightrope(name) for name in tightrope.TASKS},
    **{name: _probe(name) for name in probes.PROBES},
}


def find_task(task: str) -> TaskEntry:
    """Returns the entry of a task.

    Args:
        task: one of `TASKS`, `brax/NAME`, `playground/NAME` or `gymnasium/ID`.

    Raises:
        UserError: the task is unknown, or its package is not installed.
    """
    if task.startswith(gymnasium.PREFIX):
        gymnasium.check(task)
        return TaskEntry("of Gymnasium's registry", lambda engine, _: gymnasium.make(task, engine))
    prefix = brax.task_prefix(task)
    if prefix is None:
        return TASKS[pick("task", task, TASKS)]
    pick("task", task, [f"{prefix}/{name}" for name in brax.env_names(prefix)])
    return TaskEntry(f"of the package {prefix}", lambda engine, _: brax.make(task, engine))


def check_task(task: str) -> str:
    """Returns the task's name, if there is such a task.

    Args:
        task: one of `TASKS`, `brax/NAME`, `playground/NAME`, `gymnasium/ID`, or none, for data of
            an unknown task.

    Raises:
        UserError: the task is unknown, or its package is not installed.
    """
    if task != recorded.NO_TASK:
        find_task(task)
    return task


@functools.lru_cache(maxsize=16)
def make(task: str, engine: str = "auto", model: str = "default") -> Env:
    """Builds the environment of a task; the same arguments give the same environment.

    Args:
        task: one of `TASKS`, `brax/NAME`, `playground/NAME` or `gymnasium/ID`.
        engine: `native`, `mjx`, or `auto` (native on a CPU, else mjx). Tasks of other packages take
            `auto` alone.
        model: for the Fetch tasks `full`, `reduced` or `default` (full on native, reduced on mjx);
            `default` for all others.

    Raises:
        UserError: the task, the engine or the model is unknown, or they cannot be combined.
    """
    entry = find_task(task)
    pick(f"model of {task}", model, entry.variants)
    return entry.make(engine, model)
