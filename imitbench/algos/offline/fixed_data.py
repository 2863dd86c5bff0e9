"""Shared code of the offline learners: minibatches of fixed data, and no environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.off_policy import OffPolicyLearner, reject_discrete
from imitbench.algos.common.replay_buffer import demo_experience
from imitbench.core import buffer, ops
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Spec, Transition, ValueEstimator

FLOOR = 1e-3  # the least standard deviation by which observations are divided
# Of the mean return: the least range of returns by which rewards are divided. Uniformly good data
# have a small one, and IQL's weights would be 0 or at their bound there.
LEAST_RANGE = 1.0


@dataclass(frozen=True)
class Config:
    """How an offline learner reads its data."""

    batch: int = 256
    """Steps in a minibatch."""
    steps: int = 1000
    """Gradient steps in one update."""
    normalise_obs: bool = True
    """Standardise observations by the data's mean and standard deviation."""
    reward_range: float = 0.0
    """Range of episode returns (best minus worst) to which rewards are scaled; 0 leaves them as
    they are. The data's range counts as the magnitude of their mean return at least."""

    def __post_init__(self) -> None:
        for name in ("batch", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.reward_range >= 0, self, "reward_range", "0 or more")


class State(struct.PyTreeNode):
    """The learner's state, and what the data say of scales."""

    learner: Any
    norm: ops.Normaliser  # the identity where observations are not normalised
    reward_scale: jax.Array  # [] factor on rewards


def return_range(demos: Transition) -> jax.Array:
    """The best minus the worst undiscounted return [] of the finished episodes, or the magnitude of
    their mean, if that is larger; 0 for none.

    Args:
        demos: rows [N], one episode after the other in the order of time.
    """
    reward = jnp.where(demos.weight > 0, demos.reward, 0.0)
    ends = demos.terminated | demos.truncated
    episode = jnp.cumsum(ends) - ends
    returns = jax.ops.segment_sum(reward, episode, reward.shape[0])
    finished = jnp.arange(reward.shape[0]) < jnp.sum(ends)
    best = jnp.max(jnp.where(finished, returns, -jnp.inf))
    worst = jnp.min(jnp.where(finished, returns, jnp.inf))
    mean = jnp.sum(jnp.where(finished, returns, 0.0)) / jnp.maximum(jnp.sum(ends), 1)
    return jnp.where(jnp.any(ends), jnp.maximum(best - worst, LEAST_RANGE * jnp.abs(mean)), 0.0)


def reward_scale(reward_range: float, demos: Transition) -> jax.Array:
    """The factor [] that brings the data's range of returns to `reward_range`; 1 for a range of 0
    of either."""
    if not reward_range:
        return jnp.float32(1.0)
    data_range = return_range(demos)
    return jnp.where(data_range > 0, reward_range / jnp.maximum(data_range, 1e-8), 1.0)


def make(config: Config, spec: Spec, learner: OffPolicyLearner) -> Algorithm:
    """The learner on the demonstrations' steps and their rewards.

    Args:
        config: of minibatches and scales.
        spec: of the task.
        learner: the method's gradient steps.

    Raises:
        UserError: the task's actions are discrete.
    """
    reject_discrete(spec)

    def init(key: Key, demos: Transition) -> State:
        norm = ops.Normaliser(jnp.zeros(spec.obs_size), jnp.ones(spec.obs_size))
        if config.normalise_obs:
            norm = ops.fit_normaliser(demos.obs, demos.weight, FLOOR)
        return State(learner.init(key), norm, reward_scale(config.reward_range, demos))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        draw = buffer.real_row_sampler(demo_experience(demos), demos.weight)

        def step(learner_state: Any, key: Key) -> tuple[Any, Metrics]:
            k_rows, k_learn = jax.random.split(key)
            rows = draw(k_rows, config.batch)
            rows = rows.replace(
                obs=state.norm(rows.obs, jnp.inf),
                next_obs=state.norm(rows.next_obs, jnp.inf),
                reward=rows.reward * state.reward_scale,
            )
            return learner.learn(k_learn, learner_state, rows)

        keys = jax.random.split(key, config.steps)
        learner_state, metrics = jax.lax.scan(step, state.learner, keys)
        return state.replace(learner=learner_state), jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.learner, state.norm(obs, jnp.inf))

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        assert learner.value_estimator is not None
        obs = state.norm(obs, jnp.inf)
        return learner.value_estimator.value(key, state.learner, obs) / state.reward_scale

    estimator = learner.value_estimator and ValueEstimator(value, learner.value_estimator.discount)
    return Algorithm(init, update, act, Cost(grad_steps=config.steps), value_estimator=estimator)
