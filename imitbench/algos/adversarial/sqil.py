"""SQIL: SAC that is paid 1 for demonstrated steps and 0 for its own.

Source: Reddy et al. 2020 (arXiv:1905.11108), algorithm 1, with SAC as in its section 4: each
minibatch is half demonstrated.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp

from imitbench.algos.rl import off_policy_loop, sac
from imitbench.algos.rl.replay_buffer import Experience
from imitbench.algos.rl.reward_model import TASK_REWARD, Normalise, RewardModel, normalise_rows
from imitbench.core.types import Algorithm, Env, Key, Spec


@dataclass(frozen=True)
class Config(sac.Config):
    """Settings of SQIL: SAC's; to each minibatch as many demonstrated steps are added."""


def reward_model(batch: int) -> RewardModel:
    """Pays for the last half of a minibatch of twice `batch` rows."""

    def transform(key: Key, state: tuple[()], rows: Experience, normalise: Normalise) -> Experience:
        rows = normalise_rows(key, state, rows, normalise)
        return rows.replace(reward=jnp.repeat(jnp.array([0.0, 1.0]), batch))

    return TASK_REWARD._replace(transform=transform)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """SQIL on the demonstrations' steps, not on their rewards. State: `_offpolicy.State` around
    `sac.State`."""
    batch, learner = config.replay.batch, sac.learner(config, spec)
    return off_policy_loop.make(
        config.replay, spec, env, learner, demo_batch=batch, reward_model=reward_model(batch)
    )
