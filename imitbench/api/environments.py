"""Environments and tasks of the public face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from imitbench import envs, experts
from imitbench.core.types import Env
from imitbench.envs.registry import TaskEntry, task_name
from imitbench.experts import external
from imitbench.runs import own_expert
from imitbench.utils import runtime
from imitbench.utils.errors import UserError


def make_env(task: str, engine: str = "auto") -> Env:
    """Makes the environment of a task.

    Args:
        task: a name that `list_tasks` shows, such as "FetchPush" or "Hopper", the Gymnasium id of
            one, such as "FetchPush-v4", an environment of Brax, such as "brax/ant", or any one of
            Gymnasium, such as "gymnasium/Pusher-v5" or "gymnasium/my_module:MyEnv-v0".
        engine: "native" (MuJoCo on the CPU), "mjx" (MuJoCo in JAX, for a GPU or TPU) or "auto"
            (native on a CPU, else mjx).

    Returns:
        One environment with Brax's functional protocol: `reset(key)` and `step(state, action)`
        are pure; vectorise them with `jax.vmap`. Actions lie in [-1, 1].

    Raises:
        UserError: an unknown task or engine, or a pair that cannot run.

    Example:
        >>> import imitbench as ib
        >>> env = ib.make_env("PointMass")
        >>> env.spec.obs_size, env.spec.action_size, env.spec.horizon
        (6, 2, 20)
    """
    runtime.setup()
    with runtime.device_errors():
        return envs.make(task_name(task), engine)


def list_tasks() -> pd.DataFrame:
    """Lists the tasks that come with the package.

    Returns:
        A row for each task: its name, what it is, and the grades of its experts.

    Example:
        >>> import imitbench as ib
        >>> tasks = ib.list_tasks()
        >>> tasks.loc["FetchPush", "experts"]
        'expert, medium'
    """
    rows = {
        name: {
            "about": entry.description,
            "experts": ", ".join(dict.fromkeys(e.grade for e in experts.experts_of(name))),
        }
        for name, entry in envs.TASKS.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("task")


def register_task(name: str, make: Callable[[], Env], about: str, *, expert: Any = None) -> None:
    """Adds a task to this process, so that every command and function knows it by its name.

    Args:
        name: a new name.
        make: makes its environment, in the protocol of `imitbench.core.types.Env`; the
            environment's `name` is the task's.
        about: one sentence that describes it.
        expert: demonstrates the task and is asked by DAgger and DART: as for `collect`. None: the
            task has no expert.

    Raises:
        UserError: the name is taken, or the expert cannot act.
    """
    if name in envs.TASKS:
        raise UserError(f"task {name!r} exists already: take another name")
    source = None if expert is None else own_expert.load_expert(expert)
    envs.TASKS[name] = TaskEntry(about, lambda engine, model: make())
    if source is not None:
        external.register(name, source)


def engine_of(env: Env) -> str:
    """The engine to ask for where an environment like this one is made again."""
    return env.engine if env.engine in ("native", "mjx") else "auto"


def require_known(env: Env) -> None:
    """Checks that an environment is one of `make_env`.

    Raises:
        UserError: it is something else, which could not be made again by its name.
    """
    name, engine = getattr(env, "name", None), getattr(env, "engine", None)
    if isinstance(name, str) and isinstance(engine, str):
        same = envs.make(name, engine_of(env))
        if type(same) is type(env) and same.spec.horizon == env.spec.horizon:
            return
    raise UserError(
        f"{type(env).__name__} is no environment of imitbench: expected one of "
        "imitbench.make_env, such as make_env('Hopper')"
    )
