"""MuJoCo C from inside jitted JAX programs: `mujoco.rollout` behind a host callback.

On a CPU the callback gets views of XLA's own buffers (`buffer_callback`), so nothing is copied and
nothing waits for JAX's thread pool; `pure_callback` would copy its arguments there and can hang
where all of the pool's threads sit in callbacks (jax issue 24255). On other backends
`pure_callback` fetches the arguments from the device.

The state is exact: JAX sees qpos and qvel as float32, and `carry` [nq + nv] holds what float32
rounded off, so that the simulation goes on in double precision from step to step.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax.experimental.buffer_callback import buffer_callback
from mujoco.rollout import Rollout

from imitbench.physics.engine import EngineName, PhysicsState
from imitbench.utils.machine import available_cpus

Arrays = tuple[np.ndarray, ...]


class _Pools:
    """Thread pools with their MjData. A `Rollout` is not thread safe, so each serves one call at
    a time."""

    def __init__(self, model: mujoco.MjModel, threads: int):
        self._model, self._threads = model, threads
        self._free: queue.LifoQueue[tuple[Rollout, list[mujoco.MjData]]] = queue.LifoQueue()

    def run(
        self, initial: np.ndarray, control: np.ndarray | None, steps: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """initial [n, nq + nv], constant control [n, k] -> states [n, steps, nq + nv], sensors."""
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


class NativeEngine:
    """The full model in MuJoCo C, in double precision, on this machine's CPU cores."""

    name: EngineName = "native"

    def __init__(self, model: mujoco.MjModel, threads: int | None = None):
        """`threads`: size of the pool that shares a batch; by default the CPUs available."""
        self.model = model
        threads = available_cpus() if threads is None else threads
        self._pools = _Pools(model, threads if threads > 1 else 0)
        self._in_place = jax.default_backend() == "cpu"

    def reset(self, qpos: jax.Array, qvel: jax.Array) -> PhysicsState:
        low = jnp.zeros(self.model.nq + self.model.nv)
        if not self.model.nsensordata:
            return PhysicsState(qpos, qvel, jnp.zeros(0), low)
        (sensors,) = self._call(self._sense, (self.model.nsensordata,), qpos, qvel)
        return PhysicsState(qpos, qvel, sensors, low)

    def step(
        self,
        state: PhysicsState,
        ctrl: jax.Array,
        mocap: jax.Array | None = None,
        *,
        substeps: int,
        lagged: bool = False,
    ) -> PhysicsState:
        nq, nv, ns = self.model.nq, self.model.nv, self.model.nsensordata
        pose = [mocap] if mocap is not None else [jnp.zeros(7)] * self.model.nmocap
        control = jnp.concatenate([ctrl, *pose])

        def body(args: Arrays, outs: Arrays) -> None:
            self._simulate(args, outs, substeps, lagged)

        # An empty array has no buffer to hand over.
        sizes = (nq, nv, nq + nv, ns) if ns else (nq, nv, nq + nv)
        out = self._call(body, sizes, state.qpos, state.qvel, state.carry, control)
        qpos, qvel, low = out[:3]
        return PhysicsState(qpos, qvel, out[3] if ns else state.sensordata, low)

    def set_qpos(self, state: PhysicsState, index: Any, value: Any) -> PhysicsState:
        # The low parts of qpos come first in `carry`, so one index serves both.
        return state.replace(
            qpos=state.qpos.at[index].set(value), carry=state.carry.at[index].set(0.0)
        )

    def moved(self, before: PhysicsState, after: PhysicsState) -> jax.Array:
        nq = self.model.nq
        return (after.qpos - before.qpos) + (after.carry[:nq] - before.carry[:nq])

    def _call(
        self, body: Callable[[Arrays, Arrays], None], sizes: tuple[int, ...], *args: jax.Array
    ) -> list[jax.Array]:
        results = tuple(jax.ShapeDtypeStruct((k,), jnp.float32) for k in sizes)
        return list(_host_call(body, results, in_place=self._in_place)(*args))

    def _sense(self, args: Arrays, outs: Arrays) -> None:
        """Sensors of qpos, qvel: one step reads those of the state it starts from."""
        initial = np.concatenate([flat(a) for a in args], axis=1, dtype=np.float64)
        flat(outs[0])[:] = self._pools.run(initial, None, 1)[1][:, 0]

    def _simulate(self, args: Arrays, outs: Arrays, substeps: int, lagged: bool) -> None:
        """numpy only. args: qpos, qvel, low, control; outs: qpos, qvel, low, and sensors if any."""
        nq = self.model.nq
        qpos, qvel, low, control = (flat(a) for a in args)
        initial = np.concatenate([qpos, qvel], axis=1, dtype=np.float64) + low
        states = self._pools.run(initial, control, substeps)[0]
        final = states[:, -1]
        out_qpos, out_qvel, out_low = (flat(o) for o in outs[:3])
        out_qpos[:] = final[:, :nq]
        out_qvel[:] = final[:, nq:]
        out_low[:, :nq] = final[:, :nq] - out_qpos
        out_low[:, nq:] = final[:, nq:] - out_qvel
        if len(outs) > 3:
            positions = (states[:, -2] if substeps > 1 else initial) if lagged else final
            self._sense((positions[:, :nq], final[:, nq:]), outs[3:])


def quiet() -> np.errstate:
    """A state that explodes may be too large for float32: whoever reads it decides."""
    return np.errstate(over="ignore", invalid="ignore")


def flat(x: np.ndarray) -> np.ndarray:
    """[..., k] -> [n, k], a view."""
    return x.reshape(-1, x.shape[-1])


def _host_call(
    body: Callable[[Arrays, Arrays], None],
    results: tuple[jax.ShapeDtypeStruct, ...],
    *,
    in_place: bool,
) -> Callable[..., Any]:
    """`body(args, outs)` on the host, on numpy arrays with all vmapped axes in front."""
    if in_place:

        def on_buffers(context: Any, outs: Any, *args: Any) -> None:
            with quiet():
                body(tuple(np.asarray(a) for a in args), tuple(np.asarray(o) for o in outs))

        return buffer_callback(on_buffers, results, vmap_method="broadcast_all")

    def on_copies(*args: Any) -> Arrays:
        arrays = tuple(np.asarray(a) for a in args)
        lead = arrays[0].shape[:-1]
        outs = tuple(np.empty((*lead, *r.shape), r.dtype) for r in results)
        with quiet():
            body(arrays, outs)
        return outs

    return lambda *args: cast(
        Any, jax.pure_callback(on_copies, results, *args, vmap_method="broadcast_all")
    )
