"""SIL: PPO that also imitates those of its own past actions that turned out better than expected.

Source: Oh et al. 2018 (arXiv:1806.05635), equations 1 to 3; settings of the official code on top of
PPO. Priorities are those of the present value of all that is kept, not of when it was last drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.rl import on_policy, ppo
from imitbench.core import buffer, distributions, ops, unrolling
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

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class Config:
    """Settings of self-imitation."""

    ppo: ppo.Config = field(default_factory=ppo.Config)
    """Settings of PPO."""
    capacity: int = 100_000
    """Steps kept."""
    batch: int = 512
    """Rows of a minibatch."""
    steps: int = 10
    """Self-imitating gradient steps after each of PPO's updates."""
    value: float = 0.01
    """Weight of half the squared positive advantage in the loss."""
    alpha: float = 0.6
    """Power of the positive advantage that rows are drawn in proportion to."""
    beta: float = 0.1
    """Power of the inverse probability that corrects for it."""
    max_advantage: float = 1.0
    """Bound on the advantage, in the units of normalised rewards."""
    max_nll: float = 5.0
    """Bound on the negative log likelihood, in nats."""

    def __post_init__(self) -> None:
        for name in ("batch", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("value", "alpha", "beta", "max_advantage", "max_nll"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        if self.capacity < self.ppo.envs * self.ppo.length:
            raise UserError(
                f"capacity={self.capacity}: an update collects "
                f"{self.ppo.envs * self.ppo.length} steps"
            )


class State(struct.PyTreeNode):
    core: ppo.Core
    imitation: Any  # Adam's moments of the self-imitating steps
    replay: buffer.Ring  # of Transition, rows [B, ...]
    running: unrolling.RunningEpisodes


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """PPO with self-imitation on the task's own reward; demonstrations are not looked at. State:
    `State`."""
    rule = ppo.learner(config.ppo, spec)
    policy, critic = on_policy.networks(config.ppo, spec)
    opt = optax.chain(
        optax.clip_by_global_norm(config.ppo.max_grad_norm), optax.adam(config.ppo.lr)
    )

    def loss(params: Params, rows: dict[str, jax.Array]) -> tuple[jax.Array, Metrics]:
        dist = policy.apply(params["policy"], rows["obs"])
        assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
        above = rows["return"] - critic.apply(params["value"], rows["obs"])
        gain = jnp.clip(above, 0.0, config.max_advantage)
        nll = jnp.minimum(-dist.log_prob(rows["action"]), config.max_nll)
        policy_loss = jnp.mean(rows["weight"] * jax.lax.stop_gradient(gain) * nll)
        value_loss = 0.5 * jnp.mean(rows["weight"] * gain**2)
        metrics = {"sil_loss": policy_loss, "sil_gain": jnp.mean(gain)}
        return policy_loss + config.value * value_loss, metrics

    def imitate(
        key: Key, core: ppo.Core, opt_state: Any, replay: buffer.Ring
    ) -> tuple[ppo.Core, Any, Metrics]:
        rows = replay.in_order()
        scale = on_policy.reward_scale(config.ppo, core)
        obs, next_obs = (
            on_policy.standardise_obs(config.ppo, core, x) for x in (rows.obs, rows.next_obs)
        )
        v, after = (critic.apply(core.params["value"], x) for x in (obs, next_obs))
        truncated = rows.truncated | (replay.without_successor[:, None] & ~rows.terminated)
        returns = v + ops.advantages(
            rows.reward * scale, v, after, rows.terminated, truncated, config.ppo.discount, 1.0
        )
        total = v.size
        columns = {"obs": obs, "action": rows.intended_action, "return": returns}
        columns = {k: x.reshape(total, *x.shape[2:]) for k, x in columns.items()}
        gain = jnp.clip(returns - v, 0.0, config.max_advantage)
        priority = (gain + 1e-6) ** config.alpha
        filled = jnp.arange(replay.capacity)[:, None] < replay.size
        priority = jnp.where(filled, priority, 0.0).ravel()
        chance = priority / jnp.sum(priority)
        count = jnp.sum(priority > 0)
        edges = jnp.cumsum(chance)

        def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
            at = jnp.searchsorted(edges, jax.random.uniform(key, (config.batch,)) * edges[-1])
            at = jnp.minimum(at, total - 1)
            picked = buffer.take(columns, at)
            correct = (count * jnp.maximum(chance[at], 1e-12)) ** -config.beta
            picked["weight"] = correct / jnp.max(correct)
            params, opt_state, metrics = ops.gradient_step(loss, opt, *carry, picked)
            return (params, opt_state), metrics

        carry, metrics = jax.lax.scan(
            step, (core.params, opt_state), jax.random.split(key, config.steps)
        )
        params, opt_state = carry
        return core.replace(params=params), opt_state, jax.tree.map(jnp.mean, metrics)

    def init(key: Key, demos: Transition) -> State:
        k_core, k_env = jax.random.split(key)
        core = rule.init(k_core)
        running = unrolling.start_episodes(env, k_env, config.ppo.envs)
        like = jax.eval_shape(collect, k_env, core, running)[1]
        like = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like)
        replay = buffer.ring(like, config.capacity // config.ppo.envs)
        return State(core, opt.init(core.params), replay, running)

    def collect(key: Key, core: ppo.Core, running: unrolling.RunningEpisodes):
        return unrolling.unroll(env, rule.explore(core), key, running, config.ppo.length)[:2]

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_learn, k_imitate = jax.random.split(key, 3)
        running, steps = collect(k_env, state.core, state.running)
        core, metrics = rule.learn(k_learn, state.core, steps)
        replay = buffer.append(state.replay, steps)
        core, imitation, more = imitate(k_imitate, core, state.imitation, replay)
        return State(core, imitation, replay, running), metrics | more

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return rule.act(key, state.core, obs)

    own = rule.grad_steps + config.steps
    return Algorithm(init, update, act, Cost(config.ppo.envs * config.ppo.length, grad_steps=own))
