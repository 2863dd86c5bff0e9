"""Tasks that hide a part of the observation: the same dynamics, and what experts see."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.core.types import FULL_OBS
from imitbench.envs import known_reward, registry

KEY = jax.random.key(3)
BODIES = ("Hopper", "Walker2d", "HalfCheetah")
TARGET = "HalfCheetah-target"


@pytest.mark.parametrize("body", BODIES)
def test_velocities_are_hidden_and_nothing_else_changes(body):
    full, hidden = envs.make(body), envs.make(f"{body}-no-velocity")
    positions = full.spec.fields["qpos"]
    assert dict(hidden.spec.fields) == {"qpos": positions}
    assert (hidden.spec.ends, hidden.spec.horizon) == (full.spec.ends, full.spec.horizon)
    a, b = jax.jit(full.reset)(KEY), jax.jit(hidden.reset)(KEY)
    step_full, step_hidden = jax.jit(full.step), jax.jit(hidden.step)
    for t in range(12):
        np.testing.assert_array_equal(b.obs, a.obs[positions])
        np.testing.assert_array_equal(b.info[FULL_OBS], a.obs)
        assert float(a.reward) == float(b.reward) and float(a.done) == float(b.done)
        action = jax.random.uniform(jax.random.fold_in(KEY, t), (full.spec.action_size,))
        a, b = step_full(a, action), step_hidden(b, action)


def test_states_that_certainly_failed_are_found_without_velocities():
    failed: Any = envs.make("Hopper-no-velocity").spec.failed
    obs = np.array([[1.2, 0, 0, 0, 0], [0.6, 0, 0, 0, 0], [1.2, 0.3, 0, 0, 0], [1.2, 0, 0, 0, 101]])
    assert failed(obs).tolist() == [False, True, True, True]


def test_every_hiding_task_holds_the_observation_of_its_full_task():
    found = {name: e.full_task for name, e in registry.TASKS.items() if e.full_task}
    shown = {*known_reward.NAMES, *known_reward.SPEEDS}  # what is observed decides the reward
    hiding = {f"{b}-no-velocity" for b in BODIES} | {TARGET, "MountainCar-confounded", "Ant-27"}
    pixels = {f"{b}-{m}" for b in ("FetchReach", "FetchPush") for m in ("depth64", "seg64")}
    assert set(found) == hiding | shown | pixels
    for name, full in found.items():
        state = jax.eval_shape(envs.make(name).reset, KEY)
        assert state.info[FULL_OBS].shape == (envs.make(full).spec.obs_size,)


@pytest.fixture(scope="module")
def target() -> Any:
    return envs.make(TARGET)


def test_reward_is_minus_the_distance_to_the_target_speed(target):
    state = jax.jit(target.reset)(KEY)
    action = jnp.linspace(-1.0, 0.5, 6)
    after = jax.jit(target.step)(state, action)
    dt = 5 * target.physics.model.opt.timestep
    moved = target.physics.displacement(state.pipeline_state, after.pipeline_state)[0]
    velocity, speed = float(moved / dt), float(state.info["target"][0])
    expected = -abs(velocity - speed) - 0.05 * float(jnp.sum(action**2))
    assert float(after.reward) == pytest.approx(expected, abs=1e-5)
    assert float(after.info["target"][0]) == speed
    assert float(after.obs[-1]) == (1.0 if velocity > speed else -1.0)
    assert not float(after.done)


def test_dynamics_are_those_of_the_body(target):
    plain = envs.make("HalfCheetah")
    pose = jax.jit(plain.reset)(KEY).pipeline_state
    start = jnp.concatenate([pose.qpos, pose.qvel])
    a = plain.reset_to(start)  # type: ignore[attr-defined]
    b = target.reset_to(jnp.append(start, 1.5))
    for t in range(5):
        action = jax.random.uniform(jax.random.fold_in(KEY, t), (6,), minval=-1.0)
        a, b = plain.step(a, action), target.step(b, action)
        np.testing.assert_array_equal(b.obs[:-1], a.obs)


def test_bit_follows_the_target(target):
    """The same state with a target below and above its velocity."""
    state = jax.jit(target.reset)(KEY)
    pose = target.pose(state)
    assert pose.shape == (9 + 9 + 1,) and float(pose[-1]) == float(state.info["target"][0])
    velocity = float(pose[9])
    for speed, bit in ((velocity - 0.01, 1.0), (velocity + 0.01, -1.0)):
        again = target.reset_to(pose.at[-1].set(speed))
        np.testing.assert_allclose(again.obs[:-1], state.obs[:-1], atol=1e-6)
        assert float(again.obs[-1]) == bit
        assert float(again.info[FULL_OBS][-1]) == pytest.approx(speed)


def test_targets_are_uniform_and_shown_in_the_full_task_alone(target):
    shown = envs.make(f"{TARGET}-observed")
    a = jax.jit(jax.vmap(target.reset))(jax.random.split(KEY, 64))
    b = jax.jit(jax.vmap(shown.reset))(jax.random.split(KEY, 64))
    np.testing.assert_array_equal(a.info[FULL_OBS], b.obs)
    speeds = np.sort(np.asarray(b.obs[:, -1]))
    # Kolmogorov and Smirnov: with 64 draws the distance stays below 0.2 of 3 in 99% of all cases.
    assert np.abs(speeds - 3 * (np.arange(64) + 0.5) / 64).max() < 0.6
    assert set(np.asarray(a.obs[:, -1])) <= {-1.0, 1.0}
    assert FULL_OBS not in b.info
