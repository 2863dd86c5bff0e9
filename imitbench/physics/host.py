"""MuJoCo C from inside jitted JAX programs: host callbacks, and a state in double precision.

On a CPU the callback gets views of XLA's own buffers (`buffer_callback`), so nothing is copied and
nothing waits for JAX's thread pool; `pure_callback` would copy its arguments there, and can hang
where all of the pool's threads are in callbacks (jax issue 24255). On other backends
`pure_callback` fetches the arguments from the device.

The state is exact: JAX holds qpos and qvel as float32, and `carry` holds their float32 rounding
errors, so that the simulation continues in double precision from step to step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax.experimental.buffer_callback import buffer_callback

from imitbench.physics.engine import EngineName, PhysicsState

Arrays = tuple[np.ndarray, ...]
HostFunction = Callable[[Arrays, Arrays], None]
"""(arguments, results): a numpy function that writes its results into given arrays."""


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


def host_call(
    body: HostFunction, results: tuple[jax.ShapeDtypeStruct, ...], *, in_place: bool
) -> Callable[..., Any]:
    """Builds a JAX function that runs a numpy function on the host.

    Args:
        body: the numpy function. All vmapped axes of its arrays come first.
        results: shapes and types of the results, without vmapped axes.
        in_place: use XLA's own buffers, which only the CPU backend can.

    Returns:
        A function of JAX arrays that returns a tuple of JAX arrays.
    """
    if in_place:

        def on_buffers(context: Any, outs: Any, *args: Any) -> None:
            with ignore_overflow():
                body(tuple(np.asarray(a) for a in args), tuple(np.asarray(o) for o in outs))

        return buffer_callback(on_buffers, results, vmap_method="broadcast_all")

    def on_copies(*args: Any) -> Arrays:
        arrays = tuple(np.asarray(a) for a in args)
        batch = arrays[0].shape[:-1]
        outs = tuple(np.empty((*batch, *r.shape), r.dtype) for r in results)
        with ignore_overflow():
            body(arrays, outs)
        return outs

    return lambda *args: cast(
        Any, jax.pure_callback(on_copies, results, *args, vmap_method="broadcast_all")
    )


def ignore_overflow() -> np.errstate:
    """Silences numpy's overflow warnings in a `with` block.

    A state that explodes may be too large for float32; the environment decides what to do then.
    """
    return np.errstate(over="ignore", invalid="ignore")


def flatten_batch(x: np.ndarray) -> np.ndarray:
    """Returns a view [N, k] of an array [..., k]."""
    return x.reshape(-1, x.shape[-1])
