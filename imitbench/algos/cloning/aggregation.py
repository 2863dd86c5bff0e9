"""Shared code of DAgger and DART: rounds of collecting labelled episodes and cloning them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.cloning import bc, held_out
from imitbench.algos.cloning.memory import windows
from imitbench.core import buffer, ops
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Spec, Transition
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
    start_fits: int = 10
    """Such updates on the demonstrations before the first round."""
    rounds: int = 0
    """Rounds that collect; the updates after them only fit the clone to all that was collected.
    0: every update is a round."""
    capacity: int = 20_000
    """Rows of the aggregate, demonstrations included; beyond it the oldest are overwritten."""

    def __post_init__(self) -> None:
        for name in ("episodes", "fits", "capacity"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("start_fits", "rounds"):
            require(getattr(self, name) >= 0, self, name, "0 or more")


class State(struct.PyTreeNode):
    """What is learned, and what is collected."""

    clone: bc.State
    data: buffer.Ring  # of `bc.Pairs`: the demonstrations, then the rounds
    memory: Any  # what a method carries from round to round
    updates: jax.Array  # [] their number so far


Collect = Callable[[Key, bc.SupervisedLearner, bc.State, Any], tuple[Transition, Any, Metrics]]
"""(key, learner, its state, memory) -> a round's labelled episodes [T, B]; memory; metrics."""

Start = Callable[[Key, bc.SupervisedLearner, bc.State, bc.Pairs], Any]
"""(key, learner, its state before the first round, pairs) -> the memory for the first round. The
pairs [N] that have a weight above 0 are those that the learner has not learned from."""


def make(
    config: Config,
    spec: Spec,
    collect: Collect,
    start: Start,
    *,
    unseen_every: int = 0,
    remembers: bool = False,
) -> Algorithm:
    """Builds a method whose update is one round: collect `config.episodes`, then clone.

    Args:
        config: settings.
        spec: the task.
        collect: collects and labels the steps of a round.
        start: what `collect` gets in the first round. The clone has learned from the
            demonstrations before.
        unseen_every: before the first round the clone does not learn from every so many-th pair;
            0: it learns from all.
        remembers: `collect` uses the learner's `actor`, so that the clone may have a memory.

    Returns:
        The method. State: `State`.
    """
    learner = bc.supervised_learner(config.clone, spec, full_range=True, remembers=remembers)
    rows_per_round = config.episodes * spec.horizon

    def fit_often(
        key: Key, clone: bc.State, pairs: bc.Pairs, times: int
    ) -> tuple[bc.State, Metrics]:
        def fit(clone: bc.State, key: Key) -> tuple[bc.State, Metrics]:
            return learner.fit(key, clone, pairs)

        return jax.lax.scan(fit, clone, jax.random.split(key, times))

    def init(key: Key, demos: Transition) -> State:
        pairs, held_out_pairs = bc.split(config.clone, spec, demos)
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
        unseen = jnp.zeros(len(pairs.weight), bool)
        if unseen_every:
            unseen = jnp.arange(len(pairs.weight)) % unseen_every == unseen_every - 1
        seen = pairs.replace(weight=jnp.where(unseen, 0.0, pairs.weight))
        clone, _ = fit_often(key, learner.init(key, pairs), seen, config.start_fits)
        clone, _ = learner.validate(clone, held_out_pairs)
        rest = pairs.replace(weight=jnp.where(unseen, pairs.weight, 0.0))
        memory = start(ops.fold_in_name(key, "start"), learner, clone, rest)
        return State(clone, data, memory, jnp.int32(0))

    def collect_round(key: Key, state: State) -> tuple[buffer.Ring, Any, Metrics]:
        steps, memory, metrics = collect(key, learner, state.clone, state.memory)
        return buffer.append(state.data, learner.view.pairs_of_rollout(steps)), memory, metrics

    def collect_nothing(key: Key, state: State) -> tuple[buffer.Ring, Any, Metrics]:
        shapes = jax.eval_shape(collect_round, key, state)[2]
        metrics = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
        return state.data, state.memory, metrics

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_collect, k_fit = jax.random.split(key)
        if config.rounds:
            data, memory, round_metrics = jax.lax.cond(
                state.updates < config.rounds, collect_round, collect_nothing, k_collect, state
            )
        else:
            data, memory, round_metrics = collect_round(k_collect, state)
        norm = learner.view.fit_normaliser(data.rows)
        clone = state.clone.replace(norm=norm)
        clone, metrics = fit_often(k_fit, clone, kept_pairs(data), config.fits)
        rest = bc.split(config.clone, spec, demos)[1]
        clone, validation_metrics = learner.validate(clone, rest)
        metrics = jax.tree.map(jnp.mean, metrics) | round_metrics | validation_metrics
        metrics["rows"] = data.size.astype(jnp.float32)
        return State(clone, data, memory, state.updates + 1), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.clone, obs)

    cost = Cost(
        env_steps=rows_per_round,
        expert_queries=rows_per_round,
        grad_steps=config.fits * config.clone.steps,
        grad_step_offset=-config.start_fits * config.clone.steps,
        collecting_updates=config.rounds or None,
    )
    actor = lambda state: learner.actor(state.clone)  # noqa: E731
    return Algorithm(
        init,
        update,
        act,
        cost,
        actor=actor if config.clone.memory.used else None,
        network_calls=learner.network_calls,
    )


def kept_pairs(data: buffer.Ring) -> bc.Pairs:
    """The pairs of the aggregate; where rows were overwritten, windows end at what is left."""
    pairs = data.rows
    if pairs.steps is None:
        return pairs
    return pairs.replace(steps=windows.kept_steps(data, pairs.steps))
