"""Seeds spread over all local devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec


def device_count(seeds: int, devices: int) -> int:
    """The most devices that can have equally many seeds each."""
    return next(n for n in range(min(seeds, devices), 0, -1) if seeds % n == 0)


def single_device(fun: Callable[..., Any], in_axes: Any, out_axes: Any, seeds: int) -> Any:
    """The function compiled for one device."""
    return jax.jit(fun)


def shard_seeds(fun: Callable[..., Any], in_axes: Any, out_axes: Any, seeds: int) -> Any:
    """A function of all seeds compiled for the local devices, each with an equal share of them;
    seeds know nothing of each other, so nothing passes between the devices.

    Args:
        fun: works on any number of seeds.
        in_axes, out_axes: as in `jax.vmap`: 0 where leaves have an S axis in front, None where not.
        seeds: in all; devices that would have fewer than others are left out.
    """
    number = device_count(seeds, jax.local_device_count())
    if number == 1:
        return jax.jit(fun)
    mesh = Mesh(np.array(jax.local_devices()[:number]), ("seeds",))

    def specs(axes: Any) -> Any:
        return jax.tree.map(
            lambda a: PartitionSpec() if a is None else PartitionSpec("seeds"),
            axes,
            is_leaf=lambda a: a is None,
        )

    ways = {"in_specs": specs(in_axes), "out_specs": specs(out_axes)}
    return jax.jit(jax.shard_map(fun, mesh=mesh, check_vma=False, **ways))


def with_placement(compiled: Any) -> Callable[..., Any]:
    """The compiled function, with its arguments (those read from a checkpoint, say) moved to where
    it wants them."""
    if jax.local_device_count() == 1:
        return compiled
    return lambda *args: compiled(*jax.device_put(args, compiled.input_shardings[0]))
