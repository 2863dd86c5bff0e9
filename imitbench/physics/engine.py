"""What an environment may ask of physics, and which engine answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import jax
import mujoco
import numpy as np
from flax import struct

log = logging.getLogger("imitbench")

EngineName = Literal["native", "mjx"]
EngineChoice = Literal["auto", "native", "mjx"]


class PhysicsState(struct.PyTreeNode):
    """State of one simulated model, and the sensors that belong to it."""

    qpos: jax.Array  # [nq] float32
    qvel: jax.Array  # [nv] float32
    sensordata: jax.Array  # [nsensordata]; of this very state unless it was stepped with `lagged`
    carry: Any  # the engine's own: see each engine
    # What was asked of `load`, as the last substep left it: with a Runge-Kutta integrator that is
    # its last stage, not quite the state. Shapes are those of MjData.
    derived: dict[str, jax.Array] = struct.field(default_factory=dict)


class Engine(Protocol):
    """Steps one model. All functions work on single states and batch under `jax.vmap`."""

    @property
    def name(self) -> EngineName: ...
    @property
    def model(self) -> mujoco.MjModel: ...

    def reset(self, qpos: jax.Array, qvel: jax.Array) -> PhysicsState:
        """A state at rest in time, from qpos [nq] and qvel [nv]; sensors are computed."""
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
        """`substeps` steps under constant ctrl [nu] and mocap pose [7] (position, quaternion wxyz).

        `lagged` reads the sensors as a program does that calls no `mj_forward` after `mj_step`:
        positions from before the last substep, and the final qvel seen through those positions.
        """
        ...

    def set_qpos(self, state: PhysicsState, index: Any, value: Any) -> PhysicsState:
        """Overwrites positions; the sensors stay as they are."""
        ...

    def moved(self, before: PhysicsState, after: PhysicsState) -> jax.Array:
        """qpos after minus before [nq], without the rounding of either to float32 where
        possible."""
        ...


# Of a model that floats freely these are given relative to its root, qpos[:3]: far from the origin
# float32 would round off the differences that a velocity is made of.
_POSITIONS = ("xpos", "xipos", "subtree_com")


def relative(name: str, value: Any, qpos: Any) -> Any:
    """A derived quantity as `PhysicsState.derived` holds it, of numpy or JAX arrays."""
    return value - qpos[:3] if name in _POSITIONS else value


def derive(model: mujoco.MjModel, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The derived quantities of the model's own `qpos0` at rest."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    values = {k: relative(k, getattr(data, k), data.qpos) for k in names}
    return {k: np.asarray(v, np.float32) for k, v in values.items()}
