"""MountainCar step for step against gymnasium, and its confounded form."""

from __future__ import annotations

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.core.types import FULL_OBS

KEY = jax.random.key(0)


@pytest.mark.parametrize("seed", range(3))
def test_steps_equal_those_of_gymnasium(seed):
    """Whole episodes; the original computes in float64, so the tolerance is that of 200 steps."""
    original, ours = gymnasium.make("MountainCar-v0").unwrapped, envs.make("MountainCar")
    step = jax.jit(ours.step)
    obs, _ = original.reset(seed=seed)
    state = ours.reset_to(jnp.append(jnp.asarray(obs), 0.0))  # type: ignore[attr-defined]
    rng = np.random.default_rng(seed)
    held = 1
    for t in range(200):
        if t % 20 == 0:
            held = int(rng.integers(3))
        # The first episode reaches the flag; in the others actions are held for long.
        action = held if seed else (0 if obs[1] < 0 else 2)
        obs, reward, terminated, _, _ = original.step(action)
        state = step(state, jnp.int32(action))
        np.testing.assert_allclose(state.obs, obs, atol=2e-5)
        assert float(state.reward) == reward and bool(state.done) == terminated
        assert bool(state.metrics["success"]) == terminated
        if terminated:
            break
    assert seed or bool(state.done)


def test_walls_by_hand():
    env = envs.make("MountainCar")
    left = env.step(env.reset_to(jnp.array([-1.19, -0.05, 0.0])), 0)  # type: ignore[attr-defined]
    np.testing.assert_allclose(left.obs, [-1.2, 0.0])  # it stops at the wall
    fast = env.step(env.reset_to(jnp.array([-0.5, 0.07, 0.0])), 2)  # type: ignore[attr-defined]
    assert float(fast.obs[1]) == pytest.approx(0.07)  # the largest speed
    flag = env.step(env.reset_to(jnp.array([0.45, 0.07, 0.0])), 2)  # type: ignore[attr-defined]
    assert float(flag.obs[0]) >= 0.5 and bool(flag.done)


def test_initial_positions():
    states = jax.vmap(envs.make("MountainCar").reset)(jax.random.split(KEY, 500))
    assert -0.6 <= float(states.obs[:, 0].min()) < -0.59
    assert -0.41 < float(states.obs[:, 0].max()) <= -0.4
    assert (np.asarray(states.obs[:, 1]) == 0).all()


def test_confounded_form_shows_the_previous_action():
    plain, confounded = envs.make("MountainCar"), envs.make("MountainCar-confounded")
    a, b = plain.reset(KEY), confounded.reset(KEY)
    assert confounded.spec.obs_size == 3 and confounded.spec.discrete
    for action in (2, 0, 1, 2):
        a, b = plain.step(a, jnp.int32(action)), confounded.step(b, jnp.int32(action))
        np.testing.assert_array_equal(b.obs[:2], a.obs)
        np.testing.assert_array_equal(b.info[FULL_OBS], a.obs)
        assert float(b.obs[2]) == action - 1


def test_the_previous_action_of_an_episodes_first_step_is_drawn():
    states = jax.vmap(envs.make("MountainCar-confounded").reset)(jax.random.split(KEY, 600))
    values, counts = np.unique(states.obs[:, 2], return_counts=True)
    np.testing.assert_array_equal(values, [-1, 0, 1])
    assert (counts > 160).all()  # 200 +- 12
    assert abs(np.corrcoef(states.obs[:, 0], states.obs[:, 2])[0, 1]) < 0.15


@pytest.mark.parametrize("task", ["MountainCar", "MountainCar-confounded"])
def test_expert_reaches_the_flag(task):
    env = envs.make(task)
    steps = jax.jit(lambda k: rollout.episodes(env, experts.load_actor(task), k, 200))(KEY)
    scores = rollout.summarise(steps)
    assert np.asarray(scores["success_final"]).all()
    assert float(jnp.mean(scores["return"])) > -125
