"""SIL: PPO that also imitates its own past actions that turned out better than expected.

Source: Oh et al. 2018 (arXiv:1806.05635), equations 1 to 3, with the losses and settings of the
official code on top of PPO.

Different from the source: each update computes the returns and priorities of all replayed steps
anew, by the present value, and replays unfinished episodes and those without a positive reward,
too. The source computes a return once, when its episode ends, and keeps a step's priority from its
last draw. Where the time limit ends an episode, its return goes on here with the value of the last
state; in the source it ends.

Use it when rewards are sparse or delayed and good episodes are rare.

Sensitive to: `steps` after each of PPO's updates, `max_advantage` relative to the scale of rewards,
`capacity`, and PPO's settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common import on_policy, replay_buffer
from imitbench.algos.common.on_policy import Core, Networks
from imitbench.algos.rl import ppo
from imitbench.core import buffer, gae, ops, unrolling
from imitbench.core.config import require
from imitbench.core.types import (
    Algorithm,
    Cost,
    Env,
    Key,
    Metrics,
    Params,
    Spec,
    Traits,
    Transition,
)
from imitbench.utils.errors import UserError

LEAST_ROWS = 64  # the least number by which the sums over rows with an advantage are divided
TRAITS = Traits(needs_demos=False, version=3)


@dataclass(frozen=True)
class Config:
    """Settings of self-imitation."""

    ppo: ppo.Config = field(default_factory=ppo.Config)
    """Settings of PPO."""
    capacity: int = 50_000
    """Steps that the replay holds; new steps replace the oldest."""
    batch: int = 512
    """Rows in a minibatch."""
    steps: int = 10
    """Self-imitating gradient steps after each of PPO's updates."""
    weight: float = 0.1
    """Factor on the whole loss, whose gradients PPO's optimiser takes."""
    value: float = 0.01
    """Weight in it of the value's loss, half the squared positive advantage (beta_sil in the paper;
    the official code halves it once more, and so does this)."""
    alpha: float = 0.6
    """Power of the positive advantage to which a row's probability is proportional."""
    beta: float = 0.1
    """Power of the inverse probability in the weights that correct for it."""
    max_advantage: float = 1.0
    """Bound on the positive advantage, in the units of scaled rewards."""
    max_nll: float = 100.0
    """Bound on the negative log likelihood in the reported loss, in nats; gradients pass through
    it."""

    def __post_init__(self) -> None:
        for name in ("batch", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("weight", "value", "alpha", "beta", "max_advantage", "max_nll"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        if self.capacity < self.ppo.envs * self.ppo.length:
            raise UserError(
                f"capacity={self.capacity}: an update collects "
                f"{self.ppo.envs * self.ppo.length} steps (ppo.envs * ppo.length); raise capacity, "
                "or lower envs or length"
            )


class State(struct.PyTreeNode):
    """PPO's state, its environments, and the replay."""

    core: Core
    replay: buffer.Ring  # of Transition, rows [B, ...]
    running: unrolling.RunningEpisodes


def imitation_loss(
    networks: Networks, config: Config, params: Params, rows: dict[str, jax.Array]
) -> tuple[jax.Array, Metrics]:
    """Equations 1 to 3: -log pi(a | s) (R - V)_+ and `value` / 2 times half of (R - V)_+ squared.

    As in the official code, sums are divided by the number of rows with R > V(s), 64 at least; and
    where R - V(s) is above its bound, the value's gradient stays what it is at the bound.

    Args:
        networks: policy and value.
        config: `weight`, `value`, `max_advantage` and `max_nll`.
        params: "policy" and "value".
        rows: obs (standardised), action, return and weight (of each row in the mean); [N, ...].

    Returns:
        The loss [], and metrics. The value is drawn up to returns above it, never down.
    """
    dist = on_policy.distribution(networks.policy, params["policy"], rows["obs"])
    value = networks.value.apply(params["value"], rows["obs"])
    gain = jax.lax.stop_gradient(jnp.clip(rows["return"] - value, 0.0, config.max_advantage))
    number = jnp.maximum(jnp.sum(gain > 0), LEAST_ROWS)
    nll = -dist.log_prob(rows["action"])
    nll += jax.lax.stop_gradient(jnp.minimum(nll, config.max_nll) - nll)
    policy_loss = jnp.sum(rows["weight"] * gain * nll) / number
    # Its gradient is that of half the squared gain, with the gain's bound.
    value_loss = jnp.sum(rows["weight"] * -gain * value) / number
    metrics = {"sil_loss": policy_loss, "sil_gain": jnp.sum(gain) / number}
    return config.weight * (policy_loss + 0.5 * config.value * value_loss), metrics


def replay_rows(
    networks: Networks, config: Config, core: Core, replay: buffer.Ring
) -> tuple[dict[str, jax.Array], jax.Array]:
    """All steps of the replay [C, B] with their returns, and how often to draw each.

    A return is the discounted sum of scaled rewards up to the end of the episode; where the time
    limit or the end of the replay cuts it off, the present value stands for what follows.

    Returns:
        Rows [C * B, ...]: obs (standardised), action (before it was clipped), return. Priorities
        [C * B]: the clipped positive advantage to the power `alpha`, 0 where no step was written.
    """
    rows = replay.in_order()
    scale = on_policy.reward_scale(config.ppo, core)
    obs = on_policy.standardise_obs(config.ppo, core, rows.obs)
    next_obs = on_policy.standardise_obs(config.ppo, core, rows.next_obs)
    value = networks.value.apply(core.params["value"], obs)
    next_value = networks.value.apply(core.params["value"], next_obs)
    cut_off = rows.truncated | (replay.without_successor[:, None] & ~rows.terminated)
    returns = value + gae.advantages(
        rows.reward * scale, value, next_value, rows.terminated, cut_off, config.ppo.discount, 1.0
    )
    gain = jnp.clip(returns - value, 0.0, config.max_advantage)
    priority = (gain + 1e-6) ** config.alpha
    written = jnp.arange(replay.capacity)[:, None] < replay.size
    priority = jnp.where(written, priority, 0.0).ravel()
    columns = {"obs": obs, "action": rows.intended_action, "return": returns}
    columns = {k: x.reshape(value.size, *x.shape[2:]) for k, x in columns.items()}
    return columns, priority


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """PPO with self-imitation on the task's reward; demonstrations are not used. The state is a
    `State`."""
    opt = ppo.optimiser(config.ppo, config.steps)
    learner = ppo.learner(config.ppo, spec, opt)
    networks = on_policy.networks(config.ppo, spec)
    loss = partial(imitation_loss, networks, config)

    def collect(key: Key, core: Core, running: unrolling.RunningEpisodes):
        policy = learner.explore(core)
        return unrolling.unroll(env, policy, key, running, config.ppo.length)[:2]

    def imitate(key: Key, core: Core, replay: buffer.Ring) -> tuple[Core, Metrics]:
        rows, priority = replay_rows(networks, config, core, replay)
        draw = replay_buffer.priority_sampler(rows, priority, config.batch, config.beta)

        def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
            minibatch, weight = draw(key)
            minibatch["weight"] = weight
            params, opt_state, metrics = ops.gradient_step(loss, opt, *carry, minibatch)
            return (params, opt_state), metrics

        keys = jax.random.split(key, config.steps)
        (params, opt_state), metrics = jax.lax.scan(step, (core.params, core.opt_state), keys)
        core = core.replace(params=params, opt_state=opt_state)
        return core, jax.tree.map(jnp.mean, metrics)

    def init(key: Key, demos: Transition) -> State:
        k_core, k_env = jax.random.split(key)
        core = learner.init(k_core)
        running = unrolling.start_episodes(env, k_env, config.ppo.envs)
        steps = jax.eval_shape(collect, k_env, core, running)[1]
        steps = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), steps)
        replay = buffer.ring(steps, config.capacity // config.ppo.envs)
        return State(core, replay, running)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_learn, k_imitate = jax.random.split(key, 3)
        running, steps = collect(k_env, state.core, state.running)
        core, metrics = learner.learn(k_learn, state.core, steps)
        replay = buffer.append(state.replay, steps)
        core, sil_metrics = imitate(k_imitate, core, replay)
        return State(core, replay, running), metrics | sil_metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, obs)

    grad_steps = learner.grad_steps + config.steps
    return Algorithm(
        init, update, act, Cost(config.ppo.envs * config.ppo.length, grad_steps=grad_steps)
    )
