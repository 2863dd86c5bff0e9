"""AWR on fixed data: its regressions on the demonstrations' steps, without an environment.

Source: Peng et al. 2019 (arXiv:1910.00177), section 5.4 (learning from fixed data).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
from flax import struct

from imitbench.algos.rl import weighted_regression
from imitbench.algos.rl.off_policy import reject_discrete
from imitbench.core import ops
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Spec, Traits, Transition

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config(weighted_regression.UpdateConfig):
    """Settings of AWR without an environment."""


class State(struct.PyTreeNode):
    core: weighted_regression.Core
    norm: ops.Normaliser


def make(config: Config, spec: Spec) -> Algorithm:
    """AWR on the demonstrations' rewards. State: `State`."""
    reject_discrete(spec)
    learner = weighted_regression.learner(config, spec)

    def init(key: Key, demos: Transition) -> State:
        return State(learner.init(key), ops.fit_normaliser(demos.obs, demos.weight))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        steps = weighted_regression.time_major(demos, spec.horizon)
        steps = steps.replace(
            obs=state.norm(steps.obs, weighted_regression.CLIP),
            next_obs=state.norm(steps.next_obs, weighted_regression.CLIP),
        )
        core, metrics = learner.fit(key, state.core, steps)
        return state.replace(core=core), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, state.norm(obs, weighted_regression.CLIP))

    return Algorithm(init, update, act, Cost(grad_steps=weighted_regression.gradient_steps(config)))
