"""DART: clone an expert whose actions are disturbed by noise as large as the clone's own errors.

Source: Laskey et al. 2017 (arXiv:1703.09327), Algorithm 1.

Different from the source: the covariance of the noise is that of the official code, of the clone's
errors on steps that it has not learned from; the paper also scales it by a prior guess of the final
error. The official code holds out a random share of each episode for good. Here the steps are those
of the round before, the mean over its episodes, from which the clone learns afterwards; before the
first round they are every fifth step of the demonstrations.

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

TRAITS = Traits(version=3)
UNSEEN_EVERY = 5  # the first clone does not learn from every fifth demonstrated step


@dataclass(frozen=True)
class Config(aggregation.Config):
    """Settings of DART; the episodes of a round are the expert's, under noise."""


def scale_of(errors: jax.Array, weight: jax.Array) -> jax.Array:
    """A square root of the covariance of errors, taken around 0.

    Args:
        errors: [N, A] the clone's action minus the expert's.
        weight: [N] their weights; where all are 0, so is the result.

    Returns:
        [A, A], which times its transpose is the covariance.
    """
    total = jnp.maximum(jnp.sum(weight), jnp.finfo(jnp.float32).tiny)
    covariance = (errors * weight[:, None]).T @ errors / total
    variances, axes = jnp.linalg.eigh(covariance)
    return axes * jnp.sqrt(jnp.maximum(variances, 0.0))


def noise(key: Key, scale: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Normal noise [*shape, A] with mean 0 and the covariance scale @ scale.T, of `scale_of`."""
    return jax.random.normal(key, (*shape, scale.shape[0])) @ scale.T


def disturbed(expert: Actor, scale: jax.Array) -> Actor:
    """The expert under `noise`: it executes the noisy action, clipped, and intends its own."""

    def act(key: Key, memory: Any, state: EnvState) -> tuple[Decision, Any]:
        k_expert, k_noise = jax.random.split(key)
        action, memory = expert.act(k_expert, memory, state)
        noisy_action = action + noise(k_noise, scale, action.shape[:-1])
        return Decision(jnp.clip(noisy_action, -1.0, 1.0), action), memory

    return Actor(expert.start, act)


def make(config: Config, spec: Spec, env: Env, expert: Actor | Policy) -> Algorithm:
    """DART; one update is one round: the expert demonstrates under noise, and the clone learns.

    State: `aggregation.State`, whose memory is the scale [A, A] of the next round's noise.
    """
    if spec.discrete:
        raise UserError(f"{env.name} has discrete actions: DART's noise needs continuous ones")
    demonstrator = as_actor(expert)

    def measured(
        key: Key, learner: bc.SupervisedLearner, clone: bc.State, pairs: bc.Pairs
    ) -> jax.Array:
        errors = learner.act(key, clone, pairs.obs) - pairs.target
        return scale_of(jnp.where(pairs.weight[:, None] > 0, errors, 0.0), pairs.weight)

    def collect(
        key: Key, learner: bc.SupervisedLearner, clone: bc.State, scale: jax.Array
    ) -> tuple[Transition, jax.Array, Metrics]:
        k_episodes, k_clone = jax.random.split(key)
        steps = rollout.episodes(env, disturbed(demonstrator, scale), k_episodes, config.episodes)
        length = jnp.maximum(jnp.sum(steps.weight, axis=0), 1.0)
        rows = rollout.flatten(steps.replace(weight=steps.weight / length))
        pairs = bc.Pairs(rows.obs, rows.intended_action, rows.weight)
        spread = jnp.sqrt(jnp.sum(scale**2) / spec.action_size)
        return steps, measured(k_clone, learner, clone, pairs), {"noise": spread}

    return aggregation.make(config, spec, collect, measured, unseen_every=UNSEEN_EVERY)
