"""Tasks whose reward and ends are functions of observations: against the engine and Gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.core.capabilities import KnownReward, Targets
from imitbench.core.types import FULL_OBS
from imitbench.envs import known_reward
from imitbench.envs.locomotion import EXPLODED

KEY = jax.random.key(3)
BODIES = ("HalfCheetah", "Hopper")


def make(name: str) -> Any:
    env = envs.make(name)
    assert isinstance(env, KnownReward)
    return env


@pytest.mark.parametrize("body", BODIES)
def test_steps_equal_those_of_the_body(body):
    """The same reward, end and positions; the velocity is the engine's displacement by time."""
    plain: Any = envs.make(body)
    env = make(body + known_reward.SUFFIX)
    assert env.spec.horizon == 500 and env.spec.ends == plain.spec.ends
    size = plain.spec.obs_size
    assert env.spec.obs_size == size + 1 and env.spec.fields["velocity"] == slice(size, size + 1)
    a, b = jax.jit(plain.reset)(KEY), jax.jit(env.reset)(KEY)
    assert float(b.obs[-1]) == float(b.pipeline_state.qvel[0])
    ended, step, step_plain = 0, jax.jit(env.step), jax.jit(plain.step)
    reward, end = jax.jit(env.known_reward), jax.jit(env.known_end)
    for t in range(60):
        action = jax.random.uniform(jax.random.fold_in(KEY, t), (env.action_size,), minval=-1.0)
        before, a, b = b, step_plain(a, action), step(b, action)
        np.testing.assert_array_equal(b.info[FULL_OBS], a.obs)
        np.testing.assert_array_equal(b.obs[:5], a.obs[:5])
        moved = env.physics.displacement(before.pipeline_state, b.pipeline_state)[0]
        assert float(b.obs[-1]) == pytest.approx(float(moved) / env.dt, abs=1e-5)
        assert float(b.reward) == pytest.approx(float(a.reward), abs=1e-5)
        assert float(b.done) == float(a.done)
        known = reward(before.obs, action, b.obs)
        assert float(known) == pytest.approx(float(b.reward), abs=1e-6)
        assert bool(end(before.obs, action, b.obs)) == bool(b.done)
        ended += bool(b.done)
    assert ended > 5 if body == "Hopper" else not ended


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("body", BODIES)
def test_rewards_are_those_of_gymnasium(body):
    original: Any = gymnasium.make(f"{body}-v5").unwrapped
    env = make(body + known_reward.SUFFIX)
    original.reset(seed=1)
    pose = jnp.float32(np.concatenate([original.data.qpos, original.data.qvel]))
    state, step = env.reset_to(pose), jax.jit(env.step)
    rng = np.random.default_rng(1)
    for _ in range(10):
        action = rng.uniform(-1, 1, env.action_size).astype(np.float32)
        _, reward, terminated, _, info = original.step(action)
        state = step(state, action)
        assert float(state.obs[-1]) == pytest.approx(info["x_velocity"], abs=2e-4)
        assert float(state.reward) == pytest.approx(reward, abs=2e-4)
        assert bool(state.done) == terminated


def test_ends_of_hopper_by_hand():
    env = make("Hopper-known-reward")
    rest = np.zeros(12, np.float32)
    rest[0] = 1.2
    changes = {
        (0, 0.69): True, (0, 0.71): False, (1, 0.19): False, (1, -0.21): True,
        (2, 99.0): False, (2, -101.0): True, (10, 101.0): True, (11, 200.0): False,
    }  # fmt: skip
    for (index, value), expected in changes.items():
        obs = rest.copy()
        obs[index] = value
        assert bool(env.known_end(jnp.asarray(rest), jnp.zeros(3), jnp.asarray(obs))) == expected
    # 2 m/s forward, healthy, 0.001 (1 + 4 + 0) / 4 for control; unhealthy without the 1.
    next_obs = jnp.asarray(rest).at[-1].set(2.0)
    action = jnp.array([0.5, -1.0, 0.0])
    reward = env.known_reward(jnp.asarray(rest), action, next_obs)
    assert float(reward) == pytest.approx(2.0 + 1.0 - 1e-3 * 1.25)
    reward = env.known_reward(jnp.asarray(rest), action, next_obs.at[0].set(0.6))
    assert float(reward) == pytest.approx(2.0 - 1e-3 * 1.25)


