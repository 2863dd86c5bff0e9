"""TD3: a deterministic policy learned off-policy from the lesser of two critics.

Source: Fujimoto et al. 2018 (arXiv:1802.09477), algorithm 1.

Different from the source: the networks begin with larger weights, unless `initial_weights` is
"uniform"; any number of critics; targets can be clipped to a range and large actions can be
penalised, as in the code of hindsight experience replay; exploration can replace an action by a
uniformly random one. DDPG is the same code with other settings: see `ddpg`.

Use it when actions are continuous, environment steps are costly and the reward is known.

Sensitive to: `noise` and `uniform` (exploration), `lr`, `replay.grad_steps` per environment step,
`value_range` on tasks with sparse rewards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.common import bellman, off_policy, off_policy_loop
from imitbench.algos.common.bellman import IsAbsorbing
from imitbench.algos.common.off_policy import OffPolicyLearner
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.rl import td3_losses
from imitbench.core import nets, ops, policy_nets
from imitbench.core.config import (
    ADDED_LATER,
    require,
    require_bounds,
    require_choice,
    require_rate,
    require_share,
)
from imitbench.core.types import Algorithm, Env, Key, Metrics, Params, Spec, Traits, ValueEstimator

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class UpdateConfig:
    """Settings of TD3's gradient steps."""

    critics: int = 2
    """Number of critics; the target takes the least of their values."""
    delay: int = 2
    """Critic steps between two steps of the policy and the targets."""
    target_noise: float = 0.2
    """Standard deviation of the noise on the target policy's action, which lies in [-1, 1]."""
    target_noise_clip: float = 0.5
    """Bound on the magnitude of that noise."""
    lr: float = 3e-4
    """Adam's learning rate, above 0."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of policy and critics."""
    discount: float = 0.99
    """Discount factor, in [0, 1]."""
    tau: float = 0.005
    """Share of the way that the targets move towards the networks in each of their steps."""
    action_l2: float = 0.0
    """Weight of the mean squared action in the policy's loss; HER's authors take 1."""
    value_range: tuple[float, ...] = ()
    """Bounds (low, high) to which the critics' targets are clipped; empty for none."""
    policy_start: int = field(default=0, metadata=ADDED_LATER)
    """Critic steps before the policy's first one."""
    max_grad_norm: float = field(default=0.0, metadata=ADDED_LATER)
    """Bound on the norm of the policy's gradient; 0 for none."""
    lr_halving_steps: int = field(default=0, metadata=ADDED_LATER)
    """Steps of the policy after which its learning rate is halved, again and again; 0 keeps it."""
    initial_weights: nets.Start = field(default="normal", metadata=ADDED_LATER)
    """How the networks begin, see `imitbench.core.nets.Start`; the source's code has uniform."""

    def __post_init__(self) -> None:
        for name in ("critics", "delay"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.lr > 0, self, "lr", "a positive number")
        later = ("policy_start", "max_grad_norm", "lr_halving_steps")
        for name in ("target_noise", "target_noise_clip", "action_l2", *later):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "discount")
        require_rate(self, "tau")
        require_bounds(self, "value_range")
        require_choice(self, "initial_weights", nets.Start)


@dataclass(frozen=True)
class Config(UpdateConfig):
    """Settings of TD3."""

    replay: off_policy.Config = field(default_factory=off_policy.Config)
    """Settings of collecting and replay."""
    noise: float = 0.1
    """Standard deviation of the Gaussian noise on actions while collecting."""
    uniform: float = 0.0
    """Probability, while collecting, that a uniformly random action replaces the policy's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("noise", "uniform"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require(self.uniform <= 1, self, "uniform", "a probability in [0, 1]")


class State(struct.PyTreeNode):
    """The learner's state; `target` holds the target networks "policy" and "critics"."""

    policy: Params
    critics: Params
    target: dict[str, Params]
    policy_opt: Any
    critics_opt: Any
    steps: jax.Array  # [] int32: gradient steps of the critics


