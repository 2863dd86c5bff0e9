"""The loop of GCSL: rounds of collecting episodes and of cloning what they reached."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.cloning import supervised
from imitbench.algos.cloning.pairs import Pairs
from imitbench.algos.cloning.relabelling import Relabeller
from imitbench.algos.goal import episode_buffer, goal_clone
from imitbench.algos.goal.gcsl_config import Config, grad_steps
from imitbench.core import buffer, ops, rollout
from imitbench.core.actor import from_policy
from imitbench.core.heads import grid
from imitbench.core.types import (
    Actor,
    Env,
    EnvState,
    Key,
    Metrics,
    Policy,
    Spec,
    Transition,
)

FLOOR = 0.01  # the least standard deviation by which observations are divided


class State(struct.PyTreeNode):
    """What is learned, and the episodes so far."""

    clone: supervised.State
    store: buffer.Ring  # of `episode_buffer.Episodes`
    moments: ops.Moments  # of what the policy sees
    steps: jax.Array  # [] int32: environment steps so far


class Setup(NamedTuple):
    """The parts of GCSL that do not change while it runs."""

    config: Config
    spec: Spec
    env: Env
    clone: supervised.SupervisedLearner
    relabeller: Relabeller

    @property
    def steps_per_round(self) -> int:
        """Environment steps of a round."""
        return self.config.envs * self.spec.horizon

    @property
    def grad_steps(self) -> int:
        """Gradient steps of a round."""
        return grad_steps(self.config, self.spec)


def random_actions(config: Config, spec: Spec) -> Policy:
    """The policy whose actions are uniformly random: from the grid, where the head has one."""

    def act(key: Key, obs: jax.Array) -> jax.Array:
        lead, size = obs.shape[:-1], spec.action_size
        if spec.discrete:
            return jax.random.randint(key, lead, 0, size)
        if config.head.kind == "grid":
            return grid.draw_on_grid(key, lead, size, config.head.bins)
        return jax.random.uniform(key, (*lead, size), minval=-1.0, maxval=1.0)

    return act


def exploring_actor(setup: Setup, state: State) -> Actor:
    """Random actions while exploring; then the policy's, which a random one replaces with
    probability `epsilon`."""
    config = setup.config
    draw = random_actions(config, setup.spec)

    def policy(key: Key, seen: jax.Array) -> jax.Array:
        return setup.clone.act(key, state.clone, seen)

    actor = from_policy(policy)
    if config.steps_left:
        actor = goal_clone.actor_with_time(policy, setup.spec)
    share = jnp.where(state.steps < config.explore, 1.0, config.epsilon)

    def act(key: Key, memory: Any, env_state: EnvState) -> tuple[jax.Array, Any]:
        k_act, k_random, k_coin = jax.random.split(key, 3)
        action, memory = actor.act(k_act, memory, env_state)
        uniform = draw(k_random, env_state.obs)
        coin = jax.random.bernoulli(k_coin, share, action.shape[:1])
        coin = coin.reshape(coin.shape + (1,) * (action.ndim - 1))
        return jnp.where(coin, uniform.astype(action.dtype), action), memory

    return Actor(actor.start, act)


def seen_moments(setup: Setup, key: Key, steps: Transition) -> ops.Moments:
    """The moments of what the policy sees of a round's steps [T, B]: half of it with the goals that
    were desired, half with goals that were reached later."""
    rows = rollout.flatten(steps)
    rest = buffer.find_episodes(rows).rest
    index = jnp.arange(len(rows.weight))
    with_new_goals = setup.relabeller.relabel(key, rows, rest, index).obs
    with_own_goals = setup.relabeller.see(rows.obs, rest + 1)
    both = jnp.concatenate([with_own_goals, with_new_goals])
    return ops.weighted_moments(both, jnp.concatenate([rows.weight, rows.weight]))


def collect(setup: Setup, key: Key, state: State) -> tuple[State, Metrics]:
    """A round's episodes, with the task's goals, are added to the store."""
    k_roll, k_goals = jax.random.split(key)
    actor = exploring_actor(setup, state)
    steps = rollout.episodes(setup.env, actor, k_roll, setup.config.envs)
    store = buffer.append(state.store, episode_buffer.episodes_of(steps, setup.spec))
    state = state.replace(store=store, steps=state.steps + setup.steps_per_round)
    if setup.config.normalise_obs:
        moments = state.moments.merge(seen_moments(setup, k_goals, steps))
        clone = state.clone.replace(norm=moments.normaliser(FLOOR))
        state = state.replace(moments=moments, clone=clone)
    outcome = rollout.summarise(steps)
    return state, {"collected_success": jnp.mean(outcome["success_final"].astype(jnp.float32))}


def learn(setup: Setup, key: Key, state: State) -> tuple[supervised.State, Metrics]:
    """A round's gradient steps on pairs of a step and a goal that its episode achieved later."""

    def draw(key: Key, batch: int) -> Pairs:
        pairs = episode_buffer.draw_pairs(key, state.store, batch, setup.spec)
        seen = setup.relabeller.see(pairs.obs, pairs.steps)
        return Pairs(seen, pairs.action, jnp.ones(batch))

    return setup.clone.fit_drawn(key, state.clone, draw)


def run_round(setup: Setup, state: State, key: Key) -> tuple[State, tuple[jax.Array, Metrics]]:
    """Collects, then learns once `learn_after` steps are collected.

    Returns:
        The state; whether it learned, [] bool, and metrics, those of learning 0 where it did not.
    """
    k_collect, k_learn = jax.random.split(key)
    state, collected = collect(setup, k_collect, state)
    shapes = jax.eval_shape(partial(learn, setup), k_learn, state)[1]
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    learns = state.steps > setup.config.learn_after
    clone, metrics = jax.lax.cond(
        learns, lambda: learn(setup, k_learn, state), lambda: (state.clone, zeros)
    )
    return state.replace(clone=clone), (learns, metrics | collected)


def initial_state(setup: Setup, key: Key, demos: Transition) -> State:
    """An untrained policy and an empty store; `demos` are not used."""

    def one_episode() -> episode_buffer.Episodes:
        actor = random_actions(setup.config, setup.spec)
        return episode_buffer.episodes_of(rollout.episodes(setup.env, actor, key, 1), setup.spec)

    shapes = jax.eval_shape(one_episode)
    episodes = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    size = setup.relabeller.seen_spec.obs_size
    row = Pairs(jnp.zeros((1, size)), episodes.action[0, :1], jnp.ones(1))
    moments = ops.empty_moments(size)
    clone = setup.clone.init(key, row).replace(norm=moments.normaliser(FLOOR))
    # Nothing is held out, so there are no best parameters.
    clone = clone.replace(best_params=(), best_loss=jnp.float32(0.0))
    store = buffer.ring(episodes, setup.config.capacity)
    return State(clone, store, moments, jnp.int32(0))
