"""VINS+RL: value and model of VINS, trained further on steps that the policy collects.

It begins with VINS and with the demonstrations in the replay. Then it alternates: collect with
candidates around 0 (option 2), and train the value by L_td alone, without negative samples, and the
model (equations (1) and (5) of `vins`). There are no hindsight goals and no resets to demonstrated
states.

Source: Luo, Xu and Ma 2019 (arXiv:1907.05634), Algorithm 3.

Different from the source: its main text does not give the numbers of steps, so they are settings.

Use it when an environment is at hand and a policy from demonstrations alone is not good enough.

Sensitive to: `pretrain`, `grad_steps` with `envs` and `length` (their ratio is the gradient steps
per environment step), and `alpha`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.model_based import vins
from imitbench.core import buffer, rollout, unrolling
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Traits, Transition
from imitbench.utils.errors import UserError

TRAITS = Traits(needs_goals_reached=True)


@dataclass(frozen=True)
class Config:
    """Settings of VINS+RL."""

    vins: vins.Config = field(default_factory=vins.Config)
    """Settings of VINS on the demonstrations; its minibatches, step sizes and values at the goal
    hold afterwards, too."""
    pretrain: int = 10_000
    """Gradient steps on the demonstrations before the first update, a multiple of
    `vins.clone.steps`."""
    alpha: float = 1.0
    """Half the width of the uniform noise around 0 after that, above 0 and at most 2."""
    envs: int = 16
    """Number of parallel environments."""
    length: int = 1
    """Steps of each environment between two rounds of gradient steps."""
    rounds: int = 250
    """Rounds of collecting and learning in one update."""
    grad_steps: int = 4
    """Gradient steps of value and model in a round."""
    capacity: int = 500_000
    """Steps kept for replay, the demonstrations included; beyond it the oldest are overwritten."""

    def __post_init__(self) -> None:
        for name in ("envs", "length", "rounds", "grad_steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        least = self.envs * self.length
        require(self.capacity >= least, self, "capacity", f"{least} or more, the steps of a round")
        require(0 < self.alpha <= 2, self, "alpha", "above 0, at most 2")
        steps = self.vins.clone.steps
        whole = self.pretrain >= 0 and self.pretrain % steps == 0
        require(whole, self, "pretrain", f"a multiple of vins.clone.steps={steps}")
        if self.vins.goal == "first":
            raise UserError(
                "vins.goal=first: vins_rl cannot cut the episodes that it collects; use absorbing "
                "or last"
            )


class State(struct.PyTreeNode):
    """What is learned, and what is collected."""

    vins: vins.State
    replay: buffer.Ring  # of `vins_value.Rows`
    running: unrolling.RunningEpisodes


def pretrain(
    learner: vins.VINSLearner, key: Key, state: vins.State, demos: Transition, updates: int
) -> vins.State:
    """`updates` updates of VINS on the demonstrations [N]."""

    def update(state: vins.State, key: Key) -> tuple[vins.State, None]:
        return learner.update(key, state, demos)[0], None

    return jax.lax.scan(update, state, jax.random.split(key, updates))[0]


def replay_steps(
    learner: vins.VINSLearner, key: Key, state: vins.State, replay: buffer.Ring, number: int
) -> tuple[vins.State, Metrics]:
    """`number` gradient steps of value and model on minibatches of the replay; their metrics."""

    def step(state: vins.State, key: Key) -> tuple[vins.State, Metrics]:
        k_rows, k_step = jax.random.split(key)
        rows = buffer.sample(k_rows, replay.rows, learner.config.batch, replay.size)
        return learner.gradient_step(k_step, state, rows)

    state, metrics = jax.lax.scan(step, state, jax.random.split(key, number))
    return state, jax.tree.map(jnp.mean, metrics)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """VINS+RL; one update is `rounds` rounds of collecting and learning. State: `State`."""
    start = vins.learner(config.vins, spec)
    learner = vins.learner(replace(config.vins, mu=0.0, prior=False, alpha=config.alpha), spec)
    steps_per_round = config.envs * config.length

    def init(key: Key, demos: Transition) -> State:
        k_init, k_pretrain, k_env = jax.random.split(key, 3)
        rows = start.rows(demos)
        needed = rows.weight.shape[0] + steps_per_round
        if config.capacity < needed:
            raise UserError(
                f"capacity={config.capacity}: demos and a round need {needed} steps; set {needed} "
                "or more"
            )
        updates = config.pretrain // config.vins.clone.steps
        state = pretrain(start, k_pretrain, start.init(k_init, demos), demos, updates)
        replay = buffer.append(buffer.ring(rows, config.capacity), rows)
        return State(state, replay, unrolling.start_episodes(env, k_env, config.envs))

    def collect_and_learn(state: State, key: Key) -> tuple[State, Metrics]:
        k_collect, k_learn = jax.random.split(key)

        def policy(key: Key, obs: jax.Array) -> jax.Array:
            return learner.act(key, state.vins, obs)

        running, steps, _ = unrolling.unroll(env, policy, k_collect, state.running, config.length)
        replay = buffer.append(state.replay, learner.rows(rollout.flatten(steps)))
        trained, metrics = replay_steps(learner, k_learn, state.vins, replay, config.grad_steps)
        return State(trained, replay, running), metrics | {"reward": jnp.mean(steps.reward)}

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        state, metrics = jax.lax.scan(
            collect_and_learn, state, jax.random.split(key, config.rounds)
        )
        return state, jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.vins, obs)

    cost = Cost(
        env_steps=config.rounds * steps_per_round,
        grad_steps=config.rounds * config.grad_steps,
        grad_step_offset=-config.pretrain,  # done before the first update
    )
    return Algorithm(init, update, act, cost)
