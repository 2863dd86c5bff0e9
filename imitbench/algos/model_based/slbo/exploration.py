"""Ornstein-Uhlenbeck noise on the actions of a policy."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core.types import Actor, EnvState, Key, Policy


def noisy(policy: Policy, action_size: int, std: float, decay: float) -> Actor:
    """Builds an actor whose actions have noise that wanders from step to step: x <- x - decay x +
    std n, with n standard normal. It is 0 before the first step of an episode.

    Args:
        policy: (key, obs [B, O]) -> action [B, A].
        action_size: A.
        std: of n, in units of the action; 0 for no noise.
        decay: the share of the noise that is lost in a step, in [0, 1].

    Returns:
        An actor whose memory is the noise x [B, A]. Its actions may leave [-1, 1].
    """

    def start(key: Key, state: EnvState) -> jax.Array:
        return jnp.zeros((state.obs.shape[0], action_size))

    def act(key: Key, noise: jax.Array, state: EnvState) -> tuple[jax.Array, jax.Array]:
        k_policy, k_noise = jax.random.split(key)
        noise = noise - decay * noise + std * jax.random.normal(k_noise, noise.shape)
        return policy(k_policy, state.obs) + noise, noise

    return Actor(start, act)
