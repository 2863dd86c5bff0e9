"""AWR: regress the policy on replayed actions, weighted by the exponential of their advantage.

Source: Peng et al. 2019 (arXiv:1910.00177), algorithm 1; settings of the official code, see `_awr`.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.rl import weighted_regression
from imitbench.algos.rl.off_policy import reject_discrete
from imitbench.core import buffer, ops, unrolling
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Traits, Transition
from imitbench.utils.errors import UserError

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class Config(weighted_regression.UpdateConfig):
    """Settings of AWR."""

    envs: int = 8
    """Environments that run beside each other."""
    length: int = 256
    """Steps of each environment in an update."""
    capacity: int = 50_000
    """Steps kept for replay; envs * length for none but the newest."""
    normalise_until: int = 300_000
    """Environment steps after which the observations' mean and deviation stand still."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("envs", "length"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.normalise_until >= 0, self, "normalise_until", "0 or more")
        if self.capacity < self.envs * self.length:
            raise UserError(
                f"capacity={self.capacity}: an update collects {self.envs * self.length} steps"
            )


class State(struct.PyTreeNode):
    core: weighted_regression.Core
    replay: buffer.Ring  # of Steps, rows [B, ...]; observations as they are
    moments: ops.Moments
    running: unrolling.RunningEpisodes


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """AWR on the task's own reward; demonstrations are not looked at. One update collects
    `envs` * `length` steps and regresses on the replay. State: `State`."""
    reject_discrete(spec, env.name)
    awr = weighted_regression.learner(config, spec)
    per_update = config.envs * config.length

    def norm(moments: ops.Moments, obs: jax.Array) -> jax.Array:
        return moments.normaliser()(obs, weighted_regression.CLIP)

    def init(key: Key, demos: Transition) -> State:
        k_core, k_env = jax.random.split(key)
        running = unrolling.start_episodes(env, k_env, config.envs)
        obs, number = running.env.obs, jnp.zeros(config.envs)
        no, action = jnp.zeros(config.envs, bool), jnp.zeros((config.envs, spec.action_size))
        row = weighted_regression.Steps(obs, action, number, obs, no, no, number)
        like = jax.tree.map(lambda x: x[None], row)
        replay = buffer.ring(like, config.capacity // config.envs)
        return State(awr.init(k_core), replay, ops.empty_moments(spec.obs_size), running)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_fit = jax.random.split(key)

        def policy(key: Key, obs: jax.Array) -> jax.Array:
            return awr.explore(key, state.core, norm(state.moments, obs))

        running, steps, _ = unrolling.unroll(env, policy, k_env, state.running, config.length)
        ends = steps.terminated, steps.truncated
        new = weighted_regression.Steps(
            steps.obs, steps.intended_action, steps.reward, steps.next_obs, *ends, steps.weight
        )
        replay = buffer.append(state.replay, new)
        grown = state.moments.add(steps.obs.reshape(per_update, -1))
        learning = state.moments.count < config.normalise_until
        moments = jax.tree.map(lambda a, b: jnp.where(learning, a, b), grown, state.moments)
        rows = replay.in_order()
        rows = rows.replace(
            obs=norm(moments, rows.obs),
            next_obs=norm(moments, rows.next_obs),
            # The trace ends where the newest step is.
            truncated=rows.truncated | (replay.without_successor[:, None] & ~rows.terminated),
        )
        core, metrics = awr.fit(k_fit, state.core, rows)
        metrics["reward"] = jnp.mean(steps.reward)
        return State(core, replay, moments, running), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return awr.act(key, state.core, norm(state.moments, obs))

    return Algorithm(
        init, update, act, Cost(per_update, grad_steps=weighted_regression.gradient_steps(config))
    )
