"""What the offline learners share: minibatches out of fixed data, and no environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.rl.off_policy import OffPolicyLearner, reject_discrete
from imitbench.algos.rl.replay_buffer import demo_experience
from imitbench.core import buffer, ops
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Spec, Transition, ValueEstimator

FLOOR = 1e-3  # the least standard deviation of normalised observations


@dataclass(frozen=True)
class Config:
    """How an offline learner reads its data."""

    batch: int = 256
    """Steps of a minibatch."""
    steps: int = 1000
    """Gradient steps of one update."""
    normalise_obs: bool = False
    """Standardise observations by the data's mean and standard deviation."""
    reward_range: float = 0.0
    """Divide rewards by the data's range of episode returns, best minus worst, and multiply them by
    this number; 0 leaves them as they are, and so do returns that are all equal."""

    def __post_init__(self) -> None:
        for name in ("batch", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.reward_range >= 0, self, "reward_range", "0 or more")


class State(struct.PyTreeNode):
    learner: Any
    norm: ops.Normaliser  # the identity where observations are not normalised
    reward_scale: jax.Array  # []


def return_range(demos: Transition) -> jax.Array:
    """Best minus worst undiscounted return [] of the episodes in rows [N] in the order of time; 0
    where none has ended."""
    real = jnp.where(demos.weight > 0, demos.reward, 0.0)
    ends = demos.terminated | demos.truncated
    number = jnp.cumsum(ends) - ends
    returns = jax.ops.segment_sum(real, number, real.shape[0])
    whole = jnp.arange(real.shape[0]) < jnp.sum(ends)
    best, worst = (jnp.where(whole, returns, x) for x in (-jnp.inf, jnp.inf))
    return jnp.where(jnp.any(ends), jnp.max(best) - jnp.min(worst), 0.0)


def make(config: Config, spec: Spec, learner: OffPolicyLearner) -> Algorithm:
    """The learner on the demonstrations' steps and their rewards.

    Raises:
        UserError: the task's actions are discrete.
    """
    reject_discrete(spec)

    def init(key: Key, demos: Transition) -> State:
        size = spec.obs_size
        norm = ops.Normaliser(jnp.zeros(size), jnp.ones(size))
        if config.normalise_obs:
            norm = ops.fit_normaliser(demos.obs, demos.weight, FLOOR)
        scale = jnp.float32(1.0)
        if config.reward_range:
            found = return_range(demos)
            scale = jnp.where(found > 0, config.reward_range / jnp.maximum(found, 1e-8), 1.0)
        return State(learner.init(key), norm, scale)

    def seen(state: State, obs: jax.Array) -> jax.Array:
        return state.norm(obs, jnp.inf)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        draw = buffer.real_row_sampler(demo_experience(demos, spec.horizon), demos.weight)

        def step(inner: Any, key: Key) -> tuple[Any, Metrics]:
            k_rows, k_learn = jax.random.split(key)
            batch = draw(k_rows, config.batch)
            batch = batch.replace(
                obs=seen(state, batch.obs),
                next_obs=seen(state, batch.next_obs),
                reward=batch.reward * state.reward_scale,
            )
            return learner.learn(k_learn, inner, batch)

        inner, metrics = jax.lax.scan(step, state.learner, jax.random.split(key, config.steps))
        return state.replace(learner=inner), jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.learner, seen(state, obs))

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        assert learner.value_estimator is not None
        return (
            learner.value_estimator.value(key, state.learner, seen(state, obs)) / state.reward_scale
        )

    value_estimator = (
        ValueEstimator(value, learner.value_estimator.discount) if learner.value_estimator else None
    )
    return Algorithm(
        init, update, act, Cost(grad_steps=config.steps), value_estimator=value_estimator
    )
