"""TD3's target, losses and exploration noise; DDPG and TD3+BC use them too.

Source: Fujimoto et al. 2018 (arXiv:1802.09477), algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from imitbench.algos.common import bellman
from imitbench.algos.common.bellman import IsAbsorbing, zero_where_absorbing
from imitbench.algos.common.replay_buffer import Experience
from imitbench.core import nets, policy_nets
from imitbench.core.types import Key, Metrics, Params


class Networks(NamedTuple):
    """TD3's networks, and the states in which no action but 0 is possible."""

    policy: policy_nets.PolicyNet  # deterministic
    critics: nets.CriticNet
    is_absorbing: IsAbsorbing | None = None


Value = Callable[[jax.Array, jax.Array], jax.Array]
"""(obs [N, O], action [N, A]) -> values [N]."""
Objective = Callable[[Value, jax.Array, Experience], jax.Array]
"""(first critic, the policy's actions [N, A], rows [N]) -> the policy's loss [], to be made
small."""


def negative_value(value: Value, action: jax.Array, rows: Experience) -> jax.Array:
    """Minus the mean value of the policy's actions; its gradient is the deterministic policy
    gradient of algorithm 1."""
    return -jnp.mean(value(rows.obs, action))


def smoothing_noise(key: Key, shape: tuple[int, ...], std: float, bound: float) -> jax.Array:
    """Gaussian noise for target policy smoothing (section 5.3), clipped to [-bound, bound]."""
    return jnp.clip(std * jax.random.normal(key, shape), -bound, bound)


def critic_target(
    networks: Networks,
    target: dict[str, Params],
    rows: Experience,
    noise: jax.Array | None,
    discount: float,
    value_range: tuple[float, ...] = (),
) -> jax.Array:
    """The critics' target y = r + discount min_m Q'_m(s', a') [N] of algorithm 1.

    Args:
        networks: policy and M critics.
        target: parameters of the target networks, "policy" and "critics".
        rows: steps [N].
        noise: added to the target policy's action to give a' [N, A], clipped to [-1, 1]; None: no
            smoothing. The least of the critics is clipped double Q-learning (section 4.2).
        discount: in [0, 1].
        value_range: bounds (low, high) on the target; empty for none.
    """
    action = networks.policy.apply(target["policy"], rows.next_obs).mode
    if noise is not None:
        action = jnp.clip(action + noise, -1.0, 1.0)
    action = zero_where_absorbing(networks.is_absorbing, rows.next_obs, action)
    next_value = jnp.min(networks.critics.apply(target["critics"], rows.next_obs, action), axis=0)
    return bellman.bootstrapped_target(rows, next_value, discount, value_range)


def policy_loss(
    networks: Networks,
    objective: Objective,
    action_l2: float,
    params: Params,
    rows: Experience,
    critics: Params,
) -> tuple[jax.Array, Metrics]:
    """The objective of the policy's actions under the first critic, plus `action_l2` times their
    mean square.

    Args:
        networks: policy and critics.
        objective: the loss [] of actions, such as `negative_value`.
        action_l2: weight of the mean squared action.
        params: of the policy.
        rows: steps [N].
        critics: parameters of the critics.
    """
    action = networks.policy.apply(params, rows.obs).mode
    action = zero_where_absorbing(networks.is_absorbing, rows.obs, action)

    def value(obs: jax.Array, action: jax.Array) -> jax.Array:
        return networks.critics.apply(critics[:1], obs, action)[0]

    loss = objective(value, action, rows)
    loss = loss + action_l2 * jnp.mean(action**2)
    return loss, {"policy_loss": loss}


def noisy_action(key: Key, action: jax.Array, noise: float, uniform: float) -> jax.Array:
    """An action [..., A] for exploration.

    Args:
        key: of the draws.
        action: the policy's, [..., A] in [-1, 1].
        noise: standard deviation of the Gaussian noise; the sum is clipped to [-1, 1].
        uniform: probability that a uniformly random action takes its place.
    """
    k_noise, k_coin, k_uniform = jax.random.split(key, 3)
    noisy = action + noise * jax.random.normal(k_noise, action.shape)
    random_action = jax.random.uniform(k_uniform, action.shape, minval=-1.0, maxval=1.0)
    coin = jax.random.bernoulli(k_coin, uniform, (*action.shape[:-1], 1))
    return jnp.where(coin, random_action, jnp.clip(noisy, -1.0, 1.0))
