"""The choice of an engine, and models loaded into it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import get_args

import jax
import mujoco

from imitbench.physics.engine import Engine, EngineChoice, EngineName
from imitbench.utils.errors import UserError

log = logging.getLogger("imitbench")

ENGINES: tuple[str, ...] = get_args(EngineChoice)


def choose(engine: str) -> EngineName:
    """Returns the engine for a request; `auto` is native on a CPU, and MJX on a GPU or TPU.

    Args:
        engine: `auto`, `native` or `mjx`. The log warns of `mjx` on a CPU.

    Raises:
        UserError: the name is unknown.
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
    """Loads a model into an engine.

    Args:
        model: the model. It may not have activations, delays or more than one mocap body.
        engine: the engine's name.
        derived: fields of MjData beside the state, such as `cfrc_ext`, to keep in
            `PhysicsState.derived`; for models without sensors and mocap bodies. Forces are those of
            `mj_rnePostConstraint` after a step, and 0 after a reset. `xpos`, `xipos` and
            `subtree_com` are relative to qpos[:3].

    Returns:
        The engine with the model.

    Raises:
        UserError: the model has a feature that `PhysicsState` does not carry.
    """
    state_size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS)
    if state_size != 1 + model.nq + model.nv or model.nmocap > 1:
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
