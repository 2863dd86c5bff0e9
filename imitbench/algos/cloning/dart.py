"""DART: clone an expert that is pushed off its path by noise as large as the clone's own errors.

Source: Laskey et al. 2017 (arXiv:1703.09327), algorithm 1, with the covariance of the official
code: that of the clone's errors on demonstrations that it has not learned from yet. The paper's
scaling of it by a prior guess of the final error is left out, as it is there.
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
)
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config(aggregation.Config):
    """Settings of DART; its episodes are the expert's, under noise."""


def disturbance(key: Key, errors: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Normal noise [..., A] with mean 0 and the covariance of `errors` [N, A] around 0: mixtures of
    them, so that nothing needs to be factored."""
    mix = jax.random.normal(key, (*shape, errors.shape[0]))
    return mix @ errors / jnp.sqrt(errors.shape[0])


def make(config: Config, spec: Spec, env: Env, expert: Actor | Policy) -> Algorithm:
    """DART; one update is one round: the expert shows under noise, the clone learns, its errors
    make the noise of the next. The first round has none. State: `_aggregate.State`, whose memory
    is the clone's errors [N, A] on the round before, 0 where there was no step."""
    if spec.discrete:
        raise UserError(f"{env.name} has discrete actions: DART's noise needs continuous ones")

    demonstrator = as_actor(expert)

    def collect(
        key: Key, learner: Policy, errors: jax.Array
    ) -> tuple[bc.Pairs, jax.Array, Metrics]:
        k_show, k_err = jax.random.split(key)

        def act(key: Key, memory: Any, state: EnvState) -> tuple[Decision, Any]:
            k_expert, k_noise = jax.random.split(key)
            action, memory = demonstrator.act(k_expert, memory, state)
            noise = disturbance(k_noise, errors, action.shape[:-1])
            return Decision(jnp.clip(action + noise, -1.0, 1.0), action), memory

        disturbed = Actor(demonstrator.start, act)
        steps = rollout.episodes(env, disturbed, k_show, config.episodes)
        shown = rollout.flatten(steps)
        made = learner(k_err, shown.obs) - shown.intended_action
        made = jnp.where(shown.weight[:, None] > 0, made, 0.0)
        noise = jnp.sqrt(jnp.mean(errors**2))
        return bc.Pairs(shown.obs, shown.intended_action, shown.weight), made, {"noise": noise}

    none = jnp.zeros((config.episodes * spec.horizon, spec.action_size))
    return aggregation.make(config, spec, collect, none)
