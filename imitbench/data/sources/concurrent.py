"""Learning while the data are collected: the "concurrent" data of Fujimoto et al. 2019.

Source: Fujimoto et al. 2019 (arXiv:1812.02900), section 3.1.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core.types import Actor, Algorithm, Key, Metrics, Transition


class ConcurrentState(struct.PyTreeNode):
    """The state of a method that learns while its data are collected."""

    inner: Any  # the state of the method itself
    done: jax.Array  # [] int32: updates done


def make_concurrent(algo: Algorithm, updates: int) -> Algorithm:
    """Builds a method that learns while its data are collected.

    In update i of `updates` (i = 0, 1, ...) only the first share (i + 1) / updates of the rows
    carries weight. `init` sees all rows: the mean and the deviation of the observations are those
    of the whole data.

    Args:
        algo: the method.
        updates: how many updates it will do.

    Returns:
        The same method, with a `ConcurrentState`; `demos` are rows [N, ...] in the order of time.
    """

    def init(key: Key, demos: Transition) -> ConcurrentState:
        return ConcurrentState(algo.init(key, demos), jnp.int32(0))

    def update(
        key: Key, state: ConcurrentState, demos: Transition
    ) -> tuple[ConcurrentState, Metrics]:
        rows = weigh_collected(demos, state.done, updates)
        inner, metrics = algo.update(key, state.inner, rows)
        return ConcurrentState(inner, state.done + 1), metrics

    def act(key: Key, state: ConcurrentState, obs: jax.Array) -> jax.Array:
        return algo.act(key, state.inner, obs)

    def value(key: Key, state: ConcurrentState, obs: jax.Array) -> jax.Array:
        assert algo.value_estimator is not None
        return algo.value_estimator.value(key, state.inner, obs)

    def actor(state: ConcurrentState) -> Actor:
        assert algo.actor is not None
        return algo.actor(state.inner)

    estimator = algo.value_estimator
    return algo._replace(
        init=init,
        update=update,
        act=act,
        actor=None if algo.actor is None else actor,
        value_estimator=None if estimator is None else estimator._replace(value=value),
    )


def weigh_collected(demos: Transition, done: jax.Array, updates: int) -> Transition:
    """Sets the weight of rows to 0 that are not collected yet.

    Args:
        demos: rows [N, ...] in the order of time.
        done: [] updates done before this one.
        updates: how many updates there will be.

    Returns:
        The rows [N, ...]; the first ceil(N (done + 1) / updates) keep their weight.
    """
    total = demos.weight.shape[0]
    collected = jnp.arange(total) < jnp.ceil(total * (done + 1) / updates)
    return demos.replace(weight=jnp.where(collected, demos.weight, 0.0))
