"""Heads that predict one action: by its mean, or by a Gaussian around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.distributions import Gaussian
from imitbench.core.heads.head import Head, network, nothing, squared_error
from imitbench.core.types import Key, Metrics, Params

LOG_STD = (-5.0, 2.0)  # bounds of the Gaussian's log standard deviation


def deterministic(hidden: Sequence[int], seen: int, size: int) -> Head:
    """Regression: the mean action, learned by the squared error.

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
    """
    net = network(hidden, size, seen)

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        return squared_error(net(params, obs), action), {}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        return net(params, obs)

    return Head(net.init, nothing, loss, sample, 1)


def gaussian(hidden: Sequence[int], seen: int, size: int) -> Head:
    """A Gaussian with a mean and a standard deviation for each component, from which it samples.

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
    """
    net = network(hidden, 2 * size, seen)

    def distribution(params: Params, obs: jax.Array) -> Gaussian:
        mean, log_std = jnp.split(net(params, obs), 2, axis=-1)
        return Gaussian(mean, jnp.clip(log_std, *LOG_STD))

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        return -distribution(params, obs).log_prob(action), {}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        return distribution(params, obs).sample(key)

    return Head(net.init, nothing, loss, sample, 1)
