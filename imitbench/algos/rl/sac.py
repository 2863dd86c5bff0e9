"""SAC: a stochastic policy learned off-policy for the reward and for its own entropy.

Source: Haarnoja et al. 2018 (arXiv:1812.05905), equations 5, 7 and 18.

Different from the source: the gradient of the temperature is taken with respect to its logarithm,
and the loss weighs the entropy's distance from its target by that logarithm, as the usual
implementations do. Default settings are those of the source; jaxrl (Kostrikov 2021) has half the
target entropy and orthogonal initial kernels.

Use it when actions are continuous, environment steps are costly and the reward is known; it needs
less tuning of exploration than TD3.

Sensitive to: the scale of the rewards, `temperature` with tune=False, `target_entropy`, `lr`,
`replay.grad_steps` per environment step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.common import bellman, off_policy, off_policy_loop
from imitbench.algos.common.bellman import IsAbsorbing, zero_where_absorbing
from imitbench.algos.common.off_policy import OffPolicyLearner
from imitbench.algos.common.replay_buffer import Experience
from imitbench.core import distributions, nets, ops, policy_nets
from imitbench.core.config import ADDED_LATER, require, require_bounds, require_rate, require_share
from imitbench.core.types import Algorithm, Env, Key, Metrics, Params, Spec, Traits

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class Config:
    """Settings of SAC."""

    replay: off_policy.Config = field(default_factory=off_policy.Config)
    """Settings of collecting and replay."""
    lr: float = 3e-4
    """Adam's learning rate for policy, critics and temperature, above 0."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of policy and critics."""
    discount: float = 0.99
    """Discount factor, in [0, 1]."""
    tau: float = 0.005
    """Share of the way that the target critics move towards the critics in each gradient step."""
    temperature: float = 1.0
    """Weight of the entropy at the start (alpha), in reward per nat."""
    tune: bool = True
    """Adapt the temperature towards the target entropy; otherwise it stays as it is."""
    target_entropy: float = field(default=-1.0, metadata=ADDED_LATER)
    """The policy's entropy at which the temperature stays, in nats for each component of the
    action."""
    orthogonal: bool = field(default=False, metadata=ADDED_LATER)
    """Begin with orthogonal kernels instead of LeCun's normal ones."""
    backup_entropy: bool = field(default=True, metadata=ADDED_LATER)
    """Count the entropy of later actions into the critics' targets, as the source does. Without it
    the policy is still held near the target entropy, but values are those of the rewards alone: an
    entropy below 0 is a cost of each step, which can make an early end worthwhile."""
    value_range: tuple[float, ...] = field(default=(), metadata=ADDED_LATER)
    """Bounds (low, high) on the critics' targets; empty for none, as in the source."""

    def __post_init__(self) -> None:
        for name in ("lr", "temperature"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        require_share(self, "discount")
        require_rate(self, "tau")
        require_bounds(self, "value_range")


class Networks(NamedTuple):
    """SAC's networks, and the states in which no action but 0 is possible."""

    policy: policy_nets.PolicyNet  # a Gaussian passed through tanh
    critics: nets.CriticNet
    is_absorbing: IsAbsorbing | None = None


class State(struct.PyTreeNode):
    """`params` holds "policy", "critics" and "log_alpha"; `opt_state` has Adam's state of each."""

    params: Params
    target: Params  # of the critics
    opt_state: dict[str, Any]


def sample_action(
    networks: Networks, key: Key, params: Params, obs: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Actions [N, A] drawn in states [N, O], and their log densities [N] in nats.

    In an absorbing state there is no choice: the action and its log density are 0.
    """
    dist = networks.policy.apply(params, obs)
    assert isinstance(dist, distributions.Squashed)
    action, log_prob = dist.sample_and_log_prob(key)
    if networks.is_absorbing is not None:
        log_prob = jnp.where(networks.is_absorbing(obs), 0.0, log_prob)
    return zero_where_absorbing(networks.is_absorbing, obs, action), log_prob


def critic_target(
    networks: Networks,
    key: Key,
    policy: Params,
    target: Params,
    rows: Experience,
    alpha: jax.Array,
    discount: float,
    value_range: tuple[float, ...] = (),
) -> jax.Array:
    """The target r + discount (min_m Q'_m(s', a') - alpha log pi(a' | s')) [N] of equation 5, for
    a' drawn by the policy.

    Args:
        networks: policy and critics.
        key: of a', which the policy draws in s'.
        policy: parameters of the policy.
        target: parameters of the target critics.
        rows: steps [N].
        alpha: temperature []; 0 leaves the entropy out.
        discount: in [0, 1].
        value_range: bounds (low, high) on the target; empty for none.
    """
    action, log_prob = sample_action(networks, key, policy, rows.next_obs)
    least = jnp.min(networks.critics.apply(target, rows.next_obs, action), axis=0)
    return bellman.bootstrapped_target(rows, least - alpha * log_prob, discount, value_range)


def policy_loss(
    networks: Networks, params: Params, key: Key, obs: jax.Array, critics: Params, alpha: jax.Array
) -> tuple[jax.Array, Metrics]:
    """The mean over states [N, O] of alpha log pi(a | s) - min_m Q_m(s, a), equation 7 with a drawn
    by the policy as in equation 9.

    Returns:
        The loss [] and the metric "entropy" in nats, its mean over the states with a choice.
    """
    action, log_prob = sample_action(networks, key, params, obs)
    least = jnp.min(networks.critics.apply(critics, obs, action), axis=0)
    share_with_choice = 1.0
    if networks.is_absorbing is not None:
        free = jnp.mean(~networks.is_absorbing(obs))
        share_with_choice = jnp.maximum(free, 1.0 / len(obs))
    entropy = -jnp.mean(log_prob) / share_with_choice
    return jnp.mean(alpha * log_prob - least), {"entropy": entropy}


def temperature_loss(
    target_entropy: float, log_alpha: jax.Array, entropy: jax.Array
) -> tuple[jax.Array, Metrics]:
    """log alpha times (entropy - target entropy), both in nats: equation 18 with log alpha in place
    of alpha. Descending it raises the temperature where the entropy is below its target."""
    return log_alpha * (entropy - target_entropy), {}


def learner(
    config: Config, spec: Spec, is_absorbing: IsAbsorbing | None = None
) -> OffPolicyLearner:
    """SAC without the source of its steps.

    Args:
        config: of the gradient steps; `replay` is not used here.
        spec: of the task as the networks see it.
        is_absorbing: states in which the only action is 0; they have no entropy, and the policy
            learns nothing there.
    """
    start: nets.Start = "orthogonal" if config.orthogonal else "normal"
    networks = Networks(
        policy_nets.policy(
            spec,
            config.hidden,
            "squashed",
            log_std_range=(-20, 2),
            out_gain=1.0 if config.orthogonal else None,
            start=start,
        ),
        nets.critics(spec, config.hidden, 2, start),
        is_absorbing,
    )
    opts: dict[str, Any] = dict.fromkeys(("policy", "critics", "log_alpha"), optax.adam(config.lr))
    critic_loss = partial(bellman.critic_loss, networks.critics, 0.5)
    descend_policy = partial(policy_loss, networks)
    descend_temperature = partial(temperature_loss, config.target_entropy * spec.action_size)

    def init(key: Key) -> State:
        k_policy, k_critic = jax.random.split(key)
        params = {
            "policy": networks.policy.init(k_policy),
            "critics": networks.critics.init(k_critic),
            "log_alpha": jnp.log(jnp.float32(config.temperature)),
        }
        opt_state = {k: opts[k].init(v) for k, v in params.items()}
        return State(params, params["critics"], opt_state)

    def learn(key: Key, state: State, rows: Experience) -> tuple[State, Metrics]:
        k_target, k_policy = jax.random.split(key)
        optimiser = ops.Optimiser(opts, state.params, state.opt_state)
        policy, alpha = state.params["policy"], jnp.exp(state.params["log_alpha"])
        counted = alpha if config.backup_entropy else jnp.zeros_like(alpha)
        y = critic_target(
            networks, k_target, policy, state.target, rows, counted, config.discount,
            config.value_range,
        )  # fmt: skip
        optimiser.step("critics", critic_loss, rows, y)
        critics = optimiser.params["critics"]
        optimiser.step("policy", descend_policy, k_policy, rows.obs, critics, alpha)
        if config.tune:
            optimiser.step("log_alpha", descend_temperature, optimiser.metrics["entropy"])
        target = ops.polyak(state.target, critics, config.tau)
        metrics = optimiser.metrics | {"alpha": alpha}
        return State(optimiser.params, target, optimiser.opt_state), metrics

    def explore(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return sample_action(networks, key, state.params["policy"], obs)[0]

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.policy.apply(state.params["policy"], obs).mode

    return OffPolicyLearner(init, learn, explore, act)


def export(config: Config, spec: Spec, state: off_policy.State) -> policy_nets.MLPPolicy:
    """One seed's policy, to be saved alone."""
    return off_policy.export(config.replay, spec, state, state.learner.params["policy"])


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """SAC on the task's reward; with `replay.her` on a task with goals.

    The state is an `off_policy.State` whose `learner` is a `State`.
    """
    return off_policy_loop.make(config.replay, spec, env, learner(config, spec))
