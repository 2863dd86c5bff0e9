"""MuJoCo C from inside jitted JAX programs (`core.host`), with a state in double precision.

The state is exact: JAX holds qpos and qvel as float32, and `carry` holds their float32 rounding
errors, so that the simulation continues in double precision from step to step.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench.core.host import Arrays, HostFunction, host_call, ignore_overflow
from imitbench.physics.engine import EngineName, PhysicsState
from imitbench.utils.machine import available_cpus

__all__ = ["Arrays", "HostEngine", "Workers", "flatten_batch", "ignore_overflow"]
CHUNKS = 4  # per thread, so that a slow environment does not hold up the rest


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


class Workers:
    """Threads that share a batch of simulations of one model.

    Args:
        model: the model.
        threads: their number; by default the available CPUs.
    """

    def __init__(self, model: mujoco.MjModel, threads: int | None = None):
        self._model = model
        self._threads = available_cpus() if threads is None else threads
        self._pool = ThreadPoolExecutor(self._threads) if self._threads > 1 else None
        self._datas: queue.LifoQueue[mujoco.MjData] = queue.LifoQueue()

    def for_each(self, n: int, function: Callable[[mujoco.MjData, int], None]) -> None:
        """Calls `function(data, i)` for every i < n; an MjData serves one thread at a time."""

        def run(rows: range) -> None:
            try:
                data = self._datas.get_nowait()
            except queue.Empty:
                data = mujoco.MjData(self._model)
            with ignore_overflow():  # numpy's error state belongs to the thread
                for i in rows:
                    function(data, i)
            self._datas.put(data)

        if self._pool is None or n == 1:
            return run(range(n))
        size = -(-n // (CHUNKS * self._threads))
        for _ in self._pool.map(run, [range(i, min(i + size, n)) for i in range(0, n, size)]):
            pass
