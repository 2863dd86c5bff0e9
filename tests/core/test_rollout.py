"""Rollouts that go on: fresh resets, true successors, two kinds of end; and running moments."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.core import ops, rollout, unrolling
from imitbench.core.types import EnvState
from imitbench.envs.base import BaseEnv, make_spec, scalar

HORIZON = 4


class Walk(BaseEnv):
    """obs = (the episode's own number, steps done); an action at the upper bound ends it."""

    def __init__(self):
        super().__init__("Walk", make_spec([("id", 1), ("count", 1)], 1, HORIZON), "none")

    def reset(self, rng) -> EnvState:
        obs = jnp.stack([jax.random.uniform(rng), scalar(0.0)])
        return EnvState(None, obs, scalar(0.0), scalar(0.0))

    def step(self, state, action) -> EnvState:
        obs = state.obs + jnp.array([0.0, 1.0])
        done = (action[0] >= 1.0).astype(jnp.float32)
        return state.replace(obs=obs, reward=obs[1] + action[0], done=done)


def quits(key: jax.Array, obs: jax.Array) -> jax.Array:
    """Ends every episode whose number is above a half at its second step."""
    stop = (obs[:, :1] > 0.5) & (obs[:, 1:] == 1.0)
    return jnp.where(stop, 3.0, -2.5)


def still(key: jax.Array, obs: jax.Array) -> jax.Array:
    return jnp.full((*obs.shape[:-1], 1), -0.5)


@pytest.fixture(scope="module")
def walked():
    env = Walk()
    start = unrolling.start_episodes(env, jax.random.key(0), 5)
    after, steps, t = unrolling.unroll(env, quits, jax.random.key(1), start, 40)
    return jax.tree.map(np.asarray, (start, after, steps, t))


def test_initial_states_of_the_first_episodes_do_not_depend_on_their_number():
    few, many = (
        rollout.episodes(Walk(), still, jax.random.key(3), n, horizon=1).obs for n in (2, 3)
    )
    np.testing.assert_array_equal(few[0], many[0, :2])


def test_an_ended_episode_is_followed_by_a_fresh_one(walked):
    start, after, steps, _ = walked
    ended = steps.terminated | steps.truncated
    obs = np.concatenate([steps.obs, after.env.obs[None]])
    np.testing.assert_array_equal(obs[0], start.env.obs)
    assert ended.any(axis=0).all()
    assert (obs[1:, :, 1][ended] == 0).all() and (obs[1:, :, 0] != obs[:-1, :, 0])[ended].all()
    np.testing.assert_array_equal(obs[1:][~ended], steps.next_obs[~ended])
    first = np.concatenate([start.env.obs[:, 0], obs[1:, :, 0][ended]])
    assert len(set(first.tolist())) == 5 + ended.sum(), "two episodes started alike"


def test_next_obs_is_the_true_successor_also_at_an_end(walked):
    _, _, steps, _ = walked
    np.testing.assert_array_equal(steps.next_obs, steps.obs + np.array([0, 1], np.float32))
    np.testing.assert_array_equal(steps.reward, steps.next_obs[..., 1] + steps.action[..., 0])


def test_the_two_ends_are_told_apart_and_steps_are_numbered(walked):
    _, after, steps, t = walked
    number, count = steps.obs[..., 0], steps.obs[..., 1]
    np.testing.assert_array_equal(t, count)
    np.testing.assert_array_equal(after.t, after.env.obs[:, 1])
    np.testing.assert_array_equal(steps.terminated, (number > 0.5) & (count == 1))
    np.testing.assert_array_equal(steps.truncated, (number <= 0.5) & (count == HORIZON - 1))
    assert steps.terminated.any() and steps.truncated.any() and (steps.weight == 1).all()


def test_actions_are_clipped_and_the_label_keeps_what_was_meant(walked):
    _, _, steps, _ = walked
    assert set(np.unique(steps.intended_action)) == {-2.5, 3.0}
    np.testing.assert_array_equal(steps.action, np.clip(steps.intended_action, -1, 1))
    env = Walk()
    start = unrolling.start_episodes(env, jax.random.key(0), 2)
    bad = lambda k, o: jnp.full((*o.shape[:-1], 1), jnp.nan)  # noqa: E731
    _, steps, _ = unrolling.unroll(env, bad, jax.random.key(1), start, 2)
    assert not steps.action.any() and not steps.intended_action.any()


def test_a_termination_at_the_time_limit_is_no_truncation():
    for name, terminated in (("ProbeConstant", True), ("ProbeTimeLimit", False)):
        env = envs.make(name)
        start = unrolling.start_episodes(env, jax.random.key(0), 2)
        _, steps, t = unrolling.unroll(env, still, jax.random.key(1), start, 25)
        last = np.asarray(t) == env.spec.horizon - 1
        assert last.sum() == 2 * (25 // env.spec.horizon)
        np.testing.assert_array_equal(steps.terminated, last & terminated)
        np.testing.assert_array_equal(steps.truncated, last & (not terminated))


def test_choices_stay_integers():
    env = envs.make("ProbePolicy")
    ones = lambda k, o: jnp.ones(o.shape[:-1], jnp.int32)  # noqa: E731
    start = unrolling.start_episodes(env, jax.random.key(0), 8)
    _, steps, _ = unrolling.unroll(env, ones, jax.random.key(1), start, 3)
    assert steps.action.dtype == jnp.int32 and (steps.action == 1).all()
    np.testing.assert_array_equal(steps.reward, steps.obs[..., 0])
    np.testing.assert_array_equal(steps.success, steps.obs[..., 0] > 0)


def test_two_calls_equal_one_that_goes_on():
    env = envs.make("PointMass")
    push = lambda k, o: jnp.tanh(o[..., 4:] - o[..., :2])  # noqa: E731
    start = unrolling.start_episodes(env, jax.random.key(0), 3)
    k1, k2 = jax.random.split(jax.random.key(1))
    # No episode ends within 16 of 20 steps, so that keys play no part.
    whole, steps, t = unrolling.unroll(env, push, k1, start, 16)
    half, a, t_a = unrolling.unroll(env, push, k1, start, 9)
    rest, b, t_b = unrolling.unroll(env, push, k2, half, 7)
    both = jax.tree.map(lambda x, y: jnp.concatenate([x, y]), (a, t_a), (b, t_b))
    jax.tree.map(np.testing.assert_array_equal, ((steps, t), whole), (both, rest))
    # And an end is where it would have been.
    after, c, t_c = unrolling.unroll(env, push, k1, rest, 7)
    np.testing.assert_array_equal(t_c[:, 0], [16, 17, 18, 19, 0, 1, 2])
    np.testing.assert_array_equal(c.truncated[:, 0], np.arange(7) == 3)
    np.testing.assert_array_equal(after.t, [3, 3, 3])
    assert (c.obs[4, :, 4:] != c.next_obs[3, :, 4:]).all(), "the goal is a new one"


def test_moments_are_those_of_all_rows_seen():
    rng = np.random.default_rng(0)
    parts = [rng.normal(m, s, (n, 3)) for m, s, n in [(5, 2, 1), (-3, 0.1, 7), (40, 9, 300)]]
    moments = ops.empty_moments(3)
    np.testing.assert_array_equal(moments.normaliser()(jnp.ones(3), 9.0), np.ones(3))
    seen = np.zeros((0, 3))
    for part in parts:
        moments = moments.add(jnp.asarray(part, jnp.float32))
        seen = np.concatenate([seen, part])
        assert float(moments.count) == len(seen)
        np.testing.assert_allclose(moments.mean, seen.mean(0), rtol=1e-5)
        np.testing.assert_allclose(moments.var, seen.var(0), rtol=1e-4, atol=1e-6)
    z = moments.normaliser()(jnp.asarray(seen, jnp.float32), 100.0)
    np.testing.assert_allclose(z, (seen - seen.mean(0)) / seen.std(0), rtol=1e-3, atol=1e-4)
    same = ops.empty_moments(1).add(jnp.full((9, 1), 7.0))
    np.testing.assert_allclose(same.normaliser(0.5)(jnp.array([8.0]), 9.0), [2.0])


def test_polyak_moves_a_share_of_the_way():
    target, params = {"a": jnp.array([0.0, 8.0])}, {"a": jnp.array([4.0, 0.0])}
    np.testing.assert_allclose(ops.polyak(target, params, 0.25)["a"], [1.0, 6.0])
    np.testing.assert_array_equal(ops.polyak(target, params, 1.0)["a"], params["a"])
