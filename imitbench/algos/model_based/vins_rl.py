"""VINS+RL: value and model of VINS, trained further on steps that the policy collects.

It begins with VINS. Then it alternates: collect with candidates around 0 (option 2), and train the
value by L_td alone, without negative samples, and the model (equations (1) and (5) of `vins`), on
demonstrated and on collected steps. Episodes end at the goal. There are no hindsight goals and no
resets to demonstrated states.

Source: Luo, Xu and Ma 2019 (arXiv:1907.05634), Algorithm 3.

Different from the source: its main text does not give the numbers of steps, so they are settings;
the code of jypark0/bmil trains the model more often than the value, and its target network follows
more slowly than before. The source only starts its replay with the demonstrations; here a share of
each minibatch is demonstrated, and values are at least minus the time limit, and at most 0.

Use it when an environment is at hand and a policy from demonstrations alone is not good enough.

Sensitive to: `pretrain`, `grad_steps` with `envs` and `length` (their ratio is the gradient steps
per environment step), `model_steps`, `tau`, `vins.k`, `demo_share`, and `alpha`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.model_based import vins
from imitbench.core import buffer, ops, rollout, unrolling
from imitbench.core.config import require, require_capacity, require_rate, require_share
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Traits, Transition
from imitbench.utils.errors import UserError

TRAITS = Traits(needs_goals_reached=True, version=3)


@dataclass(frozen=True)
class Config:
    """Settings of VINS+RL."""

    vins: vins.Config = field(default_factory=vins.Config)
    """Settings of VINS on the demonstrations; its minibatches and learning rates hold afterwards,
    too."""
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
    model_steps: int = 0
    """Further gradient steps of the model alone in a round, 0 or more."""
    model_batch: int = 256
    """Steps in a minibatch of these."""
    tau: float = 5e-3
    """Share by which the target network moves towards the value in a gradient step after the
    pretraining; `vins.tau` holds before."""
    goal_ends: bool = True
    """End collected episodes at the goal, and draw demonstrated steps from before it alone. Else
    both go on until the time limit, and `vins.goal` says what states at the goal are worth."""
    demo_share: float = 1 / 3
    """Share of demonstrated steps in each minibatch, in [0, 1]."""
    capacity: int = 500_000
    """Collected steps kept for replay; beyond it the oldest are overwritten."""

    def __post_init__(self) -> None:
        for name in ("envs", "length", "rounds", "grad_steps", "model_batch"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.model_steps >= 0, self, "model_steps", "0 or more")
        require_rate(self, "tau")
        require_capacity(self, "the steps of a round")
        require(0 < self.alpha <= 2, self, "alpha", "above 0, at most 2")
        require_share(self, "demo_share")
        steps = self.vins.clone.steps
        whole = self.pretrain >= 0 and self.pretrain % steps == 0
        require(whole, self, "pretrain", f"a multiple of vins.clone.steps={steps}")
        if self.vins.goal == "first" and not self.goal_ends:
            raise UserError(
                "vins.goal=first: collected episodes go on at the goal with goal_ends=False; set "
                "goal_ends=True, or vins.goal to absorbing or last"
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
    learner: vins.VINSLearner,
    config: Config,
    key: Key,
    state: vins.State,
    replay: buffer.Ring,
    draw_demos: Callable[[Key, int], Any],
) -> tuple[vins.State, Metrics]:
    """`grad_steps` gradient steps of value and model on minibatches of demonstrated and of
    collected steps, after `model_steps` of the model alone; their metrics."""

    def draw(k_rows: Key, k_demos: Key, batch: int) -> Any:
        demonstrated = round(config.demo_share * batch)
        rows = buffer.sample(k_rows, replay.rows, batch - demonstrated, replay.size)
        demo_rows = draw_demos(k_demos, demonstrated)
        return jax.tree.map(lambda *x: jnp.concatenate(x), demo_rows, rows)

    def model_step(state: vins.State, key: Key) -> tuple[vins.State, None]:
        k_rows, k_demos = jax.random.split(key)
        rows = draw(k_rows, k_demos, config.model_batch)
        return learner.model_step(state, rows)[0], None

    def step(state: vins.State, key: Key) -> tuple[vins.State, Metrics]:
        k_rows, k_demos, k_step = jax.random.split(key, 3)
        return learner.gradient_step(k_step, state, draw(k_rows, k_demos, learner.config.batch))

    if config.model_steps:
        keys = jax.random.split(ops.fold_in_name(key, "model"), config.model_steps)
        state, _ = jax.lax.scan(model_step, state, keys)
    state, metrics = jax.lax.scan(step, state, jax.random.split(key, config.grad_steps))
    return state, jax.tree.map(jnp.mean, metrics)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """VINS+RL; one update is `rounds` rounds of collecting and learning. State: `State`."""
    start = vins.learner(config.vins, spec)
    settings = replace(config.vins, mu=0.0, prior=False, alpha=config.alpha, tau=config.tau)
    learner = vins.learner(settings, spec, (-float(spec.horizon), 0.0))
    goal = config.vins.goal
    # Collected steps are not whole episodes, which cutting them would take.
    collected_goal = "absorbing" if goal == "first" else goal
    demo_goal = "first" if config.goal_ends and goal != "last" else goal
    steps_per_round = config.envs * config.length

    def init(key: Key, demos: Transition) -> State:
        k_init, k_pretrain, k_env = jax.random.split(key, 3)
        rows = start.rows(demos)
        updates = config.pretrain // config.vins.clone.steps
        state = pretrain(start, k_pretrain, start.init(k_init, demos), demos, updates)
        replay = buffer.ring(rows, config.capacity)
        return State(state, replay, unrolling.start_episodes(env, k_env, config.envs))

    def collect_and_learn(
        draw_demos: Callable[[Key, int], Any], state: State, key: Key
    ) -> tuple[State, Metrics]:
        k_collect, k_learn = jax.random.split(key)

        def policy(key: Key, obs: jax.Array) -> jax.Array:
            return learner.act(key, state.vins, obs)

        running, steps, _ = unrolling.unroll(
            env,
            policy,
            k_collect,
            state.running,
            config.length,
            end_at_success=config.goal_ends,
        )
        replay = buffer.append(state.replay, learner.rows(rollout.flatten(steps), collected_goal))
        trained, metrics = replay_steps(learner, config, k_learn, state.vins, replay, draw_demos)
        return State(trained, replay, running), metrics | {"reward": jnp.mean(steps.reward)}

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        rows = learner.rows(demos, demo_goal)
        run_round = partial(collect_and_learn, buffer.real_row_sampler(rows, rows.weight))
        state, metrics = jax.lax.scan(run_round, state, jax.random.split(key, config.rounds))
        return state, jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.vins, obs)

    cost = Cost(
        env_steps=config.rounds * steps_per_round,
        grad_steps=config.rounds * (config.grad_steps + config.model_steps),
        grad_step_offset=-config.pretrain,  # done before the first update
    )
    return Algorithm(init, update, act, cost)
