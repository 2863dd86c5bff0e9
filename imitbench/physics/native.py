"""Native MuJoCo for models whose tasks observe state and sensors alone: `mujoco.rollout`."""

from __future__ import annotations

import queue

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco.rollout import Rollout

from imitbench.physics.engine import PhysicsState
from imitbench.physics.host import Arrays, HostEngine, flatten_batch
from imitbench.utils.machine import available_cpus


class _Pools:
    """Thread pools with their MjData. A `Rollout` is not thread-safe: each serves one call at a
    time."""

    def __init__(self, model: mujoco.MjModel, threads: int):
        self._model, self._threads = model, threads
        self._free: queue.LifoQueue[tuple[Rollout, list[mujoco.MjData]]] = queue.LifoQueue()

    def run(
        self, initial: np.ndarray, control: np.ndarray | None, steps: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Steps a batch of models.

        Args:
            initial: [N, nq + nv] qpos and qvel, float64.
            control: [N, nu (+ 7)], constant over the steps; None for none.
            steps: T, the number of steps.

        Returns:
            The states [N, T, nq + nv] and the sensors [N, T, nsensordata].
        """
        try:
            pool = self._free.get_nowait()
        except queue.Empty:
            datas = [mujoco.MjData(self._model) for _ in range(max(self._threads, 1))]
            pool = Rollout(nthread=self._threads), datas
        rollout, datas = pool
        spec = mujoco.mjtState.mjSTATE_CTRL
        if self._model.nmocap:
            spec |= mujoco.mjtState.mjSTATE_MOCAP_POS | mujoco.mjtState.mjSTATE_MOCAP_QUAT
        n = len(initial)
        if control is not None:
            control = np.repeat(control.astype(np.float64)[:, None], steps, axis=1)
        states, sensors = rollout.rollout(
            [self._model] * n,
            datas,
            np.concatenate([np.zeros((n, 1)), initial], axis=1),  # time, qpos, qvel
            control,
            control_spec=int(spec),
            skip_checks=True,
            nstep=steps,
            state=np.empty((n, steps, 1 + initial.shape[1])),
            sensordata=np.empty((n, steps, self._model.nsensordata)),
        )
        self._free.put(pool)
        return states[:, :, 1:], sensors


class NativeEngine(HostEngine):
    """The full model in MuJoCo C, in double precision, on the CPU cores of this machine.

    `carry` [nq + nv] holds the rounding errors of qpos and qvel.

    Args:
        model: the model.
        threads: size of the thread pool that shares a batch; by default the available CPUs.
    """

    def __init__(self, model: mujoco.MjModel, threads: int | None = None):
        super().__init__(model)
        threads = available_cpus() if threads is None else threads
        self._pools = _Pools(model, threads if threads > 1 else 0)

    def reset(self, qpos: jax.Array, qvel: jax.Array) -> PhysicsState:
        """Returns the state with given positions and velocities; see `Engine`."""
        carry = jnp.zeros(self.model.nq + self.model.nv)
        if not self.model.nsensordata:
            return PhysicsState(qpos, qvel, jnp.zeros(0), carry)
        (sensors,) = self._call(self._read_sensors, (self.model.nsensordata,), qpos, qvel)
        return PhysicsState(qpos, qvel, sensors, carry)

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
        nq, nv, ns = self.model.nq, self.model.nv, self.model.nsensordata
        pose = [mocap] if mocap is not None else [jnp.zeros(7)] * self.model.nmocap
        control = jnp.concatenate([ctrl, *pose])

        def body(args: Arrays, outs: Arrays) -> None:
            self._simulate(args, outs, substeps, lagged)

        # An empty array has no buffer to hand over.
        sizes = (nq, nv, nq + nv, ns) if ns else (nq, nv, nq + nv)
        results = self._call(body, sizes, state.qpos, state.qvel, state.carry, control)
        qpos, qvel, carry = results[:3]
        return PhysicsState(qpos, qvel, results[3] if ns else state.sensordata, carry)

    def _read_sensors(self, args: Arrays, outs: Arrays) -> None:
        """Host function: (qpos, qvel) -> sensors. One step reads those of its initial state."""
        initial = np.concatenate([flatten_batch(a) for a in args], axis=1, dtype=np.float64)
        flatten_batch(outs[0])[:] = self._pools.run(initial, None, 1)[1][:, 0]

    def _simulate(self, args: Arrays, outs: Arrays, substeps: int, lagged: bool) -> None:
        """Host function: (qpos, qvel, carry, control) -> (qpos, qvel, carry), sensors if any."""
        nq = self.model.nq
        qpos, qvel, carry, control = (flatten_batch(a) for a in args)
        initial = np.concatenate([qpos, qvel], axis=1, dtype=np.float64) + carry
        states = self._pools.run(initial, control, substeps)[0]
        final = states[:, -1]
        out_qpos, out_qvel, out_carry = (flatten_batch(o) for o in outs[:3])
        out_qpos[:] = final[:, :nq]
        out_qvel[:] = final[:, nq:]
        out_carry[:, :nq] = final[:, :nq] - out_qpos
        out_carry[:, nq:] = final[:, nq:] - out_qvel
        if len(outs) > 3:
            positions = (states[:, -2] if substeps > 1 else initial) if lagged else final
            self._read_sensors((positions[:, :nq], final[:, nq:]), outs[3:])
