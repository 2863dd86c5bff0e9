"""The rewards, advantages, weights, targets and losses of WGCSL.

Source: Yang et al. 2022 (arXiv:2202.04478) and its official code.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from imitbench.algos.common import bellman, hindsight
from imitbench.algos.common.replay_buffer import Experience
from imitbench.core import nets, policy_nets
from imitbench.core.types import Metrics, Params, Spec

ROUNDING = 1e-5  # relative difference up to which numbers count as equal


class Networks(NamedTuple):
    """Policy and critic."""

    policy: policy_nets.PolicyNet  # deterministic
    critics: nets.CriticNet  # a single one


class Weights(NamedTuple):
    """The factors of a row's weight, each of which may be left out."""

    discount: float | None  # gamma^k for a goal that is k steps further than the next state
    max_weight: float | None  # bound of exp(A)
    low: float | None  # factor of rows whose advantage is below the threshold


def goal_reward(rows: Experience, spec: Spec) -> jax.Array:
    """Rewards [N] of steps with any goals: 1 where the step reaches the desired goal, else 0."""
    return hindsight.reached(rows.next_obs, spec).astype(jnp.float32)


def state_value(networks: Networks, policy: Params, critics: Params, obs: jax.Array) -> jax.Array:
    """V(s, g) = Q(s, pi(s, g), g) [N] at normalised observations [N, O]."""
    return networks.critics.apply(critics, obs, networks.policy.apply(policy, obs).mode)[0]


def advantages(
    networks: Networks, policy: Params, critics: Params, rows: Experience, discount: float
) -> jax.Array:
    """A = r + discount V(s', g) - V(s, g) [N]: positive where the step is better than the policy.

    Args:
        networks: policy and critic.
        policy: parameters of the policy.
        critics: parameters of the critic.
        rows: steps [N] with normalised observations and the rewards of `goal_reward`.
        discount: in [0, 1).
    """
    next_value = state_value(networks, policy, critics, rows.next_obs)
    target = bellman.bootstrapped_target(rows, next_value, discount)
    return target - state_value(networks, policy, critics, rows.obs)


def row_weights(
    weights: Weights, advantage: jax.Array, offset: jax.Array, threshold: jax.Array
) -> jax.Array:
    """The weights [N] of rows: discount^offset min(exp(A), max_weight) (1 or low).

    Args:
        weights: the factors; None leaves one out.
        advantage: A [N].
        offset: [N] int, steps from the next state to the goal: 0 for the goal that the step itself
            reaches.
        threshold: [] advantages from here on have the factor 1, up to rounding: a percentile is
            often one of the advantages.
    """
    out = jnp.ones_like(advantage)
    if weights.discount is not None:
        out = out * weights.discount**offset
    if weights.max_weight is not None:
        out = out * jnp.minimum(jnp.exp(advantage), weights.max_weight)
    if weights.low is not None:
        slack = ROUNDING * jnp.maximum(1.0, jnp.abs(threshold))
        out = out * jnp.where(advantage >= threshold - slack, 1.0, weights.low)
    return out


def policy_loss(
    networks: Networks, params: Params, rows: Experience, weight: jax.Array
) -> tuple[jax.Array, Metrics]:
    """The mean over rows [N] of weight [N] times the squared error, averaged over components, of
    the policy's actions; weights are not normalised. And the metrics "loss" and "weight"."""
    action = networks.policy.apply(params, rows.obs).mode
    error = jnp.mean((action - rows.action) ** 2, axis=-1)
    loss = jnp.mean(weight * error)
    return loss, {"loss": loss, "weight": jnp.mean(weight)}


def td_target(
    networks: Networks, policy: Params, critics: Params, rows: Experience, discount: float
) -> jax.Array:
    """The critic's targets [N]: r + discount V'(s', g), within the returns that there are.

    Args:
        networks: policy and critic.
        policy: parameters of the target policy.
        critics: parameters of the target critic.
        rows: steps [N] with normalised observations and the rewards of `goal_reward`, which are 0
            or 1, so that returns lie between 0 and 1 / (1 - discount). As in the official code, the
            bound below is minus that above.
        discount: in [0, 1).
    """
    next_value = state_value(networks, policy, critics, rows.next_obs)
    most = 1.0 / (1.0 - discount)
    return bellman.bootstrapped_target(rows, next_value, discount, (-most, most))
