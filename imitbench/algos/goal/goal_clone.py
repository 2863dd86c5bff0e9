"""Shared code of GCBC and offline GCSL: a clone of demonstrations whose goals are relabelled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp

from imitbench.algos.cloning import bc_config
from imitbench.algos.cloning.relabelling import Relabeller
from imitbench.algos.cloning.supervised import State, SupervisedLearner, supervised_learner
from imitbench.algos.common import hindsight
from imitbench.core import heads
from imitbench.core.config import require
from imitbench.core.types import (
    Actor,
    Algorithm,
    Cost,
    EnvState,
    Key,
    Policy,
    Spec,
    Transition,
)


@dataclass(frozen=True)
class Config(bc_config.Config):
    """Settings of a clone with relabelled goals: those of BC, and two more."""

    relabel: float = 1.0
    """Share of the rows whose goal is replaced by one that the same episode achieved later, above 0
    and at most 1; they have the executed action. The others keep goal and intended action."""
    validation: float = 0.0
    """Share of the demonstrated episodes held out of training, in [0, 1), rounded down to whole
    episodes; their loss, with relabelled goals, is among the metrics."""
    draws: Literal["rows", "pairs"] = "rows"
    """rows: rows are drawn equally often, then one of the goals that follow. pairs: all pairs of a
    row and a goal are equally likely, so that early rows are drawn more often."""
    steps_left: bool = False
    """Whether the steps to the goal are an input; the policy then gets the steps that are left
    until the time limit."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.relabel > 0, self, "relabel", "a share above 0; for 0 there is bc")


@dataclass(frozen=True)
class GridConfig(Config):
    """The same with GCSL's actions."""

    head: heads.Config = field(default_factory=lambda: heads.Config("grid", bins=3))
    """What turns what the policy sees into actions, and with it the loss: a grid of three levels
    for each component, as in the official code. Tasks with discrete actions always have a
    categorical policy."""


def actor_with_time(policy: Policy, spec: Spec) -> Actor:
    """The actor of a policy that sees the steps that are left until the time limit.

    Args:
        policy: (key, what it sees [B, O + T]) -> action [B, A].
        spec: the task, with the time limit T.

    Returns:
        An actor whose memory is the number of steps done [B].
    """

    def start(key: Key, state: EnvState) -> jax.Array:
        return jnp.zeros(state.obs.shape[0], jnp.int32)

    def act(key: Key, memory: jax.Array, state: EnvState) -> tuple[jax.Array, jax.Array]:
        code = hindsight.steps_left_code(spec.horizon - memory, spec.horizon)
        seen = jnp.concatenate([state.obs, code], axis=-1)
        return policy(key, seen), memory + 1

    return Actor(start, act)


def learner(
    config: bc_config.Config, spec: Spec, relabeller: Relabeller, *, full_range: bool = False
) -> SupervisedLearner:
    """The supervised learner; tasks with discrete actions get a categorical policy."""
    if spec.discrete:
        config = replace(config, head=heads.Config())
    return supervised_learner(config, spec, full_range=full_range, relabeller=relabeller)


def acting(clone: SupervisedLearner, spec: Spec, steps_left: bool) -> dict[str, Any]:
    """`act`, and where the policy sees the steps that are left `actor`, of an `Algorithm` whose
    state is that of the clone. `act` alone takes all steps of an episode as left."""

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        if steps_left:
            code = hindsight.steps_left_code(jnp.int32(spec.horizon), spec.horizon)
            code = jnp.broadcast_to(code, (*obs.shape[:-1], spec.horizon))
            obs = jnp.concatenate([obs, code], axis=-1)
        return clone.act(key, state, obs)

    def actor(state: State) -> Actor:
        return actor_with_time(lambda key, seen: clone.act(key, state, seen), spec)

    return {"act": act, "actor": actor if steps_left else None}


def make(config: Config, spec: Spec, method: str, *, full_range: bool = False) -> Algorithm:
    """Builds a clone of the demonstrations with relabelled goals. State: `supervised.State`.

    Args:
        config: its settings.
        spec: the task.
        method: its name, for messages.
        full_range: as in `supervised_learner`.

    Raises:
        UserError: the task has no goals, or episodes of one step.
    """
    hindsight.require_goals(spec, method)
    relabeller = Relabeller(spec, config.relabel, config.draws, config.steps_left)
    clone = learner(config, spec, relabeller, full_range=full_range)

    def init(key: Key, demos: Transition) -> State:
        return clone.init(key, clone.split(demos)[0])

    return Algorithm(
        init,
        clone.update,
        cost=Cost(grad_steps=config.steps),
        **acting(clone, spec, config.steps_left),
    )
