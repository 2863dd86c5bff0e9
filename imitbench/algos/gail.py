"""GAIL: PPO on a reward that a discriminator makes, which learns to tell its steps from the
expert's.

Source: Ho and Ermon 2016 (arXiv:1606.03476), algorithm 1, with PPO in place of TRPO.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos import _discriminator, ppo
from imitbench.algos._discriminator import Pairs
from imitbench.core import rollout
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Transition, require_share


@dataclass(frozen=True)
class Config:
    """Settings of GAIL."""

    ppo: ppo.Config = field(default_factory=ppo.Config)
    """Settings of PPO."""
    discriminator: _discriminator.Rule = field(default_factory=_discriminator.Rule)
    """Settings of the discriminator and of the reward that it makes."""
    imitation: float = 1.0
    """Share of that reward (lambda); the task's own has the rest."""
    constant: bool = False
    """Pay 1 for every step, whatever the discriminator says: a control that shows what the lengths
    of episodes alone teach."""

    def __post_init__(self) -> None:
        require_share(self, "imitation")


class State(struct.PyTreeNode):
    core: ppo.Core
    discriminator: _discriminator.State
    running: rollout.Running


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """GAIL on the demonstrations' observations and actions. One update collects `ppo.envs` *
    `ppo.length` steps, takes the discriminator's gradient steps, then PPO's. State: `State`."""
    learner = ppo.learner(config.ppo, spec)
    judge = _discriminator.discriminator(config.discriminator, spec)
    own = config.ppo

    def shown(demos: Transition) -> Pairs:
        return Pairs(demos.obs, demos.action, demos.weight)

    def init(key: Key, demos: Transition) -> State:
        k_core, k_judge, k_env = jax.random.split(key, 3)
        running = rollout.begin(env, k_env, own.envs)
        return State(learner.init(k_core), judge.init(k_judge, shown(demos)), running)

    def paid(state: _discriminator.State, steps: Transition) -> jax.Array:
        """Rewards [T, B]."""
        if config.constant:
            return jnp.ones_like(steps.reward)
        made = judge.reward(state, steps.obs, steps.action)
        return config.imitation * made + (1.0 - config.imitation) * steps.reward

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_judge, k_learn = jax.random.split(key, 3)
        actor = learner.explore(state.core)
        running, steps, _ = rollout.unroll(env, actor, k_env, state.running, own.length)
        flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), steps)
        seen, told = judge.fit(k_judge, state.discriminator, shown(demos), shown(flat))
        core, metrics = learner.learn(k_learn, state.core, steps.replace(reward=paid(seen, steps)))
        metrics |= told | {"task_reward": jnp.mean(steps.reward)}
        return State(core, seen, running), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, obs)

    cost = Cost(
        env_steps=own.envs * own.length,
        grad_steps=own.epochs * own.minibatches + config.discriminator.steps,
    )
    return Algorithm(init, update, act, cost)
