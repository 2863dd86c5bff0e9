"""SQIL: SAC that is paid 1 for demonstrated steps and 0 for its own.

Source: Reddy et al. 2020 (arXiv:1905.11108), algorithm 1, with SAC as in its section 4: each
minibatch is half demonstrated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from imitbench.algos.rl import off_policy, sac
from imitbench.algos.rl.off_policy import RewardModel
from imitbench.algos.rl.replay_buffer import Experience
from imitbench.core.types import Algorithm, Env, Key, Spec


@dataclass(frozen=True)
class Config(sac.Config):
    """Settings of SQIL: SAC's; to each minibatch as many demonstrated steps are added."""


def reward_model(batch: int) -> RewardModel:
    """Pays for the last half of a minibatch of twice `batch` rows."""

    def show(
        key: Key, state: tuple[()], rows: Experience, norm: Callable[[jax.Array], jax.Array]
    ) -> Experience:
        rows = off_policy.normalise_rows(key, state, rows, norm)
        return rows.replace(reward=jnp.repeat(jnp.array([0.0, 1.0]), batch))

    return off_policy.TASK_REWARD._replace(show=show)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """SQIL on the demonstrations' steps, not on their rewards. State: `_offpolicy.State` around
    `sac.State`."""
    batch, learner = config.replay.batch, sac.learner(config, spec)
    return off_policy.make(config.replay, spec, env, learner, batch, reward_model(batch))
