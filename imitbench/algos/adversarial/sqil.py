"""SQIL: SAC with the reward 1 for demonstrated steps and 0 for its own steps.

Source: Reddy et al. 2020 (arXiv:1905.11108), Algorithm 1, with SAC for continuous actions as in its
section 4. Half of each minibatch is demonstrated.

Use it when you want the simplest off-policy imitator: there is no discriminator.

Sensitive to: early ends of episodes (no reward is negative, so long episodes pay), demonstrations
without gaps (value passes from step to step, so keep their stride at 1), and SAC's temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from imitbench.algos.common import off_policy_loop
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.common.reward_model import TASK_REWARD, Normalise, RewardModel, normalise_rows
from imitbench.algos.rl import sac
from imitbench.core.types import Algorithm, Env, Key, Spec


@dataclass(frozen=True)
class Config(sac.Config):
    """Settings of SQIL: those of SAC. To each minibatch of `replay.batch` steps of its own, as many
    demonstrated steps are added."""


def sqil_rewards(batch: int) -> jax.Array:
    """Rewards [2 * batch] of a minibatch: 0 for its own steps, then 1 for the demonstrated ones."""
    return jnp.repeat(jnp.array([0.0, 1.0]), batch)


def transform(
    batch: int, key: Key, state: tuple[()], rows: Experience, normalise: Normalise
) -> Experience:
    """A minibatch [2 * batch] with `sqil_rewards`, as `RewardModel.transform`."""
    rows = normalise_rows(key, state, rows, normalise)
    return rows.replace(reward=sqil_rewards(batch))


def reward_model(batch: int) -> RewardModel:
    """The fixed rewards, for minibatches of `batch` own and `batch` demonstrated steps."""
    return TASK_REWARD._replace(transform=partial(transform, batch))


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """SQIL on the steps of the demonstrations, without their rewards.

    State: `off_policy.State` of a `sac.State`.
    """
    batch, learner = config.replay.batch, sac.learner(config, spec)
    return off_policy_loop.make(
        config.replay, spec, env, learner, demo_batch=batch, reward_model=reward_model(batch)
    )
