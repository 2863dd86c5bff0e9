"""The two regressions of AWR and RWR: returns, weights and losses.

Source: Peng et al. 2019 (arXiv:1910.00177), algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import distributions, gae, nets, ops
from imitbench.core.streamed import map_rows
from imitbench.core.types import Metrics, Params, Transition


class Steps(struct.PyTreeNode):
    """Steps in the order of time, of B environments [T, B] or of whole episodes [N]."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A] before it was clipped
    reward: jax.Array
    next_obs: jax.Array  # [..., O]
    terminated: jax.Array
    truncated: jax.Array
    weight: jax.Array  # 0 where there is no step


def demo_steps(demos: Transition) -> Steps:
    """Steps [N] of demonstrations; the reward is 0 where there is no step."""
    reward = jnp.where(demos.weight > 0, demos.reward, 0.0)
    ends = demos.terminated, demos.truncated
    return Steps(demos.obs, demos.action, reward, demos.next_obs, *ends, demos.weight)


Normalise = Callable[[jax.Array], jax.Array]
"""Observations [..., O] -> what the networks get."""


def unchanged(obs: jax.Array) -> jax.Array:
    """Observations that are normalised already."""
    return obs


class Networks(NamedTuple):
    """The policy's mean [..., A], and the value times 1 - discount."""

    policy: nets.Function
    value: nets.ValueNet


def action_distribution(
    networks: Networks, std: float, params: Params, obs: jax.Array
) -> distributions.Gaussian:
    """The policy's Gaussian for observations [..., O], with a fixed standard deviation."""
    return distributions.Gaussian(networks.policy.apply(params, obs), jnp.log(jnp.full(1, std)))


def td_lambda_returns(
    networks: Networks,
    discount: float,
    td_lambda: float,
    horizon: int,
    params: Params,
    steps: Steps,
    normalise: Normalise = unchanged,
) -> tuple[jax.Array, jax.Array]:
    """TD(lambda) returns [...] of steps, and values [...], both by the present value network.

    A time limit bootstraps; a termination does not.

    Args:
        networks: policy and value.
        discount: below 1.
        td_lambda: in [0, 1]; 1 takes the observed returns.
        horizon: the task's time limit.
        params: of the value.
        steps: [T, B] or [N].
        normalise: makes the networks' input of observations [..., O].
    """

    def values(obs: jax.Array) -> jax.Array:
        return networks.value.apply(params, normalise(obs)) / (1.0 - discount)

    value, next_value = map_rows(values, steps.obs), map_rows(values, steps.next_obs)
    known = steps.reward, value, next_value, steps.terminated, steps.truncated
    if steps.weight.ndim == 1:
        advantage = gae.row_advantages(*known, discount, td_lambda, horizon)
    else:
        advantage = gae.advantages(*known, discount, td_lambda)
    return advantage + value, value


def advantage_weights(
    advantage: jax.Array,
    real: jax.Array,
    *,
    standardise: bool,
    temperature: float,
    max_weight: float,
) -> tuple[jax.Array, Metrics]:
    """The weights min(exp(A / temperature), max_weight) of algorithm 1, line 6.

    Args:
        advantage: [N], or returns for RWR; higher is better.
        real: [N], above 0 for the rows that count in means and when advantages are standardised.
        standardise: whether A is the advantage with mean 0 and standard deviation 1.
        temperature: above 0 (beta in the paper).
        max_weight: the bound.

    Returns:
        Weights [N]; metrics "weight", their mean, and "clipped", the share at the bound.
    """
    if standardise:
        mean = ops.weighted_mean(advantage, real)
        std = jnp.sqrt(ops.weighted_mean((advantage - mean) ** 2, real))
        advantage = (advantage - mean) / (std + 1e-5)
    weight = jnp.minimum(jnp.exp(advantage / temperature), max_weight)
    clipped = (weight >= max_weight).astype(jnp.float32)
    return weight, {
        "weight": ops.weighted_mean(weight, real),
        "clipped": ops.weighted_mean(clipped, real),
    }


def policy_loss(
    networks: Networks, std: float, bound: float, params: Params, rows: dict[str, jax.Array]
) -> tuple[jax.Array, Metrics]:
    """Minus the weighted log likelihood of algorithm 1, line 6, plus the bound on the mean.

    Args:
        networks: policy and value.
        std: the policy's standard deviation.
        bound: weight of half the squared distance of the mean from [-1, 1].
        params: of the policy.
        rows: obs, action and weight; [N, ...].
    """
    dist = action_distribution(networks, std, params, rows["obs"])
    outside = dist.mode - jnp.clip(dist.mode, -1.0, 1.0)
    bound_loss = 0.5 * jnp.mean(jnp.sum(outside**2, axis=-1))
    loss = -jnp.mean(rows["weight"] * dist.log_prob(rows["action"]))
    metrics = {"policy_loss": loss, "bound_loss": bound_loss}
    return loss + bound * bound_loss, metrics


def value_loss(
    networks: Networks, discount: float, params: Params, rows: dict[str, jax.Array]
) -> tuple[jax.Array, Metrics]:
    """Half the mean squared error of algorithm 1, line 5, on returns times 1 - discount.

    Args:
        networks: policy and value.
        discount: below 1.
        params: of the value.
        rows: obs and return; [N, ...].
    """
    error = networks.value.apply(params, rows["obs"]) - (1.0 - discount) * rows["return"]
    loss = 0.5 * jnp.mean(error**2)
    return loss, {"value_loss": loss}
