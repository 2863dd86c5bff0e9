"""MJX, the JAX port of MuJoCo: the engine for GPUs and TPUs; it also runs on a CPU, slowly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
from mujoco import mjx

from imitbench.physics.engine import EngineName, PhysicsState, relative_to_root


class MjxEngine:
    """A model in MJX (`impl="jax"`), in float32. `carry` is the solver's warm start [nv].

    Args:
        model: the model.
        derived: fields of MjData to keep in `PhysicsState.derived`.
    """

    name: EngineName = "mjx"

    def __init__(self, model: mujoco.MjModel, derived: Sequence[str] = ()):
        self.model = model
        self._names = tuple(derived)
        self._mx = mjx.put_model(model, impl="jax")
        self._blank = mjx.make_data(model, impl="jax")

    def reset(self, qpos: jax.Array, qvel: jax.Array) -> PhysicsState:
        """Returns the state with given positions and velocities; see `Engine`."""
        data = self._blank.replace(qpos=qpos, qvel=qvel)
        sensors, carry = self._sensors(data), jnp.zeros(self.model.nv)
        if self._names:
            for stage in (mjx.kinematics, mjx.com_pos, mjx.com_vel):
                data = stage(self._mx, data)
        return PhysicsState(qpos, qvel, sensors, carry, self._derived(data))

    def step(
        self,
        state: PhysicsState,
        ctrl: jax.Array,
        mocap: jax.Array | None = None,
        *,
        substeps: int,
        lagged: bool = False,
    ) -> PhysicsState:
        """Steps the model under a constant control; see `Engine`."""
        data = self._blank.replace(
            qpos=state.qpos, qvel=state.qvel, qacc_warmstart=state.carry, ctrl=ctrl
        )
        if mocap is not None:
            data = data.replace(mocap_pos=mocap[None, :3], mocap_quat=mocap[None, 3:])
        # A scan: compile time grows with the number of inlined steps.
        (data, before), _ = jax.lax.scan(
            lambda c, _: ((mjx.step(self._mx, c[0]), c[0].qpos), None),
            (data, data.qpos),
            None,
            substeps,
        )
        observed = data.replace(qpos=before) if lagged else data
        sensors, carry = self._sensors(observed), data.qacc_warmstart
        if "cfrc_ext" in self._names:
            data = mjx.rne_postconstraint(self._mx, data)
        return PhysicsState(data.qpos, data.qvel, sensors, carry, self._derived(data))

    def set_qpos(self, state: PhysicsState, index: Any, value: Any) -> PhysicsState:
        """Overwrites positions; see `Engine`."""
        return state.replace(qpos=state.qpos.at[index].set(value))

    def displacement(self, before: PhysicsState, after: PhysicsState) -> jax.Array:
        """Returns qpos after minus qpos before [nq]; see `Engine`."""
        return after.qpos - before.qpos

    def _derived(self, data: mjx.Data) -> dict[str, jax.Array]:
        public = mjx.Data.__dataclass_fields__  # the others belong to the implementation
        values = {k: getattr(data if k in public else data._impl, k) for k in self._names}
        return {k: relative_to_root(k, v, data.qpos) for k, v in values.items()}

    def _sensors(self, data: mjx.Data) -> jax.Array:
        """Computes the sensors of qpos and qvel: positions and velocities alone, without contacts
        and solver."""
        if not self.model.nsensordata:
            return data.sensordata
        for stage in (mjx.kinematics, mjx.com_pos, mjx.com_vel, mjx.sensor_pos, mjx.sensor_vel):
            data = stage(self._mx, data)
        return data.sensordata
