"""AWR: regress the policy on replayed actions, weighted by the exponential of their advantage.

Source: Peng et al. 2019 (arXiv:1910.00177), algorithm 1.

Different from the source: default settings are those of the official code, which standardises
advantages and takes a temperature of 1. The paper's are standardise=False with temperature=0.05.

Use it when actions are continuous and a simple method that replays its own steps will do.

Sensitive to: `temperature`, `standardise` and `max_weight` (how greedy the weights are), `std`
(exploration), `td_lambda`, `policy_lr`.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.rl import awr_learner
from imitbench.algos.rl.weighted_regression import Steps
from imitbench.core import buffer, ops, unrolling
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Traits, Transition
from imitbench.utils.errors import UserError

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class Config(awr_learner.UpdateConfig):
    """Settings of AWR."""

    envs: int = 8
    """Number of environments that run in parallel."""
    length: int = 256
    """Steps of each environment in an update."""
    capacity: int = 50_000
    """Steps that the replay holds; envs * length keeps the newest update's alone."""
    normalise_until: int = 300_000
    """Environment steps after which the mean and deviation of observations no longer change."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("envs", "length"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.normalise_until >= 0, self, "normalise_until", "0 or more")
        if self.capacity < self.envs * self.length:
            raise UserError(
                f"capacity={self.capacity}: an update collects {self.envs * self.length} steps "
                "(envs * length); raise capacity, or lower envs or length"
            )


class State(struct.PyTreeNode):
    """The learner's state, its replay and its environments."""

    core: awr_learner.Core
    replay: buffer.Ring  # of Steps, rows [B, ...]; observations as the environment gives them
    moments: ops.Moments
    running: unrolling.RunningEpisodes


def normalise(moments: ops.Moments, obs: jax.Array) -> jax.Array:
    """Observations [..., O] as the networks get them."""
    return moments.normaliser()(obs, awr_learner.CLIP)


def grown_moments(config: Config, moments: ops.Moments, obs: jax.Array) -> ops.Moments:
    """The moments with observations [N, O], or unchanged once `normalise_until` steps are in."""
    growing = moments.count < config.normalise_until
    return jax.tree.map(lambda a, b: jnp.where(growing, a, b), moments.add(obs), moments)


def replayed_steps(replay: buffer.Ring, moments: ops.Moments) -> Steps:
    """All steps of a replay in the order of time, normalised; returns are cut off at its newest
    step, as by a time limit."""
    rows = replay.in_order()
    return rows.replace(
        obs=normalise(moments, rows.obs),
        next_obs=normalise(moments, rows.next_obs),
        truncated=rows.truncated | (replay.without_successor[:, None] & ~rows.terminated),
    )


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """AWR on the task's reward; demonstrations are not used.

    One update collects `envs` * `length` steps and regresses on the replay. The state is a `State`.

    Raises:
        UserError: the task's actions are discrete.
    """
    reject_discrete(spec, env.name)
    learner = awr_learner.learner(config, spec)
    steps_per_update = config.envs * config.length

    def init(key: Key, demos: Transition) -> State:
        k_core, k_env = jax.random.split(key)
        running = unrolling.start_episodes(env, k_env, config.envs)
        obs, zero = running.env.obs, jnp.zeros(config.envs)
        no, action = jnp.zeros(config.envs, bool), jnp.zeros((config.envs, spec.action_size))
        row = Steps(obs, action, zero, obs, no, no, zero)
        replay = buffer.ring(jax.tree.map(lambda x: x[None], row), config.capacity // config.envs)
        return State(learner.init(k_core), replay, ops.empty_moments(spec.obs_size), running)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_fit = jax.random.split(key)

        def policy(key: Key, obs: jax.Array) -> jax.Array:
            return learner.explore(key, state.core, normalise(state.moments, obs))

        running, new, _ = unrolling.unroll(env, policy, k_env, state.running, config.length)
        ends = new.terminated, new.truncated
        rows = Steps(new.obs, new.intended_action, new.reward, new.next_obs, *ends, new.weight)
        replay = buffer.append(state.replay, rows)
        obs = new.obs.reshape(steps_per_update, -1)
        moments = grown_moments(config, state.moments, obs)
        core, metrics = learner.fit(k_fit, state.core, replayed_steps(replay, moments))
        metrics = metrics | {"reward": jnp.mean(new.reward)}
        return State(core, replay, moments, running), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, normalise(state.moments, obs))

    return Algorithm(init, update, act, Cost(steps_per_update, grad_steps=learner.grad_steps))
