"""Random actions: a control that learns nothing, as a row of tables and a side of claims.

Source: none; it is the random policy of the reference scores.

An update changes nothing. It counts as `steps` gradient steps, so that a cell has a budget.

Use it where a claim says that a method learned nothing.

Sensitive to: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.off_policy import reject_discrete
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Spec, Traits, Transition

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class Config:
    """Settings of random actions."""

    steps: int = 1
    """Gradient steps that an update counts as, and does not take."""

    def __post_init__(self) -> None:
        require(self.steps >= 1, self, "steps", "1 or more")


class State(struct.PyTreeNode):
    """What distinguishes training seeds: a random number that is folded into each key."""

    number: jax.Array  # [] uint32


def make(config: Config, spec: Spec) -> Algorithm:
    """Uniformly random actions in [-1, 1]. State: `State`.

    Raises:
        UserError: the task has discrete actions.
    """
    reject_discrete(spec)

    def init(key: Key, demos: Transition) -> State:
        return State(jax.random.bits(key))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        return state, {"loss": jnp.float32(0.0)}

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        key = jax.random.fold_in(key, state.number)
        return jax.random.uniform(key, (*obs.shape[:-1], spec.action_size), minval=-1.0, maxval=1.0)

    return Algorithm(init, update, act, Cost(grad_steps=config.steps))
