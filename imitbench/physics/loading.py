"""Which engine steps a model."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import mujoco

from imitbench.physics.engine import Engine, EngineName, log
from imitbench.utils.errors import UserError

ENGINES = ("auto", "native", "mjx")


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
        from imitbench.physics.native_derived import DerivedEngine

        return DerivedEngine(model, derived)
    from imitbench.physics.native import NativeEngine

    return NativeEngine(model)
