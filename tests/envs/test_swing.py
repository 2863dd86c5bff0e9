"""The swing: its motion against an integrator, its reward and walls by hand, and its expert."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.envs.toys import swing

KEY = jax.random.key(0)


def begin(name: str, angle: float, velocity: float) -> tuple[Any, Any]:
    env: Any = envs.make(name)
    return env, env.reset_to(jnp.array([angle, velocity]))


@pytest.mark.parametrize(
    ("angle", "velocity", "action"), [(0.3, -2.0, 0.5), (3.0, 6.0, -1.0), (-1.2, 0.0, 1.0)]
)
def test_a_step_is_the_motion_of_a_pendulum(angle, velocity, action):
    """In the coordinates of the source: sine, cosine, velocity."""

    def rate(t: float, s: np.ndarray) -> list[float]:
        return [s[2] * s[1], -s[2] * s[0], -9.81 * s[0] + 3.0 * action]

    env, state = begin("Swing", angle, velocity)
    np.testing.assert_allclose(state.obs, [np.sin(angle), np.cos(angle), velocity], atol=1e-6)
    exact = scipy.integrate.solve_ivp(
        rate, (0, 0.02), np.asarray(state.obs, np.float64), rtol=1e-10, atol=1e-12
    )
    new = env.step(state, jnp.array([action]))
    np.testing.assert_allclose(new.obs, exact.y[:, -1], atol=3e-6)
    assert float(new.done) == 0


def test_reward_by_hand():
    """Of the state before the step; the angle counts from 0 to 2 pi, the action is 3 times ours."""
    env, state = begin("Swing", -np.pi / 2, 2.0)  # which is 3 pi / 2: pi / 2 from the top
    reward = env.step(state, jnp.array([0.5])).reward
    assert float(reward) == pytest.approx(-0.5 * ((np.pi / 2) ** 2 + 4.0 + 2.25), rel=1e-5)
    env, state = begin("Swing", np.pi, 0.0)
    assert float(env.step(state, jnp.array([0.0])).reward) == pytest.approx(0, abs=1e-6)
    larger = env.step(state, jnp.array([7.0]))
    assert float(larger.reward) == pytest.approx(-4.5, abs=1e-5)  # clipped to 1


def test_walls_turn_the_velocity_round_where_a_step_ends_at_them():
    for wall in (np.pi / 6, np.pi / 3):
        for offset, sign in ((0.0, -1.0), (0.009, -1.0), (-0.009, -1.0), (0.011, 1.0)):
            after = swing.bounce(jnp.array([wall + offset, 2.0]))
            np.testing.assert_allclose(after, [wall + offset, 2.0 * sign], rtol=1e-6)
    assert float(swing.bounce(jnp.array([-np.pi / 6, 2.0]))[1]) == 2.0  # on one side alone
    start = np.pi / 6 - 0.02  # 1 rad/s for 0.02 s end at the wall
    smooth, walls = (
        env.step(state, jnp.array([0.0])).obs
        for env, state in (begin(name, start, 1.0) for name in swing.TASKS)
    )
    np.testing.assert_allclose(walls[:2], smooth[:2])
    assert float(smooth[2]) > 0.8 and float(walls[2]) == -float(smooth[2])


def test_angles_stay_within_a_turn_and_poses_are_states():
    env, state = begin("Swing", 3.13, 6.0)
    new = env.step(state, jnp.array([0.0]))
    assert -np.pi <= float(env.pose(new)[0]) < -3.0
    again = env.reset_to(env.pose(new))
    np.testing.assert_array_equal(again.obs, new.obs)
    start = jax.vmap(env.reset)(jax.random.split(KEY, 500))
    angle, velocity = np.asarray(start.pipeline_state).T
    assert 0.97 < np.abs(angle).max() <= 1 and 0.48 < np.abs(velocity).max() <= 0.5
    assert env.spec.horizon == 500 and env.spec.ends == "never"


def test_the_gains_at_the_top_solve_the_riccati_equation():
    """A' P + P A - P B B' P + Q = 0, with the gain B' P."""
    from scipy.linalg import solve_continuous_are

    from imitbench.experts.scripted import swing as swing_law

    a, b = np.array([[0.0, 1.0], [9.81, 0.0]]), np.array([[0.0], [1.0]])
    gain = b.T @ solve_continuous_are(a, b, np.eye(2), np.eye(1))
    np.testing.assert_allclose(gain[0], [swing_law.ANGLE_GAIN, swing_law.VELOCITY_GAIN], rtol=1e-6)


@pytest.mark.parametrize("name", swing.TASKS)
def test_the_expert_swings_up_and_stands(name):
    steps = jax.jit(lambda key: rollout.episodes(envs.make(name), experts.load(name), key, 50))(KEY)
    upright = np.asarray(steps.next_obs[-100:, :, 1]) < -0.99
    assert upright.all()
    idle = rollout.episodes(envs.make(name), lambda key, obs: obs[..., :1] * 0, KEY, 20)
    returns = [float(s.reward.sum(axis=0).mean()) for s in (steps, idle)]
    assert returns[0] > returns[1] + 400
