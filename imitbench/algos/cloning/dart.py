"""DART: clone an expert whose actions are disturbed by noise as large as the clone's own errors.

Source: Laskey et al. 2017 (arXiv:1703.09327), Algorithm 1.

Different from the source: the covariance of the noise is that of the official code, of the clone's
errors on a round of demonstrations before it learns from them. The paper also scales it by a prior
guess of the final error; that is left out, as in the official code. The clone learns from
demonstrations before the first round, which has no noise.

Use it when an expert can demonstrate under noise but cannot label the states that a policy visits,
and BC lacks demonstrations of recovery.

Sensitive to: the expert (it has to recover from the noise), `episodes` and the number of rounds,
and `fits` with `clone.steps` (an undertrained clone asks for too much noise).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.algos.cloning import aggregation, bc
from imitbench.core import rollout
from imitbench.core.actor import as_actor
from imitbench.core.types import (
    Actor,
    Algorithm,
    Decision,
    Env,
    EnvState,
    Key,
    Metrics,
    Policy,
    Spec,
    Traits,
    Transition,
)
from imitbench.utils.errors import UserError

TRAITS = Traits(version=2)


@dataclass(frozen=True)
class Config(aggregation.Config):
    """Settings of DART; the episodes of a round are the expert's, under noise."""


def noise(key: Key, errors: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Normal noise with mean 0 and the covariance of the clone's errors.

    It mixes the errors with normal weights, so that no covariance matrix needs to be factored.

    Args:
        key: random key.
        errors: [N, A] the clone's action minus the expert's; their covariance is taken around 0.
        shape: leading axes of the noise.

    Returns:
        [*shape, A] noise.
    """
    weights = jax.random.normal(key, (*shape, errors.shape[0]))
    return weights @ errors / jnp.sqrt(errors.shape[0])


def disturbed(expert: Actor, errors: jax.Array) -> Actor:
    """The expert under `noise`: it executes the noisy action, clipped, and intends its own."""

    def act(key: Key, memory: Any, state: EnvState) -> tuple[Decision, Any]:
        k_expert, k_noise = jax.random.split(key)
        action, memory = expert.act(k_expert, memory, state)
        noisy_action = action + noise(k_noise, errors, action.shape[:-1])
        return Decision(jnp.clip(noisy_action, -1.0, 1.0), action), memory

    return Actor(expert.start, act)


def make(config: Config, spec: Spec, env: Env, expert: Actor | Policy) -> Algorithm:
    """DART; one update is one round: the expert demonstrates under noise, and the clone learns.

    State: `aggregation.State`, whose memory is the clone's errors [N, A] on the round before, 0 for
    rows of weight 0. They make the noise of the next round.
    """
    if spec.discrete:
        raise UserError(f"{env.name} has discrete actions: DART's noise needs continuous ones")
    demonstrator = as_actor(expert)

    def collect(
        key: Key, learner: bc.SupervisedLearner, clone: bc.State, errors: jax.Array
    ) -> tuple[Transition, jax.Array, Metrics]:
        k_episodes, k_clone = jax.random.split(key)
        actor = disturbed(demonstrator, errors)
        steps = rollout.episodes(env, actor, k_episodes, config.episodes)
        rows = rollout.flatten(steps)
        new_errors = learner.act(k_clone, clone, rows.obs) - rows.intended_action
        new_errors = jnp.where(rows.weight[:, None] > 0, new_errors, 0.0)
        return steps, new_errors, {"noise": jnp.sqrt(jnp.mean(errors**2))}

    no_errors = jnp.zeros((config.episodes * spec.horizon, spec.action_size))
    return aggregation.make(config, spec, collect, no_errors)
