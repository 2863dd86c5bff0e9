"""Rotations: conventions by hand, and each function against its inverse."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from imitbench.envs.motion import rotations

AXES = dict(zip("xyz", np.eye(3), strict=True))


def test_a_quarter_turn_about_z_moves_x_to_y():
    q = np.array([np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)])
    np.testing.assert_allclose(rotations.about_z(np.asarray(np.pi / 2)), q, atol=1e-7)
    np.testing.assert_allclose(rotations.rotate(q, AXES["x"]), AXES["y"], atol=1e-12)
    np.testing.assert_allclose(rotations.vector(q), [0.0, 0.0, np.pi / 2])
    np.testing.assert_allclose(rotations.vector(-q), [0.0, 0.0, np.pi / 2])
    np.testing.assert_allclose(rotations.heading(q), np.pi / 2)


def test_products_and_columns_are_those_of_mujoco():
    rng = np.random.default_rng(0)
    p, q = (x / np.linalg.norm(x) for x in rng.normal(size=(2, 4)))
    expected, matrix = np.zeros(4), np.zeros(9)
    mujoco.mju_mulQuat(expected, p, q)
    mujoco.mju_quat2Mat(matrix, p)
    np.testing.assert_allclose(rotations.multiply(p, q), expected)
    columns = matrix.reshape(3, 3)[:, :2].T.ravel()
    np.testing.assert_allclose(rotations.columns(p), columns)


@pytest.mark.parametrize("order", ["".join(o) for o in itertools.permutations("xyz")])
def test_three_hinges_make_up_the_rotation(order: str):
    angles = np.random.default_rng(1).uniform(-1.2, 1.2, (6, 3))
    turns = [rotations.about(AXES[axis], angles[:, i]) for i, axis in enumerate(order)]
    q = rotations.multiply(rotations.multiply(turns[0], turns[1]), turns[2])
    # Far apart in time, so that continuity asks for whole turns where a difference exceeds pi.
    found = rotations.hinge_angles(q, order)
    np.testing.assert_allclose((found - angles + np.pi) % (2 * np.pi) - np.pi, 0, atol=1e-9)


def test_halfway_between_two_rotations():
    start, end = np.array([[1.0, 0.0, 0.0, 0.0]]), rotations.about_z(np.array([1.0]))
    half = rotations.interpolate(start, -end, np.array([[0.5]]))
    np.testing.assert_allclose(rotations.vector(half), [[0.0, 0.0, 0.5]], atol=1e-7)


def test_quaternions_become_continuous():
    q = rotations.about_z(np.linspace(0.0, 3.0, 7))
    flipped = q * np.array([1, -1, -1, 1, -1, 1, 1.0])[:, None]
    np.testing.assert_allclose(rotations.continuous(flipped), q, atol=1e-7)


def test_vectors_have_a_gradient_where_there_is_no_rotation():
    gradient = jax.jacobian(rotations.vector)(jnp.array([1.0, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(gradient[:, 1:], 2 * np.eye(3), atol=1e-6)
    back = jax.jacobian(rotations.from_vector)(jnp.zeros(3))
    np.testing.assert_allclose(back[1:], 0.5 * np.eye(3), atol=1e-6)
