"""MuJoCo C from inside jitted JAX programs (`core.host`), with a state in double precision.

The state is exact: JAX holds qpos and qvel as float32, and `carry` holds their float32 rounding
errors, so that the simulation continues in double precision from step to step.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench.core.host import Arrays, HostFunction, host_call, ignore_overflow
from imitbench.physics.engine import EngineName, PhysicsState

__all__ = ["Arrays", "HostEngine", "flatten_batch", "ignore_overflow"]


class HostEngine:
    """The base of the engines that run on the CPU. `carry` begins with the rounding errors of qpos
    and qvel [nq + nv].

    Args:
        model: the model.
    """

    name: EngineName = "native"

    def __init__(self, model: mujoco.MjModel):
        self.model = model
        self._in_place = jax.default_backend() == "cpu"

    def set_qpos(self, state: PhysicsState, index: Any, value: Any) -> PhysicsState:
        """Overwrites positions, and sets their rounding errors to 0; see `Engine`."""
        # The rounding errors of qpos come first in `carry`, so one index serves both.
        return state.replace(
            qpos=state.qpos.at[index].set(value), carry=state.carry.at[index].set(0.0)
        )

    def displacement(self, before: PhysicsState, after: PhysicsState) -> jax.Array:
        """Returns qpos after minus qpos before [nq], without float32 rounding; see `Engine`."""
        nq = self.model.nq
        return (after.qpos - before.qpos) + (after.carry[:nq] - before.carry[:nq])

    def _call(
        self, body: HostFunction, sizes: tuple[int, ...], *args: jax.Array
    ) -> list[jax.Array]:
        """Calls `body` on arguments [k], for results [size]."""
        results = tuple(jax.ShapeDtypeStruct((k,), jnp.float32) for k in sizes)
        return list(host_call(body, results, in_place=self._in_place)(*args))


def flatten_batch(x: np.ndarray) -> np.ndarray:
    """Returns a view [N, k] of an array [..., k]."""
    return x.reshape(-1, x.shape[-1])
