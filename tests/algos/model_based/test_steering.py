"""Steering: Gauss-Newton steps by hand."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from imitbench.algos.model_based import steering

MATRIX = jnp.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])  # three observations, two actions


def linear(wanted: np.ndarray):
    """Residuals M a - M a_i of the wanted actions [N, 2]."""
    return lambda action: (action - wanted) @ MATRIX.T


def test_one_step_solves_a_linear_problem():
    wanted = np.array([[0.3, -0.4], [-1.0, 0.9]])
    start = jnp.array([[1.0, 1.0], [-1.0, 0.0]])  # the difference is taken inwards
    action = steering.gauss_newton_step(linear(wanted), start, 0.1)
    np.testing.assert_allclose(action, wanted, atol=1e-5)


def test_actions_are_clipped():
    action, left = steering.steer(linear(np.array([[3.0, 0.5]])), jnp.zeros((1, 2)), 1, 0.1)
    np.testing.assert_allclose(action, [[1.0, 0.5]], atol=1e-5)
    np.testing.assert_allclose(left, [[-2.0, 0.0, -2.0]], atol=1e-5)


def test_least_squares_where_the_target_cannot_be_reached():
    """Of a - 0.2 and a - 0.6 the least squares are at 0.4."""
    target = jnp.array([0.2, 0.6])
    action, left = steering.steer(lambda a: a - target, jnp.zeros((1, 1)), 1, 0.1)
    np.testing.assert_allclose(action, [[0.4]], atol=1e-5)
    np.testing.assert_allclose(left, [[0.2, -0.2]], atol=1e-5)


def test_steps_converge_on_a_curved_problem():
    """a + 0.3 a^2 = 0.5."""
    root = (-1 + np.sqrt(1 + 4 * 0.3 * 0.5)) / 0.6
    action, left = steering.steer(lambda a: a + 0.3 * a**2 - 0.5, jnp.array([[-0.5]]), 3, 0.01)
    np.testing.assert_allclose(action, [[root]], atol=3e-4)
    np.testing.assert_allclose(left, [[0.0]], atol=3e-4)


def test_actions_without_effect_stay():
    action, _ = steering.steer(lambda a: 0 * a + 1.0, jnp.array([[0.5]]), 2, 0.1)
    np.testing.assert_array_equal(action, [[0.5]])


def test_evaluations_are_counted():
    calls = []

    def residual(action):
        calls.append(action.shape[0])
        return action

    steering.steer(residual, jnp.zeros((4, 3)), 2, 0.1)
    assert sum(calls) == steering.evaluations(3, 2) == 2 * 4 + 1
