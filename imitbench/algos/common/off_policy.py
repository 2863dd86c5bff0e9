"""Shared code of the off-policy learners: their settings, their state and how they collect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.goal_ends import end_at_success
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.common.reward_model import TASK_REWARD, RewardModel
from imitbench.core import buffer, ops, policy_nets, unrolling
from imitbench.core.config import ADDED_LATER, require, require_capacity, require_share
from imitbench.core.types import (
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

# Normalised observations: the least standard deviation, and the bound on their magnitude.
FLOOR, CLIP = 0.01, 5.0


@dataclass(frozen=True)
class Config:
    """How an off-policy learner collects and replays."""

    envs: int = 1
    """Number of environments that run in parallel."""
    length: int = 1
    """Steps of each environment between two rounds of gradient steps."""
    grad_steps: int = 1
    """Gradient steps in a round."""
    rounds: int = 1000
    """Rounds of collecting and learning in one update."""
    warmup: int = 10_000
    """Environment steps at the start with uniformly random actions and without learning."""
    capacity: int = 1_000_000
    """Steps that the replay buffer holds; new steps replace the oldest."""
    batch: int = 256
    """Steps in a minibatch."""
    her: float = 0.0
    """Hindsight goals for each original goal (k in HER: 4 relabels four fifths); 0 for none. Needs
    a task with goals."""
    normalise_obs: bool = False
    """Standardise observations by the running moments of the collected ones, and clip them to
    [-5, 5]."""
    resets: float = field(default=0.0, metadata=ADDED_LATER)
    """Share of episodes, in [0, 1], that begin at a demonstrated state before the goal, with its
    goal."""
    goal_ends: bool = field(default=False, metadata=ADDED_LATER)
    """End collected and demonstrated episodes at their first success. Needs a task with goals. A
    reward of 0 or more, such as SQIL's, then teaches to keep away from the goal."""

    def __post_init__(self) -> None:
        for name in ("envs", "length", "grad_steps", "rounds", "batch"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("warmup", "her"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "resets")
        require_capacity(self, "the steps of a round")


class OffPolicyLearner(NamedTuple):
    """A method without the source of its steps: an environment's replay or fixed data.

    init(key) -> state. learn(key, state, rows: Experience [N]) -> (state, metrics): one gradient
    step. explore(key, state, obs [..., O]) -> action [..., A] while collecting; act(key, state,
    obs) -> action when evaluated. All get normalised observations, the value estimator too.
    """

    init: Callable[[Key], Any]
    learn: Callable[[Key, Any, Experience], tuple[Any, Metrics]]
    explore: Callable[[Key, Any, jax.Array], jax.Array]
    act: Callable[[Key, Any, jax.Array], jax.Array]
    value_estimator: ValueEstimator | None = None


class State(struct.PyTreeNode):
    """The state of an off-policy method that collects its own steps."""

    learner: Any
    replay: buffer.Ring  # of Experience, rows [B, ...]: one step of all environments
    moments: ops.Moments  # of the collected observations
    running: unrolling.RunningEpisodes
    reward_state: Any = ()


def standardise_obs(config: Config, moments: ops.Moments, obs: jax.Array) -> jax.Array:
    """Observations [..., O] as the networks get them."""
    return moments.normaliser(FLOOR)(obs, CLIP) if config.normalise_obs else obs


def demos_until_goal(config: Config, demos: Transition) -> Transition:
    """The demonstrations [N] as `goal_ends` says: up to the goal, or as they are."""
    return end_at_success(demos) if config.goal_ends else demos


class Setup(NamedTuple):
    """The parts of an off-policy method that do not change while it runs."""

    config: Config
    spec: Spec
    env: Env
    learner: OffPolicyLearner
    reward_model: RewardModel = TASK_REWARD
    demo_batch: int = 0  # demonstrated steps that are added to each minibatch
    prefilled: int = 0  # steps with which the replay begins; they are no part of the warm-up


def initial_state(setup: Setup, key: Key, demos: Transition) -> State:
    """An untrained learner, an empty replay and environments at the start of an episode."""
    config, spec = setup.config, setup.spec
    demos = demos_until_goal(config, demos)
    k_learner, k_env = jax.random.split(key)
    starts = unrolling.demo_resets(setup.env, demos, config.resets)
    running = unrolling.start_episodes(setup.env, k_env, config.envs, starts)
    obs, zero = running.env.obs, jnp.zeros(config.envs)
    action, no = jnp.zeros((config.envs, spec.action_size)), jnp.zeros(config.envs, bool)
    row = Experience(obs, action, zero, obs, no, running.t)
    replay = buffer.ring(jax.tree.map(lambda x: x[None], row), config.capacity // config.envs)
    reward_state = setup.reward_model.init(ops.fold_in_name(k_learner, "teacher"), demos)
    moments = ops.empty_moments(spec.obs_size)
    return State(setup.learner.init(k_learner), replay, moments, running, reward_state)


def is_warm(setup: Setup, state: State) -> jax.Array:
    """[] bool: whether the warm-up's steps have been collected."""
    own = state.replay.written * setup.config.envs - setup.prefilled
    return own >= setup.config.warmup


def exploring_policy(setup: Setup, state: State) -> Policy:
    """Uniform actions during the warm-up, then the learner's exploration."""

    def act(key: Key, obs: jax.Array) -> jax.Array:
        k_explore, k_uniform = jax.random.split(key)
        obs = standardise_obs(setup.config, state.moments, obs)
        action = setup.learner.explore(k_explore, state.learner, obs)
        uniform = jax.random.uniform(k_uniform, action.shape, minval=-1.0, maxval=1.0)
        return jnp.where(is_warm(setup, state), action, uniform)

    return act


def collect(
    setup: Setup, key: Key, state: State, starts: unrolling.ResetStates | None
) -> tuple[State, jax.Array]:
    """Adds a round's steps, `envs` * `length`, to the replay.

    Returns:
        The state after them; the mean reward [] of the task.
    """
    config = setup.config
    running, steps, t = unrolling.unroll(
        setup.env,
        exploring_policy(setup, state),
        key,
        state.running,
        config.length,
        starts,
        end_at_success=config.goal_ends,
    )
    rows = Experience(steps.obs, steps.action, steps.reward, steps.next_obs, steps.terminated, t)
    moments = state.moments.add(steps.obs.reshape(config.envs * config.length, -1))
    replay = buffer.append(state.replay, rows)
    state = state.replace(running=running, replay=replay, moments=moments)
    return state, jnp.mean(steps.reward)


def export(config: Config, spec: Spec, state: State, params: Params) -> policy_nets.MLPPolicy:
    """One seed's policy network with its normaliser, to be saved alone.

    Args:
        config: of the replay.
        spec: of the task.
        state: of one seed.
        params: of the policy network, whose mean passes through tanh.
    """
    moments = state.moments if config.normalise_obs else ops.empty_moments(spec.obs_size)
    clip = CLIP if config.normalise_obs else float("inf")
    norm = moments.normaliser(FLOOR)
    return policy_nets.export_mlp(
        params, norm, clip, activation="relu", head="tanh", actions=spec.action_size
    )


def reject_discrete(spec: Spec, name: str = "this task") -> None:
    """Rejects tasks with discrete actions, for methods that need continuous ones.

    Args:
        spec: of the task.
        name: of the task, for the message.

    Raises:
        UserError: the task's actions are discrete.
    """
    if spec.discrete:
        raise UserError(
            f"{name} has discrete actions: this learner needs continuous ones; use another, such "
            "as bc, marwil or ppo"
        )
