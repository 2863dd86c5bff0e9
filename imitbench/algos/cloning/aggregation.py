"""What DAgger and DART share: rounds of collecting labelled episodes, and cloning all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.cloning import bc
from imitbench.core import buffer
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Policy, Spec, Transition
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of the rounds."""

    clone: bc.Config = field(default_factory=bc.Config)
    """The supervised learner."""
    episodes: int = 2
    """Episodes collected and labelled in a round."""
    fits: int = 10
    """Updates of the clone in a round: fits * clone.steps gradient steps."""
    capacity: int = 20_000
    """Rows of the aggregate, demonstrations included; beyond it the oldest make room."""

    def __post_init__(self) -> None:
        for name in ("episodes", "fits", "capacity"):
            require(getattr(self, name) >= 1, self, name, "1 or more")


class State(struct.PyTreeNode):
    clone: bc.State
    data: buffer.Ring  # of bc.Pairs: the demonstrations, then the rounds
    memory: Any  # what a method carries from round to round


Collect = Callable[[Key, Policy, Any], tuple[bc.Pairs, Any, Metrics]]
"""(key, the clone, memory) -> a round's labelled steps, episode by episode; memory; metrics."""


def make(config: Config, spec: Spec, collect: Collect, memory: Any) -> Algorithm:
    """One update is one round: collect `config.episodes`, clone. `memory`: before the first round.
    State: `State`."""
    clone = bc.supervised_learner(config.clone, spec)
    rows_per_round = config.episodes * spec.horizon

    def init(key: Key, demos: Transition) -> State:
        pairs, _ = bc.split(config.clone, spec, demos)
        needed = max(pairs.weight.shape[0], rows_per_round)
        if config.capacity < needed:
            raise UserError(f"capacity={config.capacity}: a round or the demos need {needed} rows")
        data = buffer.append(buffer.ring(pairs, config.capacity), pairs)
        return State(clone.init(key, pairs), data, memory)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_collect, k_fit = jax.random.split(key)

        def learner(key: Key, obs: jax.Array) -> jax.Array:
            return clone.act(key, state.clone, obs)

        new, kept, told = collect(k_collect, learner, state.memory)
        data = buffer.append(state.data, new)

        def fit(inner: bc.State, key: Key) -> tuple[bc.State, Any]:
            return clone.fit(key, inner, data.rows)

        inner, metrics = jax.lax.scan(fit, state.clone, jax.random.split(k_fit, config.fits))
        inner, more = clone.validate(inner, bc.split(config.clone, spec, demos)[1])
        told = told | more | {"rows": data.size.astype(jnp.float32)}
        return State(inner, data, kept), jax.tree.map(jnp.mean, metrics) | told

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return clone.act(key, state.clone, obs)

    cost = Cost(
        env_steps=rows_per_round,
        expert_queries=rows_per_round,
        grad_steps=config.fits * config.clone.steps,
    )
    return Algorithm(init, update, act, cost)