def policy_optimiser(config: UpdateConfig) -> optax.GradientTransformation:
    """Adam, with the bound on the gradient's norm and the decay of its learning rate."""
    lr: Any = config.lr
    if config.lr_halving_steps:
        lr = optax.exponential_decay(config.lr, config.lr_halving_steps, 0.5, staircase=True)
    if not config.max_grad_norm:
        return optax.adam(lr)
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(lr))


def learner(
    config: UpdateConfig,
    spec: Spec,
    *,
    noise: float = 0.0,
    uniform: float = 0.0,
    objective: td3_losses.Objective = td3_losses.negative_value,
    is_absorbing: IsAbsorbing | None = None,
) -> OffPolicyLearner:
    """TD3 without the source of its steps.

    Args:
        config: of the gradient steps.
        spec: of the task as the networks see it.
        noise: of exploration, as in `Config`.
        uniform: of exploration, as in `Config`.
        objective: the policy's loss, apart from the penalty on its actions.
        is_absorbing: states in which the only action is 0; the policy learns nothing there.
    """
    networks = td3_losses.Networks(
        policy_nets.policy(spec, config.hidden, "deterministic", start=config.initial_weights),
        nets.critics(spec, config.hidden, config.critics, config.initial_weights),
        is_absorbing,
    )
    critic_loss = partial(bellman.critic_loss, networks.critics, 1.0)
    policy_loss = partial(td3_losses.policy_loss, networks, objective, config.action_l2)
    opt, policy_opt = optax.adam(config.lr), policy_optimiser(config)

    def init(key: Key) -> State:
        k_policy, k_critic = jax.random.split(key)
        policy, critics = networks.policy.init(k_policy), networks.critics.init(k_critic)
        target = {"policy": policy, "critics": critics}
        opt_states = policy_opt.init(policy), opt.init(critics)
        return State(policy, critics, target, *opt_states, jnp.int32(0))

    def learn(key: Key, state: State, rows: Experience) -> tuple[State, Metrics]:
        smoothing = None
        if config.target_noise:
            smoothing = td3_losses.smoothing_noise(
                key, rows.action.shape, config.target_noise, config.target_noise_clip
            )
        y = td3_losses.critic_target(
            networks, state.target, rows, smoothing, config.discount, config.value_range
        )
        critics, critics_opt, metrics = ops.gradient_step(
            critic_loss, opt, state.critics, state.critics_opt, rows, y
        )
        steps = state.steps + 1

        def step_policy() -> tuple[Params, Any]:
            policy, opt_state, _ = ops.gradient_step(
                policy_loss, policy_opt, state.policy, state.policy_opt, rows, critics
            )
            return policy, opt_state

        def step_targets() -> tuple[Params, Any, dict[str, Params]]:
            if config.policy_start:
                kept, started = (state.policy, state.policy_opt), steps > config.policy_start
                policy, opt_state = jax.lax.cond(started, step_policy, lambda: kept)
            else:
                policy, opt_state = step_policy()
            online = {"policy": policy, "critics": critics}
            return policy, opt_state, ops.polyak(state.target, online, config.tau)

        if config.delay == 1:
            policy, policy_state, target = step_targets()
        else:
            unchanged = state.policy, state.policy_opt, state.target
            due = steps % config.delay == 0
            policy, policy_state, target = jax.lax.cond(due, step_targets, lambda: unchanged)
        return State(policy, critics, target, policy_state, critics_opt, steps), metrics

    def explore(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return td3_losses.noisy_action(key, act(key, state, obs), noise, uniform)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.policy.apply(state.policy, obs).mode

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.critics.apply(state.critics[:1], obs, act(key, state, obs))[0]

    return OffPolicyLearner(init, learn, explore, act, ValueEstimator(value, config.discount))


def export(config: Config, spec: Spec, state: off_policy.State) -> policy_nets.MLPPolicy:
    """One seed's policy, to be saved alone."""
    return off_policy.export(config.replay, spec, state, state.learner.policy)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """TD3 on the task's reward; with `replay.her` on a task with goals.

    The state is an `off_policy.State` whose `learner` is a `State`.
    """
    td3 = learner(config, spec, noise=config.noise, uniform=config.uniform)
    return off_policy_loop.make(config.replay, spec, env, td3)
