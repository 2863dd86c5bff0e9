"""AWR on fixed data: its regressions on the demonstrations' steps, without an environment.

Source: Peng et al. 2019 (arXiv:1910.00177), section 5.4 (learning from fixed data).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
from flax import struct

from imitbench.algos import _awr
from imitbench.algos._offpolicy import reject_discrete
from imitbench.core import ops
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Spec, Traits, Transition

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config(_awr.Rule):
    """Settings of AWR without an environment."""


class State(struct.PyTreeNode):
    core: _awr.Core
    norm: ops.Normaliser


def make(config: Config, spec: Spec) -> Algorithm:
    """AWR on the demonstrations' rewards. State: `State`."""
    reject_discrete(spec)
    learner = _awr.learner(config, spec)

    def init(key: Key, demos: Transition) -> State:
        return State(learner.init(key), ops.fit_normaliser(demos.obs, demos.weight))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        steps = _awr.by_time(demos, spec.horizon)
        steps = steps.replace(
            obs=state.norm(steps.obs, _awr.CLIP), next_obs=state.norm(steps.next_obs, _awr.CLIP)
        )
        core, metrics = learner.fit(key, state.core, steps)
        return state.replace(core=core), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, state.norm(obs, _awr.CLIP))

    return Algorithm(init, update, act, Cost(grad_steps=_awr.gradient_steps(config)))
