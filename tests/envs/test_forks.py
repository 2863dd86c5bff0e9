"""Forks: the motion of the rod, contact, the finish line, and the 24 modes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.core import rollout
from imitbench.core.types import Transition
from imitbench.envs.toys import forks

KEY = jax.random.key(0)


@pytest.fixture
def env() -> Any:
    return envs.make("Forks")


def state_at(env: Any, x: float, y: float) -> Any:
    """The state of a rod at rest."""
    return env.reset_to(jnp.array([x, y, x, y, 0.0, 0.0]))


def path(points: list[tuple[float, float]], last_weight: float = 1.0) -> Transition:
    """An episode [T, 1] whose actual positions are these."""
    xy = jnp.asarray(points)
    obs = jnp.concatenate([jnp.zeros_like(xy), xy], axis=1)[:, None]
    weight = jnp.ones(len(xy) - 1).at[-1].set(last_weight)[:, None]
    no = jnp.zeros_like(weight, bool)
    return Transition(
        obs[:-1],
        weight,
        weight,
        weight,
        obs[1:],
        no,
        no,
        no,
        weight,  # the actions do not matter
    )


def test_cylinders_are_those_of_d3il():
    expected = [[0.5, -0.1], [0.425, 0.08], [0.575, 0.08], [0.35, 0.26], [0.5, 0.26], [0.65, 0.26]]
    np.testing.assert_array_equal(forks.CENTRES, np.array(expected, np.float32))
    np.testing.assert_allclose(forks.CONTACT, [0.04] + [0.035] * 5, rtol=1e-6)
    assert forks.MODES == np.prod(forks.GAPS) == 24


def test_start_is_drawn_in_x_and_at_rest(env):
    states = jax.vmap(env.reset)(jax.random.split(KEY, 500))
    x = np.asarray(states.obs[:, 0])
    assert 0.495 <= x.min() < 0.498 and 0.552 < x.max() <= 0.555
    np.testing.assert_array_equal(states.obs[:, 2:], states.obs[:, :2])
    np.testing.assert_allclose(states.obs[:, 1], -0.28, rtol=1e-6)
    assert (np.asarray(states.pipeline_state)[:, 4:] == 0).all()


def test_motion_solves_the_equation_of_the_spring():
    """x'' = w^2 (d - x) - 2 w x', integrated in 100,000 small steps."""
    x, v, d = np.array([0.5, -0.1]), np.array([0.3, -0.2]), np.array([0.51, -0.13])
    end, speed = forks.follow(jnp.asarray(x), jnp.asarray(v), jnp.asarray(d))
    w, n = forks.STIFFNESS, 100_000
    for _ in range(n):
        v = v + (w**2 * (d - x) - 2 * w * v) * forks.DT / n
        x = x + v * forks.DT / n
    np.testing.assert_allclose(end, x, atol=1e-5)
    np.testing.assert_allclose(speed, v, atol=1e-4)


def test_action_moves_the_desired_position_by_a_centimetre_at_most(env):
    state = env.step(state_at(env, 0.525, -0.28), jnp.array([3.0, -0.5]))
    np.testing.assert_allclose(state.obs[:2], [0.535, -0.285], rtol=1e-6)
    share = 1 - (1 + 1.4) * np.exp(-1.4)  # from rest: 1 - (1 + w t) exp(-w t) with w t = 1.4
    np.testing.assert_allclose(state.obs[2:], [0.525 + 0.01 * share, -0.28 - 0.005 * share])
    for _ in range(40):
        state = env.step(state, jnp.zeros(2))
    np.testing.assert_allclose(state.obs[2:], state.obs[:2], atol=1e-6)  # it arrives


def test_clearance_by_hand():
    at = lambda *xy: jnp.array(xy)  # noqa: E731
    # The first cylinder is at (0.5, -0.1), its contact at 0.04 m.
    assert float(forks.clearance(at(0.5, -0.2), at(0.5, -0.2))) == pytest.approx(0.06, abs=1e-6)
    assert float(forks.clearance(at(0.5, -0.2), at(0.5, -0.15))) == pytest.approx(0.01, abs=1e-6)
    # A way beside it: both ends are 0.0707 m away, the middle 0.05 m.
    assert float(forks.clearance(at(0.45, -0.15), at(0.45, -0.05))) == pytest.approx(0.01, abs=1e-6)
    # Straight through, with both ends outside.
    assert float(forks.clearance(at(0.44, -0.1), at(0.56, -0.1))) == pytest.approx(-0.04, abs=1e-6)


