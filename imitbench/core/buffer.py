"""Rows of experience: minibatches, and a store of fixed capacity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core.types import Key, Spec, Transition


def take(rows: Any, index: jax.Array) -> Any:
    """Rows of a pytree with leaves [N, ...], by index [...]."""
    return jax.tree.map(lambda x: x[index], rows)


def time_major(rows: Any, horizon: int) -> Any:
    """Rows [K * T, ...] of whole episodes, one after the other, as [T, K, ...]."""
    return jax.tree.map(lambda x: jnp.swapaxes(x.reshape(-1, horizon, *x.shape[1:]), 0, 1), rows)


def sample(key: Key, rows: Any, batch: int, size: jax.Array | int | None = None) -> Any:
    """`batch` rows drawn uniformly, with replacement, from the first `size` (all) of [N] rows."""
    if size is None:
        size = jax.tree.leaves(rows)[0].shape[0]
    return take(rows, jax.random.randint(key, (batch,), 0, jnp.asarray(size)))


def real_row_sampler(rows: Any, weight: jax.Array) -> Callable[[Key, int], Any]:
    """A function (key, batch) that draws as `sample` does, from the rows with `weight` [N] above 0
    alone; there must be some. They are counted here, once for all draws."""
    real = jnp.nonzero(weight > 0, size=weight.shape[0], fill_value=0)[0]
    count = jnp.sum(weight > 0)

    def draw(key: Key, batch: int) -> Any:
        return take(rows, real[jax.random.randint(key, (batch,), 0, count)])

    return draw


def no_rows(spec: Spec) -> Transition:
    """Demonstrations for a method that learns without any: leaves [0, ...]."""
    obs, action = jnp.zeros((0, spec.obs_size)), jnp.zeros((0, spec.action_size))
    if spec.discrete:
        action = jnp.zeros(0, jnp.int32)
    flag, number = jnp.zeros(0, bool), jnp.zeros(0)
    return Transition(obs, action, action, number, obs, flag, flag, flag, number)


class Ring(struct.PyTreeNode):
    """At most C rows; the oldest make room for the newest."""

    rows: Any  # leaves [C, ...]
    written: jax.Array  # [] int32: rows ever written

    @property
    def capacity(self) -> int:
        return jax.tree.leaves(self.rows)[0].shape[0]

    @property
    def size(self) -> jax.Array:
        """[] int32: rows that are filled."""
        return jnp.minimum(self.written, self.capacity)

    @property
    def without_successor(self) -> jax.Array:
        """[C] bool: of the rows in order, those with no written one behind them."""
        return jnp.arange(self.capacity) >= self.size - 1

    def in_order(self) -> Any:
        """The rows [C, ...] from the oldest to the newest; behind them those never written."""
        return take(
            self.rows, (self.written - self.size + jnp.arange(self.capacity)) % self.capacity
        )


def ring(like: Any, capacity: int) -> Ring:
    """An empty ring for rows like those of `like` (leaves [N, ...])."""
    rows = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape[1:]), x.dtype), like)
    return Ring(rows, jnp.int32(0))


def append(store: Ring, rows: Any) -> Ring:
    """Adds rows with leaves [n, ...]; n may not exceed the capacity.

    Raises:
        ValueError: more rows than the ring holds.
    """
    n = jax.tree.leaves(rows)[0].shape[0]
    if n > store.capacity:
        raise ValueError(f"{n} rows do not fit into a ring of {store.capacity}")
    at = (store.written + jnp.arange(n)) % store.capacity
    new = jax.tree.map(lambda old, x: old.at[at].set(x), store.rows, rows)
    return Ring(new, store.written + n)