def test_velocities_of_hopper_are_not_clipped_but_for_its_experts():
    env = make("Hopper-known-reward")
    pose = jnp.zeros(12).at[1].set(1.25).at[9].set(50.0)
    state = env.reset_to(pose)
    assert float(state.obs[8]) == 50.0 and float(state.info[FULL_OBS][8]) == 10.0


@pytest.mark.parametrize("body", BODIES)
def test_a_state_that_explodes_becomes_the_rest_pose(body):
    env = make(body + known_reward.SUFFIX)
    nq = env.physics.model.nq
    pose = jnp.asarray(env.physics.model.qpos0, jnp.float32)
    pose = jnp.concatenate([pose, jnp.zeros(env.physics.model.nv).at[-1].set(10 * EXPLODED)])
    action = jnp.full(env.action_size, 0.5)
    state = jax.jit(env.step)(env.reset_to(pose), action)
    np.testing.assert_allclose(state.obs[: nq - 1], env.physics.model.qpos0[1:])
    np.testing.assert_array_equal(state.obs[nq - 1 :], 0.0)
    healthy, cost = (1.0, 1e-3) if body == "Hopper" else (0.0, 0.1)
    expected = healthy - cost * 0.25 * env.action_size
    assert float(state.reward) == pytest.approx(expected)
    assert bool(state.done) == (body == "Hopper")


def test_target_speeds_are_a_family_with_the_same_dynamics():
    env, other = make("HalfCheetah-speed-1"), make("HalfCheetah-speed-2")
    is_target = [isinstance(e, Targets) for e in (env, other, envs.make("Hopper-known-reward"))]
    assert is_target == [True, True, False]
    assert (env.target, other.target, env.target_range) == (1.0, 2.0, (0.0, 3.0))
    assert env.spec.fields == envs.make("HalfCheetah-known-reward").spec.fields
    state, twin = jax.jit(env.reset)(KEY), jax.jit(other.reset)(KEY)
    action = jnp.linspace(-1.0, 0.5, 6)
    for _ in range(3):
        state, twin = jax.jit(env.step)(state, action), jax.jit(other.step)(twin, action)
        np.testing.assert_array_equal(state.obs, twin.obs)
        velocity, cost = float(state.obs[-1]), 0.05 * float(jnp.sum(action**2))
        assert float(state.reward) == pytest.approx(-abs(velocity - 1.0) - cost, abs=1e-5)
        assert float(twin.reward) == pytest.approx(-abs(velocity - 2.0) - cost, abs=1e-5)
        assert not float(state.done)
    assert float(state.info[FULL_OBS][-1]) == 1.0


def test_another_target_may_be_traced_and_leaves_the_environment_as_it_is():
    env = make("HalfCheetah-speed-1")
    obs, next_obs, action = jnp.zeros(18), jnp.zeros(18).at[-1].set(1.5), jnp.zeros(6)

    def reward(target: jax.Array) -> jax.Array:
        return env.with_target(target).known_reward(obs, action, next_obs)

    found = jax.jit(jax.vmap(reward))(jnp.array([0.5, 1.5, 3.0]))
    np.testing.assert_allclose(found, [-1.0, 0.0, -1.5])
    assert env.target == 1.0 and float(env.known_reward(obs, action, next_obs)) == -0.5


def test_probes_know_their_rewards():
    for name in ("ProbeWalk", "ProbeGoal", "ProbeTarget"):
        env = make(name)
        state = env.reset(KEY)
        for i in range(3):
            action = jax.random.uniform(jax.random.fold_in(KEY, i), (2,), minval=-1.0)
            after = env.step(state, action)
            known = env.known_reward(state.obs, action, after.obs)
            assert float(known) == float(after.reward)
            assert bool(env.known_end(state.obs, action, after.obs)) == bool(after.done)
            state = after
    goal = make("ProbeGoal")  # the reward is that of the next observation, not of the true one
    there = jnp.array([0.3, 0.3, 0.3, 0.3])
    assert float(goal.known_reward(jnp.zeros(4), jnp.zeros(2), there)) == 0.0
