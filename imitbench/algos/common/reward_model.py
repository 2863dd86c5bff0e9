"""Reward models: where an off-policy learner's rewards come from, if not from the task alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from imitbench.algos.common.replay_buffer import Experience, RowSampler
from imitbench.core import buffer
from imitbench.core.types import Key, Metrics, Transition

Normalise = Callable[[jax.Array], jax.Array]
"""Observations [N, O] of the environment -> observations [N, O] as the learner's networks get
them."""


class RewardModel(NamedTuple):
    """A source of rewards with a state of its own, such as a discriminator.

    init(key, demos) -> state.
    update(key, state, replay, sample_agent: RowSampler, sample_demos: RowSampler) -> (state,
    metrics): learns from the agent's steps, with the goals of their episodes, and from demonstrated
    ones, relabelled as for the learner. It is called once a round, before the learner's gradient
    steps.
    transform(key, state, rows [N], normalise) -> rows [N]: a minibatch with this model's rewards
    and with normalised observations. Demonstrated rows, where there are any, come last.
    """

    init: Callable[[Key, Transition], Any]
    update: Callable[[Key, Any, buffer.Ring, RowSampler, RowSampler], tuple[Any, Metrics]]
    transform: Callable[[Key, Any, Experience, Normalise], Experience]
    uses_demos: bool = True  # whether `update` calls `sample_demos`


def normalise_rows(key: Key, state: Any, rows: Experience, normalise: Normalise) -> Experience:
    """A minibatch [N] with normalised observations and the task's rewards: `transform` of
    `TASK_REWARD`."""
    return rows.replace(obs=normalise(rows.obs), next_obs=normalise(rows.next_obs))


TASK_REWARD = RewardModel(
    init=lambda key, demos: (),
    update=lambda key, state, *_: (state, {}),
    transform=normalise_rows,
    uses_demos=False,
)
"""The rewards that the environment pays."""
