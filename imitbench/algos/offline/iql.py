"""IQL: a value that is an upper expectile over the data's actions, and a policy weighted by it.

Source: Kostrikov et al. 2022 (arXiv:2110.06169), equations 5 to 7; settings of the official code
for locomotion. The policy's standard deviation depends on the state here, there it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.offline import fixed_data
from imitbench.algos.rl import bellman
from imitbench.algos.rl.off_policy import OffPolicyLearner
from imitbench.algos.rl.replay_buffer import Experience
from imitbench.core import distributions, nets, ops, policy_nets
from imitbench.core.config import require, require_share
from imitbench.core.types import Algorithm, Key, Metrics, Params, Spec, Traits, ValueEstimator

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config:
    """Settings of IQL."""

    data: fixed_data.Config = field(default_factory=lambda: fixed_data.Config(reward_range=1000.0))
    """Minibatches."""
    expectile: float = 0.7
    """Which expectile of Q over the data's actions V is (tau in the paper); 0.5 is the mean."""
    temperature: float = 3.0
    """Factor on the advantage in the policy's weights (beta in the paper)."""
    max_weight: float = 100.0
    """Bound on those weights."""
    lr: float = 3e-4
    """Adam's step size."""
    lr_decay_steps: int = 0
    """Gradient steps over which the policy's step size falls to 0 along a cosine; 0: constant."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of all networks."""
    discount: float = 0.99
    """Discount factor."""
    tau: float = 0.005
    """Rate at which the target critics follow."""

    def __post_init__(self) -> None:
        for name in ("lr", "tau", "max_weight"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("temperature", "lr_decay_steps"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require(0 < self.expectile < 1, self, "expectile", "a number between 0 and 1")
        require_share(self, "discount")


class State(struct.PyTreeNode):
    """`params` holds "policy", "critics" and "value", which have Adam's moments in `opt_state`."""

    params: dict[str, Params]
    target: Params  # critics
    opt_state: dict[str, Any]


def learner(config: Config, spec: Spec) -> OffPolicyLearner:
    policy = policy_nets.policy(spec, config.hidden, "gaussian")
    critics = nets.critics(spec, config.hidden, 2)
    critic_loss = partial(bellman.critic_loss, critics, 1.0)
    value = nets.value(spec, config.hidden)
    decay = config.lr_decay_steps
    opt = optax.adam(config.lr)
    policy_opt = optax.adam(optax.cosine_decay_schedule(config.lr, decay)) if decay else opt
    opts = {"policy": policy_opt, "critics": opt, "value": opt}

    def value_loss(params: Params, obs: jax.Array, q: jax.Array) -> tuple[jax.Array, Metrics]:
        """Squared error, weighted by the expectile where q is above and by the rest below."""
        error = q - value.apply(params, obs)
        weight = jnp.where(error > 0, config.expectile, 1.0 - config.expectile)
        loss = jnp.mean(weight * error**2)
        return loss, {"value_loss": loss, "advantage": jnp.mean(error)}

    def policy_loss(
        params: Params, rows: Experience, advantage: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        dist = policy.apply(params, rows.obs)
        assert isinstance(dist, distributions.Gaussian)
        weight = jnp.minimum(jnp.exp(config.temperature * advantage), config.max_weight)
        loss = -jnp.mean(weight * dist.log_prob(rows.action))
        return loss, {"policy_loss": loss, "weight": jnp.mean(weight)}

    def init(key: Key) -> State:
        k_policy, k_critics, k_value = jax.random.split(key, 3)
        params = {
            "policy": policy.init(k_policy),
            "critics": critics.init(k_critics),
            "value": value.init(k_value),
        }
        return State(params, params["critics"], {k: opts[k].init(v) for k, v in params.items()})

    def learn(key: Key, state: State, rows: Experience) -> tuple[State, Metrics]:
        optimiser = ops.Optimiser(opts, state.params, state.opt_state)
        q = jnp.min(critics.apply(state.target, rows.obs, rows.action), axis=0)
        optimiser.step("value", value_loss, rows.obs, q)
        optimiser.step(
            "policy", policy_loss, rows, q - value.apply(optimiser.params["value"], rows.obs)
        )
        after = value.apply(optimiser.params["value"], rows.next_obs)
        target = rows.reward + config.discount * jnp.where(rows.terminated, 0.0, after)
        optimiser.step("critics", critic_loss, rows, target)
        follow = ops.polyak(state.target, optimiser.params["critics"], config.tau)
        return State(optimiser.params, follow, optimiser.opt_state), optimiser.metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return policy.apply(state.params["policy"], obs).mode

    def worth(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return value.apply(state.params["value"], obs)

    return OffPolicyLearner(init, learn, act, act, ValueEstimator(worth, config.discount))


def make(config: Config, spec: Spec) -> Algorithm:
    """IQL on the demonstrations' rewards. State: `_offline.State` around `State`."""
    return fixed_data.make(config.data, spec, learner(config, spec))
