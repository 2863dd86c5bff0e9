"""VINS+RL: the value and the model of VINS, improved by the policy's own steps.

Source: Luo, Xu, Ma 2019 (arXiv:1907.05634), algorithm 3: begin with VINS and the demonstrations in
the replay; then collect with noise around 0 (option 2), fit the value by temporal differences
alone, without negative samples, and the model. No hindsight goals, no resets to demonstrated
states. How many steps of each is not in the paper's main text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

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
    """The start: VINS on the demonstrations; and the batch, rates and goal handling after it."""
    pretrain: int = 10_000
    """Gradient steps of that start, a multiple of `vins.clone.steps`."""
    alpha: float = 1.0
    """Half the width of the uniform noise around 0 afterwards."""
    envs: int = 16
    """Environments that run beside each other."""
    length: int = 1
    """Steps of each environment between two rounds of gradient steps."""
    rounds: int = 250
    """Rounds of collecting and learning in one update."""
    grad_steps: int = 4
    """Gradient steps of value and model in a round."""
    capacity: int = 500_000
    """Steps kept for replay, the demonstrations among them; the oldest make room."""

    def __post_init__(self) -> None:
        for name in ("envs", "length", "rounds", "grad_steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(0 < self.alpha <= 2, self, "alpha", "above 0, at most 2")
        steps = self.vins.clone.steps
        whole = self.pretrain >= 0 and self.pretrain % steps == 0
        require(whole, self, "pretrain", f"a multiple of vins.clone.steps={steps}")
        if self.vins.goal == "first":
            raise UserError("vins.goal=first: what is collected is not cut; take absorbing or last")


class State(struct.PyTreeNode):
    vins: vins.State
    replay: buffer.Ring  # of vins.Rows
    running: unrolling.RunningEpisodes


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """VINS+RL; one update is `rounds` rounds of collecting and learning. State: `State`."""
    start = vins.learner(config.vins, spec)
    own = replace(config.vins, mu=0.0, prior=False, alpha=config.alpha)
    after = vins.learner(own, spec)
    per_round = config.envs * config.length

    def init(key: Key, demos: Transition) -> State:
        k_init, k_fit, k_env = jax.random.split(key, 3)
        shown = vins.demo_rows(own, start.view, demos)
        needed = shown.weight.shape[0] + per_round
        if config.capacity < needed:
            raise UserError(f"capacity={config.capacity}: demos and a round need {needed} steps")

        def fit(state: vins.State, key: Key) -> tuple[vins.State, None]:
            return start.update(key, state, demos)[0], None

        keys = jax.random.split(k_fit, config.pretrain // config.vins.clone.steps)
        state, _ = jax.lax.scan(fit, start.init(k_init, demos), keys)
        replay = buffer.append(buffer.ring(shown, config.capacity), shown)
        return State(state, replay, unrolling.start_episodes(env, k_env, config.envs))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        def round_(state: State, key: Key) -> tuple[State, Metrics]:
            k_collect, k_learn = jax.random.split(key)
            running, steps, _ = unrolling.unroll(
                env,
                lambda key, obs: after.act(key, state.vins, obs),
                k_collect,
                state.running,
                config.length,
            )
            new = vins.demo_rows(own, after.view, rollout.flatten(steps))
            replay = buffer.append(state.replay, new)

            def step(inner: vins.State, key: Key) -> tuple[vins.State, Metrics]:
                k_rows, k_fit = jax.random.split(key)
                batch: Any = buffer.sample(k_rows, replay.rows, own.batch, replay.size)
                return after.fit(k_fit, inner, batch)

            inner, metrics = jax.lax.scan(
                step, state.vins, jax.random.split(k_learn, config.grad_steps)
            )
            metrics = jax.tree.map(jnp.mean, metrics) | {"reward": jnp.mean(steps.reward)}
            return State(inner, replay, running), metrics

        state, metrics = jax.lax.scan(round_, state, jax.random.split(key, config.rounds))
        return state, jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return after.act(key, state.vins, obs)

    cost = Cost(
        env_steps=config.rounds * per_round,
        grad_steps=config.rounds * config.grad_steps,
        grad_step_offset=-config.pretrain,  # done before the first update
    )
    return Algorithm(init, update, act, cost)
