"""What the environments on a physics engine have in common."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.types import EnvState, GoalSpec, Spec
from imitbench.physics import Engine, PhysicsState
from imitbench.utils.errors import UserError


def asset(package: str, *parts: str) -> str:
    """Path of a file inside an installed package, which is not imported for it.

    Raises:
        UserError: the package is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise UserError(f"package {package!r} is not installed: run `pip install {package}`")
    return str(Path(found.origin).parent.joinpath(*parts))


def layout(sizes: Sequence[tuple[str, int]]) -> dict[str, slice]:
    """Named slices of a flat vector, from (name, length) in order."""
    fields, start = {}, 0
    for name, size in sizes:
        fields[name] = slice(start, start + size)
        start += size
    return fields


def make_spec(
    sizes: Sequence[tuple[str, int]],
    action_size: int,
    horizon: int,
    goal: GoalSpec | None = None,
    **more: Any,
) -> Spec:
    """A `Spec` whose observation is the fields one after the other; `more`: its other fields."""
    fields = layout(sizes)
    return Spec(sum(n for _, n in sizes), action_size, horizon, fields, goal, **more)


class BaseEnv:
    """Names and sizes, with the properties that Brax's wrappers ask for."""

    def __init__(self, name: str, spec: Spec, engine: str):
        self.name, self.spec, self.engine = name, spec, engine
        # An action of 1 in units of the original environment, where actions reach up to this.
        self.action_scale = 1.0

    @property
    def observation_size(self) -> int:
        return self.spec.obs_size

    @property
    def action_size(self) -> int:
        return self.spec.action_size

    @property
    def backend(self) -> str:
        return self.engine

    @property
    def unwrapped(self):
        return self


def follow(old: EnvState, new: EnvState) -> EnvState:
    """The new state with whatever wrappers keep in the old one's `info` and `metrics`."""
    return new.replace(info=old.info | new.info, metrics=old.metrics | new.metrics)


class PhysicsEnv(BaseEnv, ABC):
    """An environment that steps a MuJoCo model; `dt`: seconds of one of its steps."""

    def __init__(self, name: str, spec: Spec, physics: Engine, substeps: int):
        super().__init__(name, spec, physics.name)
        self.physics = physics
        self.dt = substeps * physics.model.opt.timestep

    def pose(self, state: EnvState) -> jax.Array:
        """[nq + nv (+ G)]: qpos, qvel and, of a task with goals, the desired one."""
        now = state.pipeline_state
        goal = [state.info["goal"]] if self.spec.goal else []
        return jnp.concatenate([now.qpos, now.qvel, *goal])

    def reset_to(self, pose: jax.Array) -> EnvState:
        """The state of that pose as a reset gives it: what the engine carries from step to step
        (rounded-off digits, contact forces) is not part of a pose."""
        nq = self.physics.model.nq
        qpos, qvel, goal = jnp.split(pose, (nq, nq + self.physics.model.nv))
        return self._observe(self.physics.reset(qpos, qvel), goal)

    @abstractmethod
    def _observe(self, state: PhysicsState, desired: jax.Array) -> EnvState:
        """What the task says of a state; `desired`: the goal, of length 0 where there is none."""


def scalar(x: float) -> jnp.ndarray:
    """A float32 scalar array."""
    return jnp.asarray(x, jnp.float32)
