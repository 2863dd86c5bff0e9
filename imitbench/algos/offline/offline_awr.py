"""AWR on fixed data: its two regressions on the demonstrations' steps, without an environment.

Source: Peng et al. 2019 (arXiv:1910.00177), algorithm 1 and section 5.4.

Different from the source: default settings are those of the official code, which has no experiments
on fixed data.

Use it when data hold whole episodes with rewards and a stable, simple method is wanted.

Sensitive to: `temperature`, `standardise` and `max_weight` (how greedy the weights are),
`td_lambda`, `policy_lr`.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.rl import awr_learner, weighted_regression
from imitbench.core import buffer, ops
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Spec, Traits, Transition

TRAITS = Traits(needs_rewards=True, streams=True)


@dataclass(frozen=True)
class Config(awr_learner.UpdateConfig):
    """Settings of AWR without an environment."""


class State(struct.PyTreeNode):
    """The learner's state, and the normaliser of the data's observations."""

    core: awr_learner.Core
    norm: ops.Normaliser


def make(config: Config, spec: Spec) -> Algorithm:
    """AWR on the demonstrations' rewards. The state is a `State`.

    Raises:
        UserError: the task's actions are discrete.
    """
    reject_discrete(spec)
    learner = awr_learner.learner(config, spec)

    def init(key: Key, demos: Transition) -> State:
        return State(learner.init(key), ops.fit_normaliser(demos.obs, demos.weight))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        steps = weighted_regression.demo_steps(demos)
        # The random numbers of the fit stand for steps in the order of time, the first steps of all
        # episodes first.
        order = jnp.argsort(buffer.find_episodes(demos).t, stable=True)
        core, metrics = learner.fit(
            key, state.core, steps, order, lambda obs: state.norm(obs, awr_learner.CLIP)
        )
        return state.replace(core=core), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, state.norm(obs, awr_learner.CLIP))

    return Algorithm(init, update, act, Cost(grad_steps=learner.grad_steps))
