"""The base of the environments, and helpers for their specs and assets."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench.core.types import EnvState, GoalSpec, Spec
from imitbench.physics import Engine, PhysicsState
from imitbench.utils.errors import UserError


def asset_path(package: str, *parts: str) -> str:
    """Returns the path of a file in an installed package, without importing the package.

    Args:
        package: the package's name.
        parts: the file's path inside the package, part by part.

    Raises:
        UserError: the package is not installed.
    """
    module = importlib.util.find_spec(package)
    if module is None or module.origin is None:
        raise UserError(f"package {package!r} is not installed: run `pip install {package}`")
    return str(Path(module.origin).parent.joinpath(*parts))


def field_slices(sizes: Sequence[tuple[str, int]]) -> dict[str, slice]:
    """Names the parts of a flat vector.

    Args:
        sizes: (name, length) of each part, in order.

    Returns:
        The slice of each part, by name.
    """
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
    **options: Any,
) -> Spec:
    """Builds a `Spec` from the fields of the observation.

    Args:
        sizes: (name, length) of each field of the observation, in order.
        action_size: length of an action, or the number of choices.
        horizon: steps until the time limit.
        goal: the goal's fields, for a task with goals.
        options: further fields of `Spec`.
    """
    fields = field_slices(sizes)
    return Spec(sum(n for _, n in sizes), action_size, horizon, fields, goal, **options)


def scalar(x: float) -> jax.Array:
    """Returns a number as a float32 array of shape []."""
    return jnp.asarray(x, jnp.float32)


def keep_wrapper_fields(old: EnvState, new: EnvState) -> EnvState:
    """Adds to a new state the entries that wrappers keep in `info` and `metrics` of the old one.

    Args:
        old: the state before a step.
        new: the state after it, without those entries; its own entries take precedence.
    """
    return new.replace(info=old.info | new.info, metrics=old.metrics | new.metrics)


class BaseEnv:
    """The name and the sizes of an environment, with the properties that Brax's wrappers use.

    Args:
        name: the task's name.
        spec: the description of the task.
        engine: the name of the physics engine; "none" for a task without physics.
    """

    def __init__(self, name: str, spec: Spec, engine: str):
        self.name, self.spec, self.engine = name, spec, engine
        # An action a here is action_offset + action_scale * a in the original environment.
        self.action_scale: Any = 1.0
        self.action_offset: Any = 0.0

    @property
    def observation_size(self) -> int:
        """O, the length of an observation."""
        return self.spec.obs_size

    @property
    def action_size(self) -> int:
        """A, the length of an action, or the number of choices."""
        return self.spec.action_size

    @property
    def backend(self) -> str:
        """The name of the physics engine."""
        return self.engine

    @property
    def unwrapped(self):
        """The environment itself."""
        return self


class PhysicsEnv(BaseEnv, ABC):
    """An environment that steps a MuJoCo model; `dt` is the duration of its step, in seconds.

    Args:
        name: the task's name.
        spec: the description of the task.
        physics: the engine with the model.
        substeps: steps of the model in a step of the environment.
    """

    def __init__(self, name: str, spec: Spec, physics: Engine, substeps: int):
        super().__init__(name, spec, physics.name)
        self.physics = physics
        self.dt = substeps * physics.model.opt.timestep

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [nq + nv (+ G)] of a state: qpos, qvel and the desired goal, if any."""
        physics_state = state.pipeline_state
        goal = [state.info["goal"]] if self.spec.goal else []
        return jnp.concatenate([physics_state.qpos, physics_state.qvel, *goal])

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a given pose, at the start of an episode.

        The engine's `carry` (rounding errors, warm starts) and contact forces are not part of a
        pose, and are those after a reset.

        Args:
            pose: [nq + nv (+ G)], as `pose` returns it.
        """
        nq = self.physics.model.nq
        qpos, qvel, goal = jnp.split(pose, (nq, nq + self.physics.model.nv))
        return self._observe(self.physics.reset(qpos, qvel), goal)

    @property
    def actuated(self) -> np.ndarray:
        """[nq + nv (+ G)] bool: positions and velocities of hinges and slides that are driven."""
        model = self.physics.model
        qpos, qvel = np.zeros(model.nq, bool), np.zeros(model.nv, bool)
        joints = self._driven_joints()
        qpos[model.jnt_qposadr[joints]] = True
        qvel[model.jnt_dofadr[joints]] = True
        goal = self.spec.goal
        field = slice(0, 0) if goal is None else self.spec.fields[goal.desired]
        return np.concatenate([qpos, qvel, np.zeros(field.stop - field.start, bool)])

    def _driven_joints(self) -> np.ndarray:
        """The hinges and slides of the model that actuators drive."""
        model = self.physics.model
        joints = model.actuator_trnid[model.actuator_trntype == mujoco.mjtTrn.mjTRN_JOINT, 0]
        single = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
        return joints[np.isin(model.jnt_type[joints], single)]

    @abstractmethod
    def _observe(self, state: PhysicsState, desired: jax.Array) -> EnvState:
        """Builds the environment's state; `desired` [G] is the goal, of length 0 without goals."""
