"""VINS with true dynamics: the environment steps every candidate action in place of the model.

It is trained like `vins`. It differs where it acts: evaluation gives it the whole state of the
environment, so the physics engine predicts the next states. `act`, which gets observations alone,
uses the model.

Source: Luo, Xu and Ma 2019 (arXiv:1907.05634), the rows "true dynamics" of Table 2.

Use it when you want to know how much of the error of `vins` is the model's: it is an upper bound,
not a method for deployment.

Sensitive to: the settings of `vins`, and `k`, because each candidate costs one environment step.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax

from imitbench.algos.model_based import vins
from imitbench.algos.model_based.vins_policy import pick_best
from imitbench.core.types import Actor, Algorithm, Cost, Env, EnvState, Key, Spec, Traits

TRAITS = Traits(needs_goals_reached=True)


@dataclass(frozen=True)
class Config(vins.Config):
    """Settings of VINS with true dynamics."""

    k: int = 16
    """Number of candidate actions; each costs one environment step."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """VINS, whose actor takes `k` environment steps to choose an action. State: `vins.State`."""
    learner = vins.learner(config, spec)

    def actor(state: vins.State) -> Actor:
        def act(key: Key, memory: tuple[()], now: EnvState) -> tuple[jax.Array, tuple[()]]:
            actions = learner.propose(key, state, now.obs)  # [B, K, A]
            next_obs = jax.vmap(jax.vmap(env.step, (None, 0)))(now, actions).obs
            states = learner.feature_map.state(next_obs)
            values = learner.value(state, states, learner.feature_map.desired(next_obs))
            return pick_best(actions, values), memory

        return Actor(lambda key, now: (), act)

    cost = Cost(grad_steps=config.clone.steps)
    return Algorithm(learner.init, learner.update, learner.act, cost, actor)
