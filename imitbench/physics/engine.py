"""What an environment may ask of physics, and which engine answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import jax
import mujoco
import numpy as np
from flax import struct

from imitbench.core.types import UserError

log = logging.getLogger("imitbench")

EngineName = Literal["native", "mjx"]
EngineChoice = Literal["auto", "native", "mjx"]
ENGINES = ("auto", "native", "mjx")


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


def choose(engine: str) -> EngineName:
    """The engine that a request means here: `auto` is native on a CPU and MJX on a GPU or TPU.

    Raises:
        UserError: an unknown name.
    """
    backend = jax.default_backend()
    if engine == "auto":
        return "native" if backend == "cpu" else "mjx"
    if engine == "native":
        return "native"
    if engine == "mjx":
        if backend == "cpu":
            log.warning(
                "engine 'mjx' on a CPU: it works, but expect 100 to 1,000 times slower steps"
            )
        return "mjx"
    raise UserError(f"unknown engine {engine!r}: expected one of {', '.join(ENGINES)}")


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


def load(model: mujoco.MjModel, engine: EngineName, derived: Sequence[str] = ()) -> Engine:
    """The model, ready to be stepped by the engine.

    Args:
        derived: fields of MjData beyond the state, such as `cfrc_ext`, to keep in
            `PhysicsState.derived`. Forces are those of `mj_rnePostConstraint` after a step and 0
            after a reset. `xpos`, `xipos` and `subtree_com` are given relative to qpos[:3].

    Raises:
        UserError: a model with features that no task here needs and the state does not carry.
    """
    plain = (
        mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS) == 1 + model.nq + model.nv
    )
    if not plain or model.nmocap > 1:
        raise UserError("models with activations, delays or several mocap bodies are unsupported")
    if derived and (model.nmocap or model.nsensordata):
        raise UserError("derived quantities of models with sensors or mocap are unsupported")
    if engine == "mjx":
        from imitbench.physics.mjx import MjxEngine

        return MjxEngine(model, derived)
    if derived:
        from imitbench.physics.derived import DerivedEngine

        return DerivedEngine(model, derived)
    from imitbench.physics.native import NativeEngine

    return NativeEngine(model)