@pytest.mark.parametrize("number", range(6))
def test_touching_a_cylinder_is_failure_and_ends(env, number):
    x, y = forks.CENTRES[number]
    distance = forks.CONTACT[number]
    state, up = state_at(env, x, y - distance - 0.006), jnp.array([0.0, 1.0])
    for _ in range(2):  # from rest the first step leads 4.1 mm far
        assert not float(state.done)
        state = env.step(state, up)
    assert float(state.done) == 1 and float(state.reward) == 0
    assert not float(state.metrics["success"])
    away = env.step(state_at(env, x, y - distance - 0.006), -up)
    assert not float(away.done)


def test_passing_the_finish_line_is_success_and_ends(env):
    before = env.step(state_at(env, 0.9, 0.34), jnp.array([0.0, 0.5]))
    assert not float(before.done) and not float(before.reward)
    after = env.step(state_at(env, 0.9, 0.3499), jnp.array([0.0, 0.5]))
    assert float(after.done) == float(after.reward) == float(after.metrics["success"]) == 1


def test_episodes_end_in_rollouts(env):
    straight = lambda key, obs: jnp.broadcast_to(jnp.array([0.0, 1.0]), (*obs.shape[:-1], 2))  # noqa: E731
    steps = jax.jit(lambda k: rollout.episodes(env, straight, k, 50))(KEY)
    scores = rollout.summarise(steps, env.spec.modes)
    assert (np.asarray(scores["success_any"]) == (np.asarray(scores["return"]) == 1)).all()
    assert np.asarray(steps.terminated).any(axis=0).all()
    # Straight on, the first cylinder (x < 0.54) and the second row's (x > 0.54) are in the way.
    assert not np.asarray(scores["success_any"]).any()
    assert (np.asarray(scores["mode"]) == -1).all()


@pytest.mark.parametrize("mode", range(24))
def test_modes_by_hand(mode):
    g1, g2, g3 = mode // 12, mode // 4 % 3, mode % 4
    xs = ([0.4, 0.6][g1], [0.3, 0.5, 0.7][g2], [0.3, 0.4, 0.6, 0.7][g3])
    points = [(0.52, -0.28), (xs[0], -0.1), (xs[1], 0.08), (xs[2], 0.26), (xs[2], 0.36)]
    assert forks.find_modes(path(points)).tolist() == [mode]
    assert forks.find_modes(path(points[:-2])).tolist() == [-1]  # two rows
    assert forks.find_modes(path([*points[:3], points[3]], last_weight=0.0)).tolist() == [-1]


def test_mode_is_that_of_the_first_crossing_between_two_steps():
    # From (0.48, -0.14) to (0.54, -0.08) the row y = -0.1 is crossed at x = 0.52: gap 1.
    points = [(0.48, -0.14), (0.54, -0.08), (0.4, -0.15), (0.4, 0.0), (0.3, 0.1), (0.3, 0.3)]
    assert forks.find_modes(path(points)).tolist() == [12]


def test_states_inside_a_cylinder_have_failed(env):
    obs = np.array([[0, 0, 0.5, -0.1], [0, 0, 0.5, -0.0605], [0, 0, 0.5, -0.0599], [9, 9, 0.9, 0]])
    assert env.spec.failed(obs).tolist() == [True, True, False, False]


def test_pose_leads_back(env):
    state = env.step(env.reset(KEY), jnp.array([0.3, 0.8]))
    again = env.reset_to(env.pose(state))
    np.testing.assert_array_equal(again.obs, state.obs)
    a, b = (env.step(s, jnp.array([-0.2, 1.0])) for s in (state, again))
    np.testing.assert_array_equal(a.obs, b.obs)


def test_initial_states_repeat_in_turn(env):
    noise = lambda key, obs: jax.random.normal(key, (*obs.shape[:-1], 2))  # noqa: E731
    steps = rollout.episodes(env, noise, KEY, 7, horizon=3, starts=3)
    first = np.asarray(steps.obs[0])
    np.testing.assert_array_equal(first[[3, 4, 5, 6]], first[[0, 1, 2, 0]])
    assert len(np.unique(first[:, 0])) == 3
    assert len(np.unique(np.asarray(steps.action[0, :, 0]))) == 7  # the randomness differs
    alone = rollout.episodes(env, noise, KEY, 3, horizon=3)
    np.testing.assert_array_equal(first[:3], alone.obs[0])
