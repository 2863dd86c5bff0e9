"""Rows of experience: minibatches, and a store of fixed capacity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core.streamed import fetch
from imitbench.core.types import Key, Spec, Transition


def take(rows: Any, index: jax.Array) -> Any:
    """Selects rows by index; streamed rows are read.

    Args:
        rows: pytree with leaves [N, ...].
        index: [...] integers in [0, N).

    Returns:
        The same pytree with leaves [*index.shape, ...].
    """
    return fetch(select(rows, index))


def select(rows: Any, index: jax.Array) -> Any:
    """Selects rows by index, as `take` does; but streamed rows stay where they are."""
    return jax.tree.map(lambda x: x[index], rows)


class EpisodeRows(NamedTuple):
    """Where the rows [N] of whole episodes are in their episodes."""

    t: jax.Array  # [N] int32: the steps of the episode before this one
    rest: jax.Array  # [N] int32: the steps of the episode after this one
    episode: jax.Array  # [N] int32: the number of the episode
    count: jax.Array  # [] int32: the number of episodes
    used: jax.Array  # [] int32: the rows of all episodes; the others fill up a shorter seed


def find_episodes(demos: Transition) -> EpisodeRows:
    """Finds the episodes in rows.

    Args:
        demos: rows [N], whole episodes one after the other, whose last steps are terminated or
            truncated. Rows of weight 0 may follow.

    Returns:
        The place of each row; rows after the last episode count as one more.
    """
    index = jnp.arange(demos.weight.shape[0])
    last = demos.terminated | demos.truncated
    used = jnp.max(jnp.where(last | (demos.weight > 0), index + 1, 0), initial=0)
    last = last | (index == used - 1)
    first = jnp.roll(last, 1).at[:1].set(True)
    begin = jax.lax.cummax(jnp.where(first, index, 0))
    end = jax.lax.cummin(jnp.where(last, index, index.size - 1), reverse=True)
    return EpisodeRows(index - begin, end - index, jnp.cumsum(first) - 1, jnp.sum(last), used)


def happened_before(event: jax.Array, places: EpisodeRows) -> jax.Array:
    """Finds the rows that follow an event in their episode.

    Args:
        event: [N] bool, the rows where it happens.
        places: of the rows.

    Returns:
        [N] bool: whether it happened in an earlier row of the same episode.
    """
    earlier = jnp.cumsum(event) - event  # in rows of all episodes
    return earlier > earlier[jnp.arange(event.size) - places.t]


def sample(key: Key, rows: Any, batch: int, size: jax.Array | int | None = None) -> Any:
    """Draws rows uniformly, with replacement.

    Args:
        key: random key.
        rows: pytree with leaves [N, ...].
        batch: number of rows to draw.
        size: draw from the first `size` rows only; by default from all N.

    Returns:
        The same pytree with leaves [batch, ...].
    """
    if size is None:
        size = jax.tree.leaves(rows)[0].shape[0]
    return take(rows, jax.random.randint(key, (batch,), 0, jnp.asarray(size)))


def real_row_sampler(
    rows: Any, weight: jax.Array, order: jax.Array | None = None
) -> Callable[[Key, int], Any]:
    """Builds a function that draws, like `sample`, from the rows of positive weight alone.

    Args:
        rows: pytree with leaves [N, ...].
        weight: [N]; at least one must be above 0. They are counted once, for all draws.
        order: [N], a permutation of the rows: which row a random number stands for. None: as they
            are.

    Returns:
        (key, batch) -> the same pytree with leaves [batch, ...].
    """
    real, count = real_rows(weight if order is None else weight[order])
    if order is not None:
        real = order[real]

    def draw(key: Key, batch: int) -> Any:
        return take(rows, real[jax.random.randint(key, (batch,), 0, count)])

    return draw


def real_rows(weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Lists the rows of positive weight.

    Args:
        weight: [N].

    Returns:
        Their indices in front [N], and their number [].
    """
    real = jnp.nonzero(weight > 0, size=weight.shape[0], fill_value=0)[0]
    return real, jnp.sum(weight > 0)


def no_rows(spec: Spec) -> Transition:
    """Builds empty demonstrations, for a method that learns without any.

    Args:
        spec: the task's sizes.

    Returns:
        Transition with leaves [0, ...].
    """
    obs = jnp.zeros((0, spec.obs_size), spec.obs_dtype)
    action = jnp.zeros((0, spec.action_size))
    if spec.discrete:
        action = jnp.zeros(0, jnp.int32)
    flag, number = jnp.zeros(0, bool), jnp.zeros(0)
    return Transition(obs, action, action, number, obs, flag, flag, flag, number)


class Ring(struct.PyTreeNode):
    """A store of at most C rows, in which new rows overwrite the oldest."""

    rows: Any  # leaves [C, ...]
    written: jax.Array  # [] int32: rows written so far, overwritten ones included

    @property
    def capacity(self) -> int:
        """C, the most rows that the store can hold."""
        return jax.tree.leaves(self.rows)[0].shape[0]

    @property
    def size(self) -> jax.Array:
        """[] int32: the number of filled rows."""
        return jnp.minimum(self.written, self.capacity)

    @property
    def without_successor(self) -> jax.Array:
        """[C] bool: True for those rows of `in_order` that no filled row follows."""
        return jnp.arange(self.capacity) >= self.size - 1

    def in_order(self) -> Any:
        """Returns the rows from the oldest to the newest, then the rows never written.

        Returns:
            Pytree with leaves [C, ...].
        """
        return take(
            self.rows, (self.written - self.size + jnp.arange(self.capacity)) % self.capacity
        )


def ring(like: Any, capacity: int) -> Ring:
    """Builds an empty store.

    Args:
        like: pytree with leaves [N, ...], for the shapes and types of the rows.
        capacity: C, the most rows that the store can hold.
    """
    rows = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape[1:]), x.dtype), like)
    return Ring(rows, jnp.int32(0))


def append(store: Ring, rows: Any) -> Ring:
    """Adds rows to a store.

    Args:
        store: the store, of capacity C.
        rows: pytree with leaves [N, ...], N at most C.

    Returns:
        The store with the new rows.

    Raises:
        ValueError: there are more rows than the store can hold.
    """
    n = jax.tree.leaves(rows)[0].shape[0]
    if n > store.capacity:
        raise ValueError(f"{n} rows do not fit into a ring of {store.capacity}")
    index = (store.written + jnp.arange(n)) % store.capacity
    new = jax.tree.map(lambda old, x: old.at[index].set(x), store.rows, rows)
    return Ring(new, store.written + n)
