"""Sharding: the seeds of a run, in equal shares on the local devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec


def device_count(seeds: int, devices: int) -> int:
    """Returns the largest number of devices, up to `devices`, that divides the number of seeds."""
    return next(n for n in range(min(seeds, devices), 0, -1) if seeds % n == 0)


def single_device(fun: Callable[..., Any], in_axes: Any, out_axes: Any, seeds: int) -> Any:
    """Jits a function of all seeds for one device. The arguments are those of `shard_seeds`."""
    return jax.jit(fun)


def shard_seeds(fun: Callable[..., Any], in_axes: Any, out_axes: Any, seeds: int) -> Any:
    """Jits a function of all seeds for the local devices, each with an equal share of the seeds.

    Seeds do not depend on each other, so nothing passes between the devices.

    Args:
        fun: a function of any number of seeds.
        in_axes: as in `jax.vmap`: 0 where the leaves of an argument have an S axis in front, None
            where they do not.
        out_axes: the same for the results.
        seeds: S. Devices that would have fewer seeds than others stay unused.

    Returns:
        The jitted function.
    """
    number = device_count(seeds, jax.local_device_count())
    if number == 1:
        return jax.jit(fun)
    mesh = Mesh(np.array(jax.local_devices()[:number]), ("seeds",))
    specs = {"in_specs": _partition_specs(in_axes), "out_specs": _partition_specs(out_axes)}
    return jax.jit(jax.shard_map(fun, mesh=mesh, check_vma=False, **specs))


def _partition_specs(axes: Any) -> Any:
    return jax.tree.map(
        lambda axis: PartitionSpec() if axis is None else PartitionSpec("seeds"),
        axes,
        is_leaf=lambda axis: axis is None,
    )


def with_placement(compiled: Any) -> Callable[..., Any]:
    """Wraps a compiled function so that it moves its arguments to the devices where it needs them.

    Arguments from a checkpoint, for example, are on the first device.

    Args:
        compiled: the result of `jax.jit(...).lower(...).compile()`.

    Returns:
        A function of the same arguments.
    """
    if jax.local_device_count() == 1:
        return compiled
    return lambda *args: compiled(*jax.device_put(args, compiled.input_shardings[0]))
