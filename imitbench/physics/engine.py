"""The protocol of physics engines, their state, and the derived quantities that tasks observe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import jax
import mujoco
import numpy as np
from flax import struct

EngineName = Literal["native", "mjx"]
EngineChoice = Literal["auto", "native", "mjx"]


class PhysicsState(struct.PyTreeNode):
    """The state of one simulated model, with its sensors."""

    qpos: jax.Array  # [nq] float32
    qvel: jax.Array  # [nv] float32
    sensordata: jax.Array  # [nsensordata]; of this state unless it was stepped with `lagged`
    carry: Any  # private to the engine, see its class
    # The quantities that `load` was called with, after the last substep. With a Runge-Kutta
    # integrator they are those of its last stage, not quite of the state. Shapes as in MjData.
    derived: dict[str, jax.Array] = struct.field(default_factory=dict)


class Engine(Protocol):
    """Steps one model. All functions take a single state, and batch under `jax.vmap`."""

    @property
    def name(self) -> EngineName:
        """The engine's name."""
        ...

    @property
    def model(self) -> mujoco.MjModel:
        """The model."""
        ...

    def reset(self, qpos: jax.Array, qvel: jax.Array) -> PhysicsState:
        """Returns the state at time 0 with given positions and velocities.

        Args:
            qpos: [nq].
            qvel: [nv].

        Returns:
            The state, with the sensors of these positions and velocities.
        """
        ...

    def step(
        self,
        state: PhysicsState,
        ctrl: jax.Array,
        mocap: jax.Array | None = None,
        *,
        substeps: int,
        lagged: bool = False,
    ) -> PhysicsState:
        """Steps the model under a constant control.

        Args:
            state: the state before.
            ctrl: [nu].
            mocap: [7] pose of the mocap body: position in m, quaternion wxyz. By default zeros.
            substeps: the number of steps of the model.
            lagged: read the sensors as a program does that calls no `mj_forward` after `mj_step`:
                positions from before the last substep, and the final qvel seen through them.

        Returns:
            The state after the last substep.
        """
        ...

    def set_qpos(self, state: PhysicsState, index: Any, value: Any) -> PhysicsState:
        """Overwrites positions.

        Args:
            state: the state.
            index: which components of qpos.
            value: their values.

        Returns:
            The state with these positions; its sensors are those of the old ones.
        """
        ...

    def displacement(self, before: PhysicsState, after: PhysicsState) -> jax.Array:
        """Returns qpos after minus qpos before [nq], without float32 rounding where possible.

        Args:
            before: the state before a step.
            after: the state after it.
        """
        ...


# These positions are relative to the root of the model, qpos[:3]: of a robot far from the origin
# float32 would round off the differences that its velocity is computed from.
_POSITIONS = ("xpos", "xipos", "subtree_com")


def relative_to_root(name: str, value: Any, qpos: Any) -> Any:
    """Converts a field of MjData to the form that `PhysicsState.derived` holds.

    Args:
        name: the field's name.
        value: its value, of numpy or JAX; positions in m, [rows, 3].
        qpos: [nq].

    Returns:
        Positions minus qpos[:3]; any other value unchanged.
    """
    return value - qpos[:3] if name in _POSITIONS else value


def derived_at_rest(model: mujoco.MjModel, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Computes derived quantities of a model at rest in its pose `qpos0`.

    Args:
        model: the model.
        names: fields of MjData.

    Returns:
        The quantities by name, float32, as `PhysicsState.derived` holds them.
    """
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    values = {k: relative_to_root(k, getattr(data, k), data.qpos) for k in names}
    return {k: np.asarray(v, np.float32) for k, v in values.items()}
