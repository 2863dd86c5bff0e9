"""Episodes that end at the goal: demonstrated rows, and steps that are collected and drawn."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data, envs
from imitbench.algos.common import off_policy, off_policy_loop, replay_buffer
from imitbench.algos.common.goal_ends import end_at_success, terminate_reached
from imitbench.algos.rl import td3
from imitbench.core import buffer
from imitbench.core.types import Env, GoalSpec, Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError


def reward(achieved: jax.Array, desired: jax.Array) -> jax.Array:
    return -(jnp.abs(achieved - desired)[..., 0] > 0.5).astype(jnp.float32)


SPEC = make_spec([("at", 1), ("goal", 1)], 1, 5, GoalSpec("at", "goal", reward))


def demos(success: list[int], weight: list[float]) -> Transition:
    """Episodes of 4, 3 and 2 steps, the second of which terminates; then a row that fills up."""
    n = len(success)
    row, last = jnp.arange(float(n)), jnp.array([0, 0, 0, 1, 0, 0, 0, 0, 1, 0], bool)
    terminated = jnp.arange(n) == 6
    obs = jnp.stack([row, row + 50], axis=1)
    return Transition(
        obs=obs, action=obs[:, :1], intended_action=obs[:, :1], reward=row, next_obs=obs,
        terminated=terminated, truncated=last, success=jnp.array(success, bool),
        weight=jnp.array(weight),
    )  # fmt: skip


def test_demonstrations_end_at_their_first_success():
    """The first episode succeeds in its second step, leaves the goal, and succeeds again; the
    second one never succeeds, and the third one does at once. One kept row was thinned out."""
    success = [0, 1, 0, 1, 0, 0, 0, 1, 1, 0]
    cut = end_at_success(demos(success, [1, 1, 1, 1, 1, 0, 1, 1, 1, 0]))
    order = [0, 1, 4, 5, 6, 7]
    np.testing.assert_array_equal(cut.obs[:6, 0], order)
    np.testing.assert_array_equal(cut.weight, [1, 1, 1, 0, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(cut.terminated, [0, 1, 0, 0, 1, 1, 0, 0, 0, 0])
    assert not cut.truncated.any()
    places = buffer.find_episodes(cut)
    assert (int(places.used), int(places.count)) == (6, 3)
    np.testing.assert_array_equal(places.t[:6], [0, 1, 0, 1, 2, 0])
    np.testing.assert_array_equal(places.rest[:6], [1, 0, 2, 1, 0, 0])


def test_episodes_without_success_stay_as_they_are():
    before = demos([0] * 10, [1.0] * 9 + [0.0])
    jax.tree.map(np.testing.assert_array_equal, end_at_success(before), before)


def test_a_step_terminates_where_it_reaches_the_goal_that_it_has():
    obs = jnp.array([[0.0, 9.0], [0.0, 1.0], [0.0, 1.0]])
    after = jnp.array([[1.0, 9.0], [1.0, 1.0], [4.0, 1.0]])
    ended = jnp.array([True, False, False])
    rows = replay_buffer.Experience(obs, obs[:, :1], ended * 0.0, after, ended, jnp.arange(3))
    drawn = terminate_reached(lambda key, n: rows, SPEC)(jax.random.key(0), 3)
    np.testing.assert_array_equal(drawn.terminated, [True, True, False])


def towards_the_goal(env: Env) -> Any:
    """TD3 on a task whose hand goes straight to its goal while it collects."""
    goal = env.spec.goal
    assert goal is not None

    def explore(key, state, obs):
        at, to = (obs[:, env.spec.fields[name]] for name in (goal.achieved, goal.desired))
        return jnp.clip(10.0 * (to - at), -1.0, 1.0)

    return td3.learner(td3.Config(hidden=(4,)), env.spec)._replace(explore=explore)


def test_collected_episodes_end_at_the_goal(env):
    """Every success in the replay terminates, and the next step is the first of its episode."""
    config = off_policy.Config(envs=4, rounds=60, warmup=1, capacity=240, batch=4, goal_ends=True)
    algo = off_policy_loop.make(config, env.spec, env, towards_the_goal(env))
    none = buffer.no_rows(env.spec)
    state, _ = algo.update(jax.random.key(1), algo.init(jax.random.key(0), none), none)
    rows = jax.tree.map(np.asarray, state.replay.rows)
    reached = rows.reward == 0
    assert reached.any() and not reached.all()
    np.testing.assert_array_equal(rows.terminated, reached)
    assert (rows.t[1:][rows.terminated[:-1]] == 0).all()


def test_minibatches_hold_no_step_after_the_goal(env, demos):
    """Own and demonstrated steps with goals of hindsight: they terminate where they reach the goal
    that they have. Goals come from the rest of the episode, so that not most of them are reached at
    once."""
    goal, fields, demos = env.spec.goal, env.spec.fields, data.flatten(demos)
    seen: list[Any] = []
    inner = towards_the_goal(env)

    def learn(key, state, rows):
        jax.debug.callback(lambda *x: seen.append(x), rows.obs, rows.next_obs, rows.terminated)
        return inner.learn(key, state, rows)

    config = off_policy.Config(
        envs=4, rounds=40, grad_steps=1, warmup=120, capacity=240, batch=200, her=4, goal_ends=True
    )
    learner = inner._replace(learn=learn)
    algo = off_policy_loop.make(config, env.spec, env, learner, demo_batch=100)
    algo.update(jax.random.key(1), algo.init(jax.random.key(0), demos), demos)
    jax.effects_barrier()
    obs, after, terminated = (np.concatenate([x[i][None] for x in seen]) for i in range(3))
    reached = goal.reached(after[..., fields[goal.achieved]], obs[..., fields[goal.desired]])
    np.testing.assert_array_equal(terminated, np.asarray(reached))
    assert 0.1 < terminated[:, :200].mean() < 0.5
    # The demonstrations stay at the goal. What is drawn of them is from before it.
    here = fields[goal.achieved]
    everywhere, kept, drawn = (
        {bytes(x) for x in np.asarray(states)}
        for states in (
            demos.obs[:, here],
            kept_rows(demos).obs[:, here],
            np.concatenate(obs[:, 200:, here]),
        )
    )
    assert drawn <= kept < everywhere


def kept_rows(demos: Transition) -> Transition:
    """Demonstrated steps up to the first success of each episode."""
    cut = end_at_success(demos)
    return jax.tree.map(lambda x: x[np.asarray(cut.weight) > 0], cut)


def test_a_task_without_goals_has_none_to_end_at():
    env = envs.make("Hopper")
    learner = td3.learner(td3.Config(hidden=(4,)), env.spec)
    with pytest.raises(UserError, match="goal_ends=True: Hopper has no goals; set goal_ends=False"):
        off_policy_loop.make(off_policy.Config(goal_ends=True), env.spec, env, learner)
