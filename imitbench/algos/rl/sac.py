"""SAC: off-policy learning of a stochastic policy that also maximises its entropy.

Source: Haarnoja et al. 2018 (arXiv:1812.05905), equations 5 to 7 and 18, with the temperature
tuned towards a target entropy of minus the number of action components.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.rl import off_policy, replay_buffer
from imitbench.core import distributions, nets, ops, policy_nets
from imitbench.core.config import require, require_share
from imitbench.core.types import Algorithm, Env, Key, Metrics, Params, Spec, Traits

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class Config:
    """Settings of SAC."""

    replay: off_policy.Config = field(default_factory=off_policy.Config)
    """Collecting and replay."""
    lr: float = 3e-4
    """Adam's step size for policy, critics and temperature."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of policy and critics."""
    discount: float = 0.99
    """Discount factor."""
    tau: float = 0.005
    """Rate at which the target critics follow, in each gradient step."""
    temperature: float = 1.0
    """Initial weight of the entropy (alpha)."""
    tune: bool = True
    """Adapt the temperature; else it stays as it is."""

    def __post_init__(self) -> None:
        for name in ("lr", "tau", "temperature"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        require_share(self, "discount")


class State(struct.PyTreeNode):
    """`params` holds policy, critics and log_alpha; all have Adam's moments in `opt_state`."""

    params: Params
    target: Params
    opt_state: dict[str, Any]


def learner(
    config: Config, spec: Spec, still: replay_buffer.IsAbsorbing | None = None
) -> off_policy.OffPolicyLearner:
    """SAC's gradient steps. `still`: where there is no choice, and so neither entropy nor anything
    for the policy to learn."""
    policy = policy_nets.policy(spec, config.hidden, "squashed", log_std_range=(-20, 2))
    critics = nets.critics(spec, config.hidden, 2)
    critic_loss = replay_buffer.critic_loss(critics, 0.5)
    opts: dict[str, Any] = dict.fromkeys(("policy", "critics", "log_alpha"), optax.adam(config.lr))
    target_entropy = -float(spec.action_size)

    def draw(params: Params, key: Key, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        dist = policy.apply(params, obs)
        assert isinstance(dist, distributions.Squashed)
        action, log_prob = dist.sample_and_log_prob(key)
        if still is not None:
            log_prob = jnp.where(still(obs), 0.0, log_prob)
        return replay_buffer.zero_where_absorbing(still, obs, action), log_prob

    def policy_loss(
        params: Params, key: Key, obs: jax.Array, critic: Params, alpha: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        action, log_prob = draw(params, key, obs)
        q = jnp.min(critics.apply(critic, obs, action), axis=0)
        free = 1.0 if still is None else jnp.maximum(jnp.mean(~still(obs)), 1.0 / len(obs))
        return jnp.mean(alpha * log_prob - q), {"entropy": -jnp.mean(log_prob) / free}

    def alpha_loss(log_alpha: jax.Array, entropy: jax.Array) -> tuple[jax.Array, Metrics]:
        """Falls with log alpha where the entropy is below its target."""
        return log_alpha * (entropy - target_entropy), {}

    def init(key: Key) -> State:
        k_policy, k_critic = jax.random.split(key)
        params = {
            "policy": policy.init(k_policy),
            "critics": critics.init(k_critic),
            "log_alpha": jnp.log(jnp.float32(config.temperature)),
        }
        opt_state = {k: opts[k].init(v) for k, v in params.items()}
        return State(params, params["critics"], opt_state)

    def learn(key: Key, state: State, rows: replay_buffer.Experience) -> tuple[State, Metrics]:
        k_target, k_policy = jax.random.split(key)
        optimiser = ops.Optimiser(opts, state.params, state.opt_state)
        alpha = jnp.exp(optimiser.params["log_alpha"])
        action, log_prob = draw(optimiser.params["policy"], k_target, rows.next_obs)
        after = jnp.min(critics.apply(state.target, rows.next_obs, action), axis=0)
        target = rows.reward + config.discount * jnp.where(
            rows.terminated, 0.0, after - alpha * log_prob
        )
        optimiser.step("critics", critic_loss, rows, target)
        optimiser.step(
            "policy", policy_loss, k_policy, rows.obs, optimiser.params["critics"], alpha
        )
        if config.tune:
            optimiser.step("log_alpha", alpha_loss, optimiser.metrics["entropy"])
        follow = ops.polyak(state.target, optimiser.params["critics"], config.tau)
        return State(optimiser.params, follow, optimiser.opt_state), optimiser.metrics | {
            "alpha": alpha
        }

    def explore(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return draw(state.params["policy"], key, obs)[0]

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return policy.apply(state.params["policy"], obs).mode

    return off_policy.OffPolicyLearner(init, learn, explore, act)


def export(config: Config, spec: Spec, state: off_policy.State) -> policy_nets.MLPPolicy:
    """The policy of one seed, for a file of its own."""
    return off_policy.export(config.replay, spec, state, state.learner.params["policy"])


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """SAC; with `replay.her` on a goal task. State: `_offpolicy.State` around `State`."""
    return off_policy.make(config.replay, spec, env, learner(config, spec))
