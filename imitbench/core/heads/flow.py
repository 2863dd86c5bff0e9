"""Heads that move a point towards the action: flow matching, and regression in two passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.heads.head import Head, network, nothing, squared_error
from imitbench.core.heads.time_embedding import EMBEDDING, embed
from imitbench.core.types import Key, Metrics, Params

SECOND_TIME = 0.9  # t* of the regression in two passes


def flow(hidden: Sequence[int], seen: int, size: int, sample_steps: int) -> Head:
    """Flow matching (Lipman et al. 2023, arXiv:2210.02747) with straight paths.

    On the line from noise x0 to the action the network learns the velocity, action - x0, at a
    uniformly drawn time. An action is Euler's solution from standard normal noise.

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
        sample_steps: Euler steps when acting.
    """
    net = network(hidden, size, seen, size, EMBEDDING)

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        k_t, k_noise = jax.random.split(key)
        t = jax.random.uniform(k_t, action.shape[:-1])
        noise = jax.random.normal(k_noise, action.shape)
        x = (1.0 - t[..., None]) * noise + t[..., None] * action
        return squared_error(net(params, obs, x, embed(t)), action - noise), {}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        x = jax.random.normal(key, (*obs.shape[:-1], size))

        def step(x: jax.Array, t: jax.Array) -> tuple[jax.Array, None]:
            at = embed(jnp.broadcast_to(t, x.shape[:-1]))
            return x + net(params, obs, x, at) / sample_steps, None

        return jax.lax.scan(step, x, jnp.arange(sample_steps) / sample_steps)[0]

    return Head(net.init, nothing, loss, sample, sample_steps)


def two_pass(hidden: Sequence[int], seen: int, size: int) -> Head:
    """Regression in two passes (MIP; Pan et al. 2026, arXiv:2512.01809): no distribution is
    learned.

    The network f(x, t) predicts the action from nothing, f(0, 0), and restores it from a slightly
    noised one, f(a + (1 - t*) noise, t*) with t* = 0.9. The errors are divided by t* and by 1 - t*,
    so that the second weighs 81 times the first. An action is f(f(0, 0), t*). So does the authors'
    code; the paper writes t* a for the a in the noised action.

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
    """
    net = network(hidden, size, seen, size, EMBEDDING)

    def apply(params: Params, obs: jax.Array, x: jax.Array, t: float) -> jax.Array:
        return net(params, obs, x, embed(jnp.full(x.shape[:-1], t)))

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        noise = jax.random.normal(key, action.shape)
        noised = action + (1.0 - SECOND_TIME) * noise
        first = apply(params, obs, jnp.zeros_like(action), 0.0)
        second = apply(params, obs, noised, SECOND_TIME)
        errors = squared_error(first, action), squared_error(second, action)
        losses = errors[0] / SECOND_TIME**2 + errors[1] / (1.0 - SECOND_TIME) ** 2
        return losses, {"first_error": jnp.mean(errors[0]), "second_error": jnp.mean(errors[1])}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        first = apply(params, obs, jnp.zeros((*obs.shape[:-1], size)), 0.0)
        return apply(params, obs, first, SECOND_TIME)

    return Head(net.init, nothing, loss, sample, 2)
