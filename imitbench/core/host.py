"""Host callbacks: numpy functions inside jitted JAX programs.

On a CPU the callback gets views of XLA's own buffers (`buffer_callback`), so nothing is copied and
nothing waits for JAX's thread pool; `pure_callback` would copy its arguments there, and can hang
where all of the pool's threads are in callbacks (jax issue 24255). On other backends
`pure_callback` fetches the arguments from the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import jax
import numpy as np
from jax.experimental.buffer_callback import buffer_callback

Arrays = tuple[np.ndarray, ...]
HostFunction = Callable[[Arrays, Arrays], None]
"""(arguments, results): a numpy function that writes its results into given arrays."""


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
