"""TD3: deterministic policy gradients with twin critics, target smoothing and a delayed policy.

Source: Fujimoto et al. 2018 (arXiv:1802.09477), algorithm 1. DDPG is the same learner with those
three taken away: see `ddpg`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.rl import off_policy, replay_buffer
from imitbench.core import nets, ops, policy_nets
from imitbench.core.config import require, require_share
from imitbench.core.types import Algorithm, Env, Key, Metrics, Params, Spec, Traits, ValueEstimator

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class UpdateConfig:
    """Settings of TD3's gradient steps."""

    critics: int = 2
    """Critics; the target is the least of them."""
    delay: int = 2
    """Critic steps to a step of the policy and the targets."""
    target_noise: float = 0.2
    """Standard deviation of the noise on the target policy's action."""
    target_noise_clip: float = 0.5
    """Bound on that noise."""
    lr: float = 3e-4
    """Adam's step size."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of policy and critics."""
    discount: float = 0.99
    """Discount factor."""
    tau: float = 0.005
    """Rate at which the targets follow when they are moved."""
    action_l2: float = 0.0
    """Weight of the mean squared action in the policy's loss; HER's authors take 1."""
    value_range: tuple[float, ...] = ()
    """Bounds (low, high) that targets are clipped to; none by default."""

    def __post_init__(self) -> None:
        for name in ("critics", "delay"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("lr", "tau"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("target_noise", "target_noise_clip", "action_l2"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "discount")
        require(len(self.value_range) in (0, 2), self, "value_range", "two numbers, low and high")
        ordered = list(self.value_range) == sorted(self.value_range)
        require(ordered, self, "value_range", "two numbers, low and high")


@dataclass(frozen=True)
class Config(UpdateConfig):
    """Settings of TD3."""

    replay: off_policy.Config = field(default_factory=off_policy.Config)
    """Collecting and replay."""
    noise: float = 0.1
    """Standard deviation of the Gaussian noise on actions while collecting."""
    uniform: float = 0.0
    """Probability of a uniform action in its place while collecting."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("noise", "uniform"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require(self.uniform <= 1, self, "uniform", "a probability in [0, 1]")


Value = Callable[[jax.Array, jax.Array], jax.Array]  # (obs [N, O], action [N, A]) -> [N]
Objective = Callable[[Value, jax.Array, replay_buffer.Experience], jax.Array]
"""(first critic, the policy's actions [N, A], rows [N]) -> what the policy descends: a scalar."""


def greedy(value: Value, action: jax.Array, rows: replay_buffer.Experience) -> jax.Array:
    """Minus the mean value of the policy's actions."""
    return -jnp.mean(value(rows.obs, action))


class State(struct.PyTreeNode):
    policy: Params
    critics: Params
    target: dict[str, Params]
    policy_opt: Any
    critics_opt: Any
    steps: jax.Array  # [] int32: gradient steps of the critics


def learner(
    config: UpdateConfig,
    spec: Spec,
    *,
    noise: float = 0.0,
    uniform: float = 0.0,
    objective: Objective = greedy,
    still: replay_buffer.IsAbsorbing | None = None,
) -> off_policy.OffPolicyLearner:
    """TD3's gradient steps.

    Args:
        noise, uniform: of exploring, as in `Config`.
        objective: of the policy, apart from the penalty on its actions.
        still: where there is no choice, and so nothing for the policy to learn.
    """
    policy = policy_nets.policy(spec, config.hidden, "deterministic")
    critics = nets.critics(spec, config.hidden, config.critics)
    critic_loss = replay_buffer.critic_loss(critics)
    opt = optax.adam(config.lr)

    def policy_loss(
        params: Params, rows: replay_buffer.Experience, critic: Params
    ) -> tuple[jax.Array, Metrics]:
        action = replay_buffer.zero_where_absorbing(
            still, rows.obs, policy.apply(params, rows.obs).mode
        )

        def value(obs: jax.Array, action: jax.Array) -> jax.Array:
            return critics.apply(critic[:1], obs, action)[0]

        loss = objective(value, action, rows)
        loss = loss + config.action_l2 * jnp.mean(action**2)
        return loss, {"policy_loss": loss}

    def targets(key: Key, state: State, rows: replay_buffer.Experience) -> jax.Array:
        action = policy.apply(state.target["policy"], rows.next_obs).mode
        if config.target_noise:
            noise = config.target_noise * jax.random.normal(key, action.shape)
            bound = config.target_noise_clip
            action = jnp.clip(action + jnp.clip(noise, -bound, bound), -1.0, 1.0)
        action = replay_buffer.zero_where_absorbing(still, rows.next_obs, action)
        after = jnp.min(critics.apply(state.target["critics"], rows.next_obs, action), axis=0)
        target = rows.reward + config.discount * jnp.where(rows.terminated, 0.0, after)
        return jnp.clip(target, *config.value_range) if config.value_range else target

    def init(key: Key) -> State:
        k_policy, k_critic = jax.random.split(key)
        p, c = policy.init(k_policy), critics.init(k_critic)
        target = {"policy": p, "critics": c}
        return State(p, c, target, opt.init(p), opt.init(c), jnp.int32(0))

    def learn(key: Key, state: State, rows: replay_buffer.Experience) -> tuple[State, Metrics]:
        target = targets(key, state, rows)
        new_critics, critics_opt, metrics = ops.gradient_step(
            critic_loss, opt, state.critics, state.critics_opt, rows, target
        )
        steps = state.steps + 1

        def move() -> tuple[Params, Any, dict[str, Params]]:
            new, new_opt, _ = ops.gradient_step(
                policy_loss, opt, state.policy, state.policy_opt, rows, new_critics
            )
            goal = {"policy": new, "critics": new_critics}
            return new, new_opt, ops.polyak(state.target, goal, config.tau)

        if config.delay == 1:
            moved = move()
        else:
            still = state.policy, state.policy_opt, state.target
            moved = jax.lax.cond(steps % config.delay == 0, move, lambda: still)
        p, p_opt, follow = moved
        return State(p, new_critics, follow, p_opt, critics_opt, steps), metrics

    def explore(key: Key, state: State, obs: jax.Array) -> jax.Array:
        k_noise, k_coin, k_uniform = jax.random.split(key, 3)
        action = act(key, state, obs)
        noisy = action + noise * jax.random.normal(k_noise, action.shape)
        other = jax.random.uniform(k_uniform, action.shape, minval=-1.0, maxval=1.0)
        coin = jax.random.bernoulli(k_coin, uniform, (*action.shape[:-1], 1))
        return jnp.where(coin, other, jnp.clip(noisy, -1.0, 1.0))

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return policy.apply(state.policy, obs).mode

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return critics.apply(state.critics[:1], obs, act(key, state, obs))[0]

    return off_policy.OffPolicyLearner(
        init, learn, explore, act, ValueEstimator(value, config.discount)
    )


def export(config: Config, spec: Spec, state: off_policy.State) -> policy_nets.MLPPolicy:
    """The policy of one seed, for a file of its own."""
    return off_policy.export(config.replay, spec, state, state.learner.policy)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """TD3; with `replay.her` on a goal task. State: `_offpolicy.State` around `State`."""
    inner = learner(config, spec, noise=config.noise, uniform=config.uniform)
    return off_policy.make(config.replay, spec, env, inner)
