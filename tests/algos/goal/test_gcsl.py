"""GCSL: its rounds, its budget, discrete actions, and what it learns on a toy."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.algos.goal import gcsl, goal_clone, offline_gcsl
from imitbench.core import buffer, heads, rollout
from imitbench.core.actor import actor_of
from imitbench.core.types import EnvState, GoalSpec
from imitbench.envs.base import BaseEnv, make_spec, scalar
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SMALL: dict[str, Any] = {"hidden": (16,), "batch": 16, "capacity": 8}


class Steps(BaseEnv):
    """A walk on the line by choices: back, stay or forward by 1. Episodes end at 4 or beyond."""

    def __init__(self):
        near = GoalSpec("at", "goal", lambda a, b: jnp.where(jnp.abs(a - b)[..., 0] > 0.5, -1.0, 0))
        spec = make_spec([("at", 1), ("goal", 1)], 3, 6, near, discrete=True, ends="failure")
        super().__init__("Steps", spec, "none")

    def reset(self, rng: Any) -> EnvState:
        goal = jax.random.randint(rng, (1,), -3, 4).astype(jnp.float32)
        obs = jnp.concatenate([jnp.zeros(1), goal])
        return EnvState(None, obs, scalar(0), scalar(0), {"success": scalar(0)}, {})

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        obs = state.obs.at[0].add(action.astype(jnp.float32) - 1.0)
        success = (jnp.abs(obs[0] - obs[1]) < 0.5).astype(jnp.float32)
        done = (obs[0] >= 4).astype(jnp.float32)
        return state.replace(obs=obs, reward=success - 1, done=done, metrics={"success": success})


def trained(config: gcsl.Config, env: Any, updates: int) -> Any:
    algo = gcsl.make(config, env.spec, env)
    no_demos, update = buffer.no_rows(env.spec), jax.jit(algo.update)
    state, metrics = jax.jit(algo.init)(KEY, no_demos), {}
    for i in range(updates):
        state, metrics = update(jax.random.fold_in(KEY, i), state, no_demos)
    return algo, state, metrics


def test_rounds_collect_then_learn_and_their_cost_says_so():
    env = envs.make("ProbeGoal")  # episodes of 10 steps
    config = gcsl.Config(
        envs=2, rounds=3, updates_per_step=0.1, explore=10**6, learn_after=40, **SMALL
    )
    algo, first, metrics = trained(config, env, 1)
    # 20 steps a round; only the third round, after 60 steps, is beyond 40. Two gradient steps each.
    assert int(first.steps) == 60 and int(first.store.written) == 6
    assert (algo.cost.env_steps, algo.cost.grad_steps) == (60, 6)
    assert (algo.cost * 1).grad_steps == 2 and (algo.cost * 2).grad_steps == 8
    count = [x for x in jax.tree.leaves(first.clone.opt_state) if x.dtype == jnp.int32]
    assert [int(c) for c in count] == [2]
    assert metrics["loss"] > 0
    # Random actions are on the grid.
    levels = np.unique(np.asarray(first.store.rows.action[:6]))
    np.testing.assert_allclose(levels, [-1, 0, 1])


@pytest.mark.slow
def test_the_policy_plays_after_exploration():
    """With no exploration all collected actions are the untrained policy's: equal observations,
    equal actions."""
    env = envs.make("ProbeGoal")
    config = gcsl.Config(envs=2, rounds=1, explore=0, learn_after=10**6, **SMALL)
    algo, state, metrics = trained(config, env, 1)
    assert metrics["loss"] == 0.0, "nothing is learned yet"
    episodes = jax.tree.map(lambda x: x[:2], state.store.rows)
    # The first observations of the round were normalised by the moments before it.
    start = algo.init(KEY, buffer.no_rows(env.spec))
    expected = algo.act(KEY, start, episodes.obs)
    np.testing.assert_array_equal(episodes.action, expected)


@pytest.mark.slow
def test_moments_are_those_of_desired_and_reached_goals():
    env = envs.make("ProbeGoal")
    config = gcsl.Config(envs=2, rounds=1, explore=10**6, learn_after=10**6, **SMALL)
    _, state, _ = trained(config, env, 1)
    assert float(state.moments.count) == 2 * 2 * 10
    rows = jax.tree.map(lambda x: np.asarray(x[:2]), state.store.rows)
    np.testing.assert_allclose(
        state.moments.mean[:2], rows.obs[..., :2].mean(axis=(0, 1)), atol=1e-5
    )
    # Half of the rows has the desired goals, the other half ones that were reached.
    new = 2 * np.asarray(state.moments.mean[2:]) - rows.obs[..., 2:].mean(axis=(0, 1))
    assert (new > rows.achieved.min(axis=(0, 1))).all()
    assert (new < rows.achieved.max(axis=(0, 1))).all()


@pytest.mark.slow
@pytest.mark.parametrize("steps_left", [False, True])
def test_choices_and_early_ends(steps_left):
    """A discrete task whose episodes may end early: it reaches the goals that it can."""
    env: Any = Steps()
    config = gcsl.Config(
        envs=8, rounds=10, updates_per_step=1.0, explore=1500, learn_after=300, batch=64,
        hidden=(32,), capacity=400, lr=3e-3, steps_left=steps_left,
    )  # fmt: skip
    algo, state, _ = trained(config, env, 6)
    lengths = np.asarray(state.store.rows.length[:400])
    assert (lengths[lengths > 0] <= 6).all() and (lengths == 4).any()
    assert (algo.actor is not None) == steps_left
    steps = rollout.episodes(env, actor_of(algo, state), jax.random.key(9), 100)
    outcome = rollout.summarise(steps)["success_any" if not steps_left else "success_final"]
    assert float(outcome.mean()) > 0.75, outcome.mean()


def test_the_time_that_is_left_is_an_input():
    """The actor counts the steps of each episode, and gives what is left to the policy."""
    spec = envs.make("ProbeGoal").spec
    seen: list[Any] = []

    def policy(key: Any, obs: jax.Array) -> jax.Array:
        seen.append(np.asarray(obs))
        return obs[:, :2]

    actor = goal_clone.actor_with_time(policy, spec)
    obs = jnp.ones((3, 4))
    state = EnvState(None, obs, jnp.zeros(3), jnp.zeros(3))
    memory = actor.start(KEY, state)
    memory = jnp.array([0, 4, 9])
    _, memory = actor.act(KEY, memory, state)
    assert memory.tolist() == [1, 5, 10]
    np.testing.assert_array_equal(seen[0][:, :4], obs)
    # T - t = 10, 6 and 1 steps are left: the last 1, 5 and 10 components are 1.
    assert seen[0][:, 4:].sum(axis=1).tolist() == [1, 5, 10]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"capacity": 1, "envs": 2}, "capacity=1: expected 2 or more, the episodes of a round"),
        ({"updates_per_step": 0.0}, "updates_per_step=0.0: expected a positive number"),
        ({"epsilon": 1.5}, r"epsilon=1.5: expected a number in \[0, 1\]"),
        ({"rounds": 0}, "rounds=0: expected 1 or more"),
    ],
)
def test_bad_settings(changes, words):
    with pytest.raises(UserError, match=words):
        gcsl.Config(**changes)


@pytest.mark.slow
def test_discrete_tasks_have_a_categorical_policy_whatever_the_head():
    env: Any = Steps()
    config = offline_gcsl.Config(hidden=(8,), head=heads.Config("grid", bins=5))
    algo = offline_gcsl.make(config, env.spec)
    rows = rollout.flatten(
        rollout.episodes(env, lambda k, o: jax.random.randint(k, o.shape[:1], 0, 3), KEY, 20)
    )
    state = algo.init(KEY, rows)
    state, metrics = algo.update(KEY, state, rows)
    choice = algo.act(KEY, state, rows.obs[:4])
    assert choice.shape == (4,) and choice.dtype == jnp.int32 and np.isfinite(metrics["loss"])
    assert dataclasses.replace(config, head=heads.Config()).head.kind == "default"
