"""IQL: the value is an upper expectile over the data's actions, and it weighs what is cloned.

Source: Kostrikov et al. 2022 (arXiv:2110.06169), equations 5 to 7, with the settings of the
official code for locomotion.

Different from the source: observations are standardised, kernels begin from LeCun's normal
distribution (`initial_weights=orthogonal` is the official code's), and rewards are not scaled by a
smaller range of returns than their mean.

Use it when data have rewards and their good parts come from different episodes.

Sensitive to: `expectile`, `temperature`, and the scale of rewards (`data.reward_range`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.common import bellman
from imitbench.algos.common.off_policy import OffPolicyLearner
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.offline import fixed_data
from imitbench.core import distributions, nets, ops, policy_nets
from imitbench.core.config import ADDED_LATER, require, require_choice, require_rate, require_share
from imitbench.core.types import Algorithm, Key, Metrics, Params, Spec, Traits, ValueEstimator

TRAITS = Traits(needs_rewards=True, streams=True, version=3)


@dataclass(frozen=True)
class Config:
    """Settings of IQL."""

    data: fixed_data.Config = field(default_factory=lambda: fixed_data.Config(reward_range=1000.0))
    """Settings of minibatches of the data, and the scale of rewards."""
    expectile: float = 0.7
    """The expectile of Q over the data's actions that V learns, between 0 and 1 (tau in the paper);
    0.5 is the mean."""
    temperature: float = 3.0
    """Factor on the advantage in the exponent of the policy's weights, per unit of scaled reward
    (beta in the paper)."""
    max_weight: float = 100.0
    """Bound on those weights."""
    lr: float = 3e-4
    """Adam's learning rate, above 0."""
    lr_decay_steps: int = 0
    """Gradient steps over which the policy's learning rate falls to 0 along a cosine; 0 keeps it
    constant."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of all networks."""
    discount: float = 0.99
    """Discount factor, in [0, 1]."""
    tau: float = 0.005
    """Share of the way that the target critics move towards the critics in each gradient step."""
    initial_weights: nets.Start = field(default="normal", metadata=ADDED_LATER)
    """How the networks begin, see `imitbench.core.nets.Start`; the official code has orthogonal."""

    def __post_init__(self) -> None:
        for name in ("lr", "max_weight"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("temperature", "lr_decay_steps"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require(0 < self.expectile < 1, self, "expectile", "a number between 0 and 1")
        require_share(self, "discount")
        require_rate(self, "tau")
        require_choice(self, "initial_weights", nets.Start)


class Networks(NamedTuple):
    """IQL's networks."""

    policy: policy_nets.PolicyNet  # a Gaussian with one log_std for all observations
    critics: nets.CriticNet  # two
    value: nets.ValueNet


class State(struct.PyTreeNode):
    """`params` holds "policy", "critics" and "value"; `opt_state` has Adam's state of each."""

    params: dict[str, Params]
    target: Params  # of the critics
    opt_state: dict[str, Any]


def value_loss(
    networks: Networks, expectile: float, params: Params, obs: jax.Array, q: jax.Array
) -> tuple[jax.Array, Metrics]:
    """The expectile regression of equation 5: |expectile - 1(u < 0)| u^2 with u = Q - V(s).

    Args:
        networks: the value.
        expectile: between 0 and 1.
        params: of the value.
        obs: [N, O].
        q: values [N] of the data's actions.

    Returns:
        The loss [], and metrics; "advantage" is the mean of u.
    """
    error = q - networks.value.apply(params, obs)
    weight = jnp.where(error > 0, expectile, 1.0 - expectile)
    loss = jnp.mean(weight * error**2)
    return loss, {"value_loss": loss, "advantage": jnp.mean(error)}


def policy_loss(
    networks: Networks,
    temperature: float,
    max_weight: float,
    params: Params,
    rows: Experience,
    advantage: jax.Array,
) -> tuple[jax.Array, Metrics]:
    """Minus equation 7: log pi(a | s) weighted by min(exp(temperature * advantage), max_weight).

    Args:
        networks: the policy.
        temperature: beta in the paper, 0 or more.
        max_weight: the bound.
        params: of the policy.
        rows: steps [N] of the data.
        advantage: Q - V [N], a constant.
    """
    dist = networks.policy.apply(params, rows.obs)
    assert isinstance(dist, distributions.Gaussian)
    weight = jnp.minimum(jnp.exp(temperature * advantage), max_weight)
    loss = -jnp.mean(weight * dist.log_prob(rows.action))
    return loss, {"policy_loss": loss, "weight": jnp.mean(weight)}


def learner(config: Config, spec: Spec) -> OffPolicyLearner:
    """IQL without the source of its steps."""
    start = config.initial_weights
    networks = Networks(
        policy_nets.policy(spec, config.hidden, "shared", start=start),
        nets.critics(spec, config.hidden, 2, start),
        nets.value(spec, config.hidden, start=start),
    )
    fit_value = partial(value_loss, networks, config.expectile)
    fit_policy = partial(policy_loss, networks, config.temperature, config.max_weight)
    fit_critics = partial(bellman.critic_loss, networks.critics, 1.0)
    opt = optax.adam(config.lr)
    policy_opt = optax.adam(ops.cosine_learning_rate(config.lr, config.lr_decay_steps))
    opts = {"policy": policy_opt, "critics": opt, "value": opt}

    def init(key: Key) -> State:
        k_policy, k_critics, k_value = jax.random.split(key, 3)
        params = {
            "policy": networks.policy.init(k_policy),
            "critics": networks.critics.init(k_critics),
            "value": networks.value.init(k_value),
        }
        return State(params, params["critics"], {k: opts[k].init(v) for k, v in params.items()})

    def learn(key: Key, state: State, rows: Experience) -> tuple[State, Metrics]:
        optimiser = ops.Optimiser(opts, state.params, state.opt_state)
        q = jnp.min(networks.critics.apply(state.target, rows.obs, rows.action), axis=0)
        optimiser.step("value", fit_value, rows.obs, q)
        value = optimiser.params["value"]
        advantage = q - networks.value.apply(value, rows.obs)
        optimiser.step("policy", fit_policy, rows, advantage)
        next_value = networks.value.apply(value, rows.next_obs)
        target = bellman.bootstrapped_target(rows, next_value, config.discount)  # equation 6
        optimiser.step("critics", fit_critics, rows, target)
        target_params = ops.polyak(state.target, optimiser.params["critics"], config.tau)
        return State(optimiser.params, target_params, optimiser.opt_state), optimiser.metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.policy.apply(state.params["policy"], obs).mode

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.value.apply(state.params["value"], obs)

    return OffPolicyLearner(init, learn, act, act, ValueEstimator(value, config.discount))


def make(config: Config, spec: Spec) -> Algorithm:
    """IQL on the demonstrations' rewards. The state is a `fixed_data.State` whose `learner` is a
    `State`."""
    return fixed_data.make(config.data, spec, learner(config, spec))
