"""Value and policy of DemoDICE and SMODICE, and what their gradient steps descend."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.inverse import dice_losses
from imitbench.algos.inverse.dice_config import Config
from imitbench.core import distributions, nets, policy_nets
from imitbench.core.types import Metrics, Params, Spec


class Networks(NamedTuple):
    """The value sees the flag of absorbing states; the policy does not."""

    value: nets.ValueNet
    policy: policy_nets.PolicyNet  # a Gaussian whose mean passes through tanh


def networks_of(config: Config, spec: Spec) -> Networks:
    """Builds the networks.

    Where no step terminates, the divergence kl does not depend on a constant in the value, so that
    the gradient of an output bias would be rounding errors alone, which Adam turns into steps of
    full size: there is no bias.
    """
    flagged = replace(spec, obs_size=spec.obs_size + config.absorbing)
    value = nets.value(flagged, config.hidden)
    if config.divergence == "kl":
        value = without_bias(value, f"Dense_{len(config.hidden)}")
    return Networks(value, policy_nets.policy(spec, config.hidden, "gaussian"))


def without_bias(value: nets.ValueNet, layer: str) -> nets.ValueNet:
    """A value network whose last layer, of this name, has the bias 0 whatever its parameters."""

    def apply(params: Params, obs: jax.Array) -> jax.Array:
        layers = params["params"]
        last = layers[layer] | {"bias": jnp.zeros_like(layers[layer]["bias"])}
        return value.apply({"params": layers | {layer: last}}, obs)

    return nets.ValueNet(value.init, apply)


def value_loss(
    networks: Networks,
    config: Config,
    params: Params,
    steps: Experience,
    initial: jax.Array,
) -> tuple[jax.Array, Metrics]:
    """`dice_losses.dual_loss` as a function of the value's parameters, with its penalty.

    Args:
        networks: the value.
        config: settings.
        params: of the value.
        steps: [N] of all data, with the discriminator's rewards and observations as the value gets
            them.
        initial: [M, O'] observations in which episodes begin, likewise.

    Returns:
        The loss [] and the metrics "value_loss" (the dual alone) and "advantage".
    """
    value = partial(networks.value.apply, params)
    advantage = dice_losses.advantages(
        steps.reward, value(steps.obs), value(steps.next_obs), steps.terminated, config.discount
    )
    loss = dual = dice_losses.dual_loss(
        config.divergence, config.alpha, config.discount, value(initial), advantage
    )
    if config.value_penalty:
        slope = jax.vmap(jax.grad(lambda x: value(x[None])[0]))(steps.obs)
        loss = loss + config.value_penalty * jnp.mean(jnp.sum(slope**2, axis=-1))
    return loss, {"value_loss": dual, "advantage": jnp.mean(advantage)}


def policy_loss(
    networks: Networks,
    params: Params,
    obs: jax.Array,
    action: jax.Array,
    weight: jax.Array,
    bonus: jax.Array,
) -> tuple[jax.Array, Metrics]:
    """Weighted cloning minus `bonus` [] times the mean entropy.

    Args:
        networks: the policy.
        params: of the policy.
        obs: [N, O] normalised.
        action: [N, A] of the data.
        weight: [N].
        bonus: per nat of entropy, summed over the action's components.

    Returns:
        The loss [] and the metrics "policy_loss" (cloning alone) and "entropy".
    """
    dist = networks.policy.apply(params, obs)
    assert isinstance(dist, distributions.Gaussian)
    loss, metrics = dice_losses.weighted_likelihood(weight, dist.log_prob(action))
    entropy = jnp.mean(dist.entropy())
    return loss - bonus * entropy, metrics | {"entropy": entropy}
