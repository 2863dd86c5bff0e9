"""Native MuJoCo for tasks that observe more than state and sensors, such as contact forces.

`mujoco.rollout` returns states and sensors alone, so here Python loops over the environments of a
batch and calls `mj_step` and `mj_rnePostConstraint`, as gymnasium does. Both release the
interpreter's lock, so that threads can share a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench.physics.engine import PhysicsState, derived_at_rest, relative_to_root
from imitbench.physics.host import Arrays, HostEngine, Workers, flatten_batch

_S = mujoco.mjtState
_AFTER = _S.mjSTATE_QPOS.value | _S.mjSTATE_QVEL.value | _S.mjSTATE_WARMSTART.value
_BEFORE = _AFTER | _S.mjSTATE_CTRL.value


class DerivedEngine(HostEngine):
    """The full model in MuJoCo C, in double precision, with derived quantities.

    `carry` [nq + 2 nv] holds the rounding errors of qpos and qvel, and the solver's warm start: the
    result of a solver that stops before it has converged (the Humanoid's) depends on its start.

    Args:
        model: a model without sensors and mocap bodies.
        derived: fields of MjData to keep in `PhysicsState.derived`.
        threads: the number of threads that share a batch; by default the available CPUs.
    """

    def __init__(self, model: mujoco.MjModel, derived: Sequence[str], threads: int | None = None):
        super().__init__(model)
        self._shapes = {k: v.shape for k, v in derived_at_rest(model, derived).items()}
        self._lengths = [int(np.prod(s)) for s in self._shapes.values()]
        self._splits = np.cumsum(self._lengths)[:-1]
        self._workers = Workers(model, threads)

    def reset(self, qpos: jax.Array, qvel: jax.Array) -> PhysicsState:
        """Returns the state with given positions and velocities; see `Engine`."""
        (derived,) = self._call(self._start, (sum(self._lengths),), qpos, qvel)
        carry = jnp.zeros(self.model.nq + 2 * self.model.nv)
        return PhysicsState(qpos, qvel, jnp.zeros(0), carry, self._by_name(derived))

    def step(
        self,
        state: PhysicsState,
        ctrl: jax.Array,
        mocap: jax.Array | None = None,
        *,
        substeps: int,
        lagged: bool = False,
    ) -> PhysicsState:
        """Steps the model under a constant control; see `Engine`.

        `lagged` changes nothing: there are no sensors, and derived quantities always lag.
        """
        nq, nv = self.model.nq, self.model.nv

        def body(args: Arrays, outs: Arrays) -> None:
            self._advance(args, outs, substeps)

        sizes = (nq, nv, nq + 2 * nv, sum(self._lengths))
        args = (state.qpos, state.qvel, state.carry, ctrl)
        qpos, qvel, carry, derived = self._call(body, sizes, *args)
        return PhysicsState(qpos, qvel, state.sensordata, carry, self._by_name(derived))

    def _by_name(self, derived: jax.Array) -> dict[str, jax.Array]:
        parts = jnp.split(derived, self._splits)
        return {k: v.reshape(s) for (k, s), v in zip(self._shapes.items(), parts, strict=True)}

    def _start(self, args: Arrays, outs: Arrays) -> None:
        """Host function: (qpos, qvel) -> derived. Forces of earlier episodes are cleared."""
        qpos, qvel = (flatten_batch(a) for a in args)
        derived = flatten_batch(outs[0])

        def start(data: mujoco.MjData, i: int) -> None:
            mujoco.mj_resetData(self.model, data)
            data.qpos[:], data.qvel[:] = qpos[i], qvel[i]
            mujoco.mj_forward(self.model, data)
            self._read_derived(data, derived[i])

        self._workers.for_each(len(qpos), start)

    def _advance(self, args: Arrays, outs: Arrays, substeps: int) -> None:
        """Host function: (qpos, qvel, carry, ctrl) -> (qpos, qvel, carry, derived)."""
        nq, nx = self.model.nq, self.model.nq + self.model.nv
        qpos, qvel, carry, ctrl = (flatten_batch(a) for a in args)
        before = np.concatenate([qpos, qvel, carry[:, nx:], ctrl], axis=1, dtype=np.float64)
        before[:, :nx] += carry[:, :nx]
        after = np.empty((len(qpos), nx + self.model.nv))
        out_qpos, out_qvel, out_carry, derived = (flatten_batch(o) for o in outs)

        def advance(data: mujoco.MjData, i: int) -> None:
            mujoco.mj_setState(self.model, data, before[i], _BEFORE)
            mujoco.mj_step(self.model, data, nstep=substeps)
            mujoco.mj_rnePostConstraint(self.model, data)
            mujoco.mj_getState(self.model, data, after[i], _AFTER)
            self._read_derived(data, derived[i])

        self._workers.for_each(len(qpos), advance)
        out_qpos[:] = after[:, :nq]
        out_qvel[:] = after[:, nq:nx]
        out_carry[:, :nq] = after[:, :nq] - out_qpos
        out_carry[:, nq:nx] = after[:, nq:nx] - out_qvel
        out_carry[:, nx:] = after[:, nx:]

    def _read_derived(self, data: mujoco.MjData, out: np.ndarray) -> None:
        values = [relative_to_root(k, getattr(data, k), data.qpos).ravel() for k in self._shapes]
        np.concatenate(values, out=out, casting="same_kind")
