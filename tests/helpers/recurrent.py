"""A toy method whose policy remembers: its first observation, and how often it has acted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.algos.common.off_policy import reject_discrete
from imitbench.core.types import Actor, Algorithm, Cost, EnvState, Key, Spec, Transition


@dataclass(frozen=True)
class Config:
    """Settings of the toy method."""

    rate: float = 0.1
    """Standard deviation of the change of its one parameter in an update."""


def counter(scale: Any = 1.0, size: int | None = None) -> Actor:
    """Remembers the first observation [B, O] and how often it has acted [B]; both make its
    action, of `size` components (by default as many as the observation has)."""

    def start(key: Key, state: EnvState) -> tuple[jax.Array, jax.Array]:
        return state.obs, jnp.zeros(state.obs.shape[0])

    def act(key: Key, memory: Any, state: EnvState) -> tuple[jax.Array, Any]:
        first, count = memory
        return scale * (0.1 * first[:, :size] + 0.05 * count[:, None]), (first, count + 1)

    return Actor(start, act)


def make(config: Config, spec: Spec) -> Algorithm:
    """The toy method; its state is the counter's scale []."""
    reject_discrete(spec)

    def init(key: Key, demos: Transition) -> jax.Array:
        return jax.random.uniform(key)

    def update(key: Key, state: jax.Array, demos: Transition) -> tuple[jax.Array, Any]:
        return state + config.rate * jax.random.normal(key), {"scale": state}

    def act(key: Key, state: jax.Array, obs: jax.Array) -> jax.Array:
        raise AssertionError("a method with an actor acts by it alone")

    return Algorithm(
        init, update, act, Cost(grad_steps=1), lambda state: counter(state, spec.action_size)
    )
