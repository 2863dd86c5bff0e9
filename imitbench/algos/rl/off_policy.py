"""What the off-policy learners share: collecting, replaying, the outer loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.rl import replay_buffer
from imitbench.algos.rl.replay_buffer import Experience
from imitbench.core import buffer, ops, policy_nets, unrolling
from imitbench.core.config import ADDED_LATER, require, require_share
from imitbench.core.types import (
    Algorithm,
    Cost,
    Env,
    Key,
    Metrics,
    Params,
    Policy,
    Spec,
    Transition,
    ValueEstimator,
)
from imitbench.utils.errors import UserError

# Of normalised observations: the least standard deviation, and the bound on both sides.
FLOOR, CLIP = 0.01, 5.0


@dataclass(frozen=True)
class Config:
    """How an off-policy learner collects and replays."""

    envs: int = 1
    """Environments that run beside each other."""
    length: int = 1
    """Steps of each environment between two rounds of gradient steps."""
    grad_steps: int = 1
    """Gradient steps of a round."""
    rounds: int = 1000
    """Rounds of collecting and learning in one update."""
    warmup: int = 10_000
    """Environment steps with uniform actions and no learning at the start."""
    capacity: int = 1_000_000
    """Steps kept for replay; beyond it the oldest make room."""
    batch: int = 256
    """Steps of a minibatch."""
    her: float = 0.0
    """Hindsight goals for every original one (k in HER: 4 relabels four fifths); 0: none. Needs a
    task with goals."""
    normalise_obs: bool = False
    """Standardise observations by the running moments of what was collected, clipped to
    [-5, 5]."""
    resets: float = field(default=0.0, metadata=ADDED_LATER)
    """Share of episodes that begin at a demonstrated state, with its goal."""

    def __post_init__(self) -> None:
        for name in ("envs", "length", "grad_steps", "rounds", "batch"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("warmup", "her"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "resets")
        if self.capacity < self.envs * self.length:
            raise UserError(
                f"capacity={self.capacity}: expected {self.envs * self.length} or more, the steps "
                f"of a round (envs={self.envs} x length={self.length})"
            )


class OffPolicyLearner(NamedTuple):
    """An off-policy method apart from where its steps come from.

    init(key) -> state; learn(key, state, rows: Experience [N]) -> (state, metrics), one gradient
    step on normalised observations; explore(key, state, obs), act(key, state, obs) -> action; the
    judge takes them normalised, too.
    """

    init: Callable[[Key], Any]
    learn: Callable[[Key, Any, Experience], tuple[Any, Metrics]]
    explore: Callable[[Key, Any, jax.Array], jax.Array]
    act: Callable[[Key, Any, jax.Array], jax.Array]
    value_estimator: ValueEstimator | None = None


Draw = Callable[[Key, int], Experience]
"""(key, n) -> steps [n] drawn at random."""


class RewardModel(NamedTuple):
    """Where rewards come from, if not from the task alone.

    init(key, demos) -> state; fit(key, state, replay, own: Draw, shown: Draw) -> (state, metrics),
    once a round, before the learner's gradient steps, from its own steps and the demonstrated ones;
    show(key, state, rows, norm) -> rows: a minibatch as the learner gets it, with other rewards and
    with `norm` applied to its observations. The demonstrated rows are the last ones.
    """

    init: Callable[[Key, Transition], Any]
    fit: Callable[[Key, Any, buffer.Ring, Draw, Draw], tuple[Any, Metrics]]
    show: Callable[[Key, Any, Experience, Callable[[jax.Array], jax.Array]], Experience]


def normalise_rows(
    key: Key, state: Any, rows: Experience, norm: Callable[[jax.Array], jax.Array]
) -> Experience:
    """A minibatch with the task's own rewards: `show` of no teacher."""
    return rows.replace(obs=norm(rows.obs), next_obs=norm(rows.next_obs))


TASK_REWARD = RewardModel(lambda key, demos: (), lambda key, state, *_: (state, {}), normalise_rows)


class State(struct.PyTreeNode):
    learner: Any
    replay: buffer.Ring  # of Experience, rows [B, ...]: all environments' steps at one time
    moments: ops.Moments
    running: unrolling.RunningEpisodes
    teacher: Any = ()


def export(config: Config, spec: Spec, state: State, params: Params) -> policy_nets.MLPPolicy:
    """The policy network's parameters, for a file of their own."""
    moments = state.moments if config.normalise_obs else ops.empty_moments(spec.obs_size)
    clip = CLIP if config.normalise_obs else float("inf")
    norm = moments.normaliser(FLOOR)
    return policy_nets.export_mlp(
        params, norm, clip, activation="relu", head="tanh", actions=spec.action_size
    )


