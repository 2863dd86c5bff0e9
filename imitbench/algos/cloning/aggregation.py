"""Shared code of DAgger and DART: rounds of collecting labelled episodes and cloning them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.cloning import bc, held_out
from imitbench.core import buffer
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Policy, Spec, Transition
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of the rounds."""

    clone: bc.Config = field(default_factory=bc.Config)
    """Settings of the supervised learner."""
    episodes: int = 2
    """Episodes collected and labelled in a round."""
    fits: int = 10
    """Updates of the supervised learner in a round: fits * clone.steps gradient steps."""
    capacity: int = 20_000
    """Rows of the aggregate, demonstrations included; beyond it the oldest are overwritten."""

    def __post_init__(self) -> None:
        for name in ("episodes", "fits", "capacity"):
            require(getattr(self, name) >= 1, self, name, "1 or more")


class State(struct.PyTreeNode):
    """What is learned, and what is collected."""

    clone: bc.State
    data: buffer.Ring  # of `bc.Pairs`: the demonstrations, then the rounds
    memory: Any  # what a method carries from round to round


Collect = Callable[[Key, Policy, Any], tuple[bc.Pairs, Any, Metrics]]
"""(key, learner, memory) -> a round's labelled steps [N], episode by episode; memory; metrics."""


def make(config: Config, spec: Spec, collect: Collect, memory: Any) -> Algorithm:
    """Builds a method whose update is one round: collect `config.episodes`, then clone.

    Args:
        config: settings.
        spec: the task.
        collect: collects and labels the steps of a round.
        memory: what `collect` gets in the first round.

    Returns:
        The method. State: `State`.
    """
    learner = bc.supervised_learner(config.clone, spec)
    rows_per_round = config.episodes * spec.horizon

    def init(key: Key, demos: Transition) -> State:
        pairs, _ = bc.split(config.clone, spec, demos)
        needed = max(pairs.weight.shape[0], rows_per_round)
        if config.capacity < needed:
            raise UserError(
                f"capacity={config.capacity}: a round or the demos need {needed} rows; set "
                f"{needed} or more"
            )
        data = buffer.append(buffer.ring(pairs, config.capacity), pairs)
        # Held-out episodes come last where they are among the pairs: the first round overwrites
        # them.
        held = held_out.find(config.clone.validation, spec, demos)
        used = buffer.find_episodes(demos).used
        data = data.replace(written=used - jnp.sum(held.mask) if held else used)
        return State(learner.init(key, pairs), data, memory)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_collect, k_fit = jax.random.split(key)

        def policy(key: Key, obs: jax.Array) -> jax.Array:
            return learner.act(key, state.clone, obs)

        pairs, memory, round_metrics = collect(k_collect, policy, state.memory)
        data = buffer.append(state.data, pairs)

        def fit(clone: bc.State, key: Key) -> tuple[bc.State, Metrics]:
            return learner.fit(key, clone, data.rows)

        clone, metrics = jax.lax.scan(fit, state.clone, jax.random.split(k_fit, config.fits))
        rest = bc.split(config.clone, spec, demos)[1]
        clone, validation_metrics = learner.validate(clone, rest)
        metrics = jax.tree.map(jnp.mean, metrics) | round_metrics | validation_metrics
        return State(clone, data, memory), metrics | {"rows": data.size.astype(jnp.float32)}

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.clone, obs)

    cost = Cost(
        env_steps=rows_per_round,
        expert_queries=rows_per_round,
        grad_steps=config.fits * config.clone.steps,
    )
    return Algorithm(init, update, act, cost)
