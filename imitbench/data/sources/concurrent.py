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


def make_concurrent(algo: Algorithm, updates: int, warmup: int = 0) -> Algorithm:
    """Builds a method that learns while its data are collected.

    It begins when the learner that collects them begins: in update i of `updates` (i = 0, 1, ...)
    only the rows of the warm-up and the first share (i + 1) / updates of the others carry weight.
    `init` sees all rows: where a method standardises observations, it does so by the mean and the
    deviation of the whole data.

    Args:
        algo: the method.
        updates: how many updates it will do.
        warmup: rows that were collected before the first update.

    Returns:
        The same method, with a `ConcurrentState`; `demos` are rows [N, ...] in the order of time.
    """

    def init(key: Key, demos: Transition) -> ConcurrentState:
        return ConcurrentState(algo.init(key, demos), jnp.int32(0))

    def update(
        key: Key, state: ConcurrentState, demos: Transition
    ) -> tuple[ConcurrentState, Metrics]:
        rows = weigh_collected(demos, state.done, updates, warmup)
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


def weigh_collected(
    demos: Transition, done: jax.Array, updates: int, warmup: int = 0
) -> Transition:
    """Sets the weight of rows to 0 that are not collected yet.

    Args:
        demos: rows [N, ...] in the order of time.
        done: [] updates done before this one.
        updates: how many updates there will be.
        warmup: rows W that were collected before the first update; at most N count.

    Returns:
        The rows [N, ...]; the first W + ceil((N - W) (done + 1) / updates) keep their weight.
    """
    total = demos.weight.shape[0]
    before = min(warmup, total)
    # Whole rows of an update and the rest apart, so that no product overflows.
    whole, rest = divmod(total - before, updates)
    collected = before + whole * (done + 1) + jnp.ceil(float(rest) * (done + 1) / updates)
    return demos.replace(weight=jnp.where(jnp.arange(total) < collected, demos.weight, 0.0))
