"""VINS whose model is the environment itself: the ablation that shows what the learned one costs.

Source: Luo, Xu, Ma 2019 (arXiv:1907.05634), table 2. Trained like `vins`; where the whole state of
the environment is known, the physics engine steps every candidate action from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax

from imitbench.algos.model_based import vins
from imitbench.core.types import Actor, Algorithm, Cost, Env, EnvState, Key, Spec, Traits

TRAITS = Traits(needs_goals_reached=True)


@dataclass(frozen=True)
class Config(vins.Config):
    """Settings of VINS; a candidate costs a step of the environment."""

    k: int = 16


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """VINS; evaluation steps `k` environments for each step of its own."""
    parts = vins.learner(config, spec)

    def actor(state: vins.State) -> Actor:
        def act(key: Key, memory: tuple[()], now: EnvState) -> tuple[jax.Array, tuple[()]]:
            actions = parts.propose(key, state, now.obs)  # [B, k, A]
            after = jax.vmap(jax.vmap(env.step, (None, 0)))(now, actions).obs
            worth = parts.value(state, parts.view.state(after), parts.view.desired(after))
            return vins.pick_best(actions, worth), memory

        return Actor(lambda key, now: (), act)

    cost = Cost(grad_steps=config.clone.steps)
    return Algorithm(parts.init, parts.update, parts.act, cost, actor)
