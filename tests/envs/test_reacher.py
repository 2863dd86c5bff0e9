"""Reacher: steps and resets against gymnasium, and MJX against native."""

from __future__ import annotations

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.envs.mujoco.mujoco_env import MujocoEnv

from imitbench import envs
from imitbench.envs.base import PhysicsEnv

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def original() -> MujocoEnv:
    env = gymnasium.make("Reacher-v5").unwrapped
    assert isinstance(env, MujocoEnv)
    return env


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_steps_equal_those_of_gymnasium(original, seed):
    env = envs.make("Reacher", "native")
    assert isinstance(env, PhysicsEnv)
    obs, _ = original.reset(seed=seed)
    pose = np.concatenate([original.data.qpos, original.data.qvel])
    state = jax.jit(env.reset_to)(jnp.float32(pose))
    np.testing.assert_allclose(state.obs, obs, atol=1e-6)
    step, rng, compared = jax.jit(env.step), np.random.default_rng(seed), 0
    for _ in range(env.spec.horizon):
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        elbow = abs(original.data.qpos[1])
        obs, reward, terminated, _, _ = original.step(action)
        state = step(state, jnp.asarray(action))
        np.testing.assert_allclose(state.obs[:8], obs[:8], rtol=1e-5, atol=1e-5)
        assert not terminated and not state.done
        free = max(elbow, abs(original.data.qpos[1])) < 2.5  # of its limit, 3: see the class
        compared, off = compared + free, 1e-5 if free else 1e-2
        np.testing.assert_allclose(state.obs[8:], obs[8:], atol=off)
        assert float(state.reward) == pytest.approx(float(reward), abs=off)
    assert compared > 25 and abs(original.data.qpos[0]) > 0.1


def test_resets_have_the_original_distribution(original):
    env = envs.make("Reacher", "native")
    theirs = np.stack([original.reset(seed=i)[0] for i in range(400)])
    keys = jax.random.split(jax.random.key(0), 400)
    mine = np.asarray(jax.jit(jax.vmap(env.reset))(keys).obs)
    gap, spread = np.abs(theirs.mean(0) - mine.mean(0)), theirs.std(0)
    # 400 draws: a mean within 4 standard errors of the difference, a deviation within 15%.
    np.testing.assert_array_less(gap, 4 * spread * np.sqrt(2 / 400) + 1e-6)
    np.testing.assert_allclose(spread, mine.std(0), rtol=0.15)
    distance = np.linalg.norm(mine[:, env.spec.fields["target"]], axis=-1)
    assert distance.max() < 0.2 and np.median(distance) == pytest.approx(0.2 / 2**0.5, abs=0.01)


@pytest.mark.slow
def test_steps_in_mjx_are_close_to_native():
    native, mjx = envs.make("Reacher", "native"), envs.make("Reacher", "mjx")
    a, b = (jax.jit(env.reset)(jax.random.key(0)) for env in (native, mjx))
    steps = jax.jit(native.step), jax.jit(mjx.step)
    for key in jax.random.split(jax.random.key(1), 10):
        action = jax.random.uniform(key, (2,), minval=-1.0)
        a, b = steps[0](a, action), steps[1](b, action)
        np.testing.assert_allclose(a.obs, b.obs, atol=1e-4)
        assert float(a.reward) == pytest.approx(float(b.reward), abs=1e-4)