def make(
    config: Config,
    spec: Spec,
    env: Env,
    learner: OffPolicyLearner,
    demo_batch: int = 0,
    teacher: RewardModel = TASK_REWARD,
    teacher_steps: int = 0,
) -> Algorithm:
    """The learner on the task's own reward, or a teacher's.

    One update is `rounds` rounds of `envs` * `length` steps and `grad_steps` gradient steps each.

    Args:
        demo_batch: steps of the demonstrations, relabelled like the others, that follow those of
            each minibatch; with 0 demonstrations are not looked at. Where they are relabelled their
            episodes may not end before the time limit.
        teacher_steps: gradient steps that the teacher takes in a round.
    """
    per_round = config.envs * config.length
    if config.her and spec.goal is None:
        raise UserError(
            f"her={config.her:g}: {env.name} has no goals to relabel; set her=0 or take a goal task"
        )
    reject_discrete(spec, env.name)

    def norm(state: State, obs: jax.Array) -> jax.Array:
        return state.moments.normaliser(FLOOR)(obs, CLIP) if config.normalise_obs else obs

    def init(key: Key, demos: Transition) -> State:
        k_learner, k_env = jax.random.split(key)
        starts = unrolling.demo_resets(env, demos, config.resets)
        running = unrolling.start_episodes(env, k_env, config.envs, starts)
        action = jnp.zeros((config.envs, spec.action_size))
        zero, no = jnp.zeros(config.envs), jnp.zeros(config.envs, bool)
        row = Experience(running.env.obs, action, zero, running.env.obs, no, running.t)
        like = jax.tree.map(lambda x: x[None], row)
        replay = buffer.ring(like, config.capacity // config.envs)
        told = teacher.init(ops.fold_in_name(k_learner, "teacher"), demos)
        return State(
            learner.init(k_learner), replay, ops.empty_moments(spec.obs_size), running, told
        )

    def warm(state: State) -> jax.Array:
        return state.replay.written * config.envs >= config.warmup

    def policy(state: State) -> Policy:
        def act(key: Key, obs: jax.Array) -> jax.Array:
            k_explore, k_uniform = jax.random.split(key)
            action = learner.explore(k_explore, state.learner, norm(state, obs))
            uniform = jax.random.uniform(k_uniform, action.shape, minval=-1.0, maxval=1.0)
            return jnp.where(warm(state), action, uniform)

        return act

    def collect(
        key: Key, state: State, starts: unrolling.ResetStates | None
    ) -> tuple[State, jax.Array]:
        """A round's steps, and their mean reward."""
        running, steps, t = unrolling.unroll(
            env, policy(state), key, state.running, config.length, starts
        )
        rows = Experience(
            steps.obs, steps.action, steps.reward, steps.next_obs, steps.terminated, t
        )
        moments = state.moments.add(steps.obs.reshape(per_round, -1))
        replay = buffer.append(state.replay, rows)
        state = state.replace(running=running, replay=replay, moments=moments)
        return state, jnp.mean(steps.reward)

    def draw(key: Key, replay: buffer.Ring, batch: int) -> Experience:
        if config.her:
            return replay_buffer.sample_hindsight(
                key, replay, batch, spec, config.her / (config.her + 1.0)
            )
        return replay_buffer.sample(key, replay, batch)

    def demonstrated(demos: Transition) -> Draw:
        rows = replay_buffer.experience(demos, spec.horizon)
        if not config.her:
            return buffer.real_row_sampler(rows, demos.weight)
        ring = replay_buffer.demo_ring(rows, spec.horizon)
        return lambda key, batch: draw(key, ring, batch)

    def learn(key: Key, state: State, demos: Transition) -> tuple[Any, Any, Metrics]:
        def own(key: Key, batch: int) -> Experience:
            return draw(key, state.replay, batch)

        asked = demo_batch or teacher is not TASK_REWARD
        shown = demonstrated(demos) if asked else own
        told, more = teacher.fit(
            ops.fold_in_name(key, "teacher"), state.teacher, state.replay, own, shown
        )

        def step(inner: Any, key: Key) -> tuple[Any, Metrics]:
            k_rows, k_learn = jax.random.split(key)
            rows = own(k_rows, config.batch)
            if demo_batch:
                added = shown(ops.fold_in_name(k_rows, "demos"), demo_batch)
                rows = jax.tree.map(lambda *x: jnp.concatenate(x), rows, added)
            k_show = ops.fold_in_name(k_rows, "show")
            rows = teacher.show(k_show, told, rows, lambda obs: norm(state, obs))
            return learner.learn(k_learn, inner, rows)

        inner, metrics = jax.lax.scan(step, state.learner, jax.random.split(key, config.grad_steps))
        return inner, told, jax.tree.map(jnp.mean, metrics) | more

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        starts = unrolling.demo_resets(env, demos, config.resets)

        def round_(state: State, key: Key) -> tuple[State, tuple[jax.Array, Metrics, jax.Array]]:
            k_collect, k_learn = jax.random.split(key)
            state, reward = collect(k_collect, state, starts)
            like = jax.eval_shape(learn, k_learn, state, demos)[2]
            none = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like)
            learns = warm(state)
            inner, told, metrics = jax.lax.cond(
                learns,
                lambda: learn(k_learn, state, demos),
                lambda: (state.learner, state.teacher, none),
            )
            return state.replace(learner=inner, teacher=told), (learns, metrics, reward)

        state, (learned, metrics, reward) = jax.lax.scan(
            round_, state, jax.random.split(key, config.rounds)
        )
        # Of the rounds that learned; 0 where none did.
        share = learned / jnp.maximum(jnp.sum(learned), 1)
        metrics = jax.tree.map(lambda x: jnp.sum(share * x), metrics)
        return state, metrics | {"reward": jnp.mean(reward)}

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.learner, norm(state, obs))

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        assert learner.value_estimator is not None
        return learner.value_estimator.value(key, state.learner, norm(state, obs))

    value_estimator = (
        ValueEstimator(value, learner.value_estimator.discount) if learner.value_estimator else None
    )
    # A round learns where its steps make the warm-up whole.
    idle = max(-(-config.warmup // per_round) - 1, 0)
    cost = Cost(
        env_steps=config.rounds * per_round,
        grad_steps=config.rounds * (config.grad_steps + teacher_steps),
        grad_step_offset=idle * (config.grad_steps + teacher_steps),
    )
    return Algorithm(init, update, act, cost, value_estimator=value_estimator)


def reject_discrete(spec: Spec, name: str = "this task") -> None:
    """Off-policy learners here are for continuous actions.

    Raises:
        UserError: the task's actions are discrete.
    """
    if spec.discrete:
        raise UserError(f"{name} has discrete actions: this learner needs continuous ones")
