"""Rows that stay on the host, in files of any size: methods fetch minibatches of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from imitbench.core.host import Arrays, host_call

MAP_PART = 2**16  # rows that `map_rows` reads at a time
SUM_PART = 2**27  # bytes that `weighted_sum` reads at a time


class HostArray:
    """An array [M, ...] on the host, usually memory-mapped; it is equal to itself alone.

    Args:
        values: the array; its type must be one that JAX has.
    """

    def __init__(self, values: np.ndarray):
        self.values = values


class StreamedRows(struct.PyTreeNode):
    """Rows [N, ...] of a host array, in place of an array on the device.

    As a pytree it is the index of its rows, so that `jax.tree.map(lambda x: x[index], rows)`
    selects rows without reading any; `fetch` reads them.
    """

    index: jax.Array  # [N] int32
    array: HostArray = struct.field(pytree_node=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the rows."""
        return (*self.index.shape, *self.array.values.shape[1:])

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """The type of the numbers."""
        return self.array.values.dtype


def is_streamed(x: Any) -> bool:
    """Returns whether x is a `StreamedRows`."""
    return isinstance(x, StreamedRows)


def reads_in_place() -> bool:
    """Returns whether the host writes rows into XLA's own buffers."""
    return jax.default_backend() == "cpu"


def fetch(rows: Any) -> Any:
    """Reads streamed rows.

    Args:
        rows: pytree, some of whose nodes may be `StreamedRows`.

    Returns:
        The same pytree with arrays in their place; they are read by one call of the host.
    """
    leaves, structure = jax.tree.flatten(rows, is_leaf=is_streamed)
    streamed = [x for x in leaves if is_streamed(x)]
    if not streamed:
        return rows
    values = [x.array.values for x in streamed]

    def read(indices: Arrays, outs: Arrays) -> None:
        for source, index, out in zip(values, indices, outs, strict=True):
            np.take(source, index, axis=0, out=out, mode="clip")

    flat = [x.index.reshape(-1) for x in streamed]
    results = tuple(
        jax.ShapeDtypeStruct((i.size, *x.shape[1:]), x.dtype)
        for i, x in zip(flat, values, strict=True)
    )
    arrays = iter(host_call(read, results, in_place=reads_in_place())(*flat))
    fetched = [next(arrays).reshape(x.shape) if is_streamed(x) else x for x in leaves]
    return jax.tree.unflatten(structure, fetched)


def map_rows(function: Callable[[Any], Any], rows: Any) -> Any:
    """Applies a function to all rows; part by part where they are streamed.

    Args:
        function: pytree with leaves [n, ...] -> pytree with leaves [n, ...]; a row of the result
            depends on the same row of the argument alone.
        rows: pytree with leaves [N, ...].

    Returns:
        Leaves [N, ...], on the device.
    """
    if not any(map(is_streamed, jax.tree.leaves(rows, is_leaf=is_streamed))):
        return function(rows)
    total = jax.tree.leaves(rows)[0].shape[0]
    size = min(MAP_PART, total)
    parts = jnp.arange(-(-total // size))
    results = jax.lax.map(lambda part: function(_part(rows, part, size)), parts)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[:total], results)


def weighted_sum(
    function: Callable[[jax.Array], jax.Array], rows: Any, weight: jax.Array
) -> jax.Array:
    """Sums a function over the rows of positive weight; part by part where they are many.

    Streamed rows and those of an array are cut into the same parts, so the sums have the same bits.

    Args:
        function: [n, O] -> [n, O].
        rows: [N, O], an array or streamed.
        weight: [N].

    Returns:
        [O] the sum of weight times the function.
    """

    def add_up(rows: jax.Array, weight: jax.Array) -> jax.Array:
        w = weight[:, None]
        return jnp.sum(jnp.where(w > 0, w * function(rows), 0.0), axis=0)

    total, width = rows.shape
    size = max(1, SUM_PART // max(1, width * rows.dtype.itemsize))
    if total <= size:
        return add_up(fetch(rows), weight)

    def add(before: jax.Array, part: jax.Array) -> tuple[jax.Array, None]:
        real = part * size + jnp.arange(size) < total
        weights = jnp.where(real, _part(weight, part, size), 0.0)
        return before + add_up(_part(rows, part, size), weights), None

    return jax.lax.scan(add, jnp.zeros(width), jnp.arange(-(-total // size)))[0]


def _part(rows: Any, part: jax.Array, size: int) -> Any:
    """The rows of a part; the last row fills up the last part."""
    total = jax.tree.leaves(rows)[0].shape[0]
    index = jnp.minimum(part * size + jnp.arange(size), total - 1)
    return fetch(jax.tree.map(lambda x: x[index], rows))
