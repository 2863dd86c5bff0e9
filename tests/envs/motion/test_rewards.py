"""The rewards and their errors, by hand."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.envs.motion import rewards
from imitbench.envs.motion.quadruped import QUADRUPED
from imitbench.envs.motion.rewards import Errors, Weights
from imitbench.envs.motion.skeleton import Frames, Skeleton

NONE = Errors(*[jnp.float32(0.0)] * 9)


def test_no_error_gets_one():
    assert rewards.deepmimic(NONE, 15) == pytest.approx(1)
    assert rewards.quadruped(NONE) == pytest.approx(1)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        # 15 joints: scales 2 and 0.1 of pose and rate.
        ({"pose": 0.3}, 0.5 * np.exp(-0.6) + 0.5),
        ({"rate": 4.0}, 0.05 * np.exp(-0.4) + 0.95),
        # The sum over the ends.
        ({"ends": 0.02, "end_heights": 0.01}, 0.15 * np.exp(-0.3) + 0.85),
        ({"root_position": 0.1, "root_rotation": 0.2}, 0.2 * np.exp(-5 * 0.12) + 0.8),
        ({"root_velocity": 2.0, "root_spin": 10.0}, 0.2 * np.exp(-5 * 0.03) + 0.8),
        ({"centre_velocity": 0.5}, 0.1 * np.exp(-0.5) + 0.9),
    ],
)
def test_deepmimic_by_hand(errors: dict[str, float], expected: float):
    found = rewards.deepmimic(NONE._replace(**errors), 15)  # type: ignore[arg-type]
    assert found == pytest.approx(expected, abs=1e-6)


def test_scales_grow_with_the_number_of_joints():
    found = rewards.deepmimic(NONE._replace(pose=jnp.float32(0.3)), 5)
    assert found == pytest.approx(0.5 * np.exp(-0.2) + 0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({"pose": 0.1}, 0.5 * np.exp(-0.5) + 0.5),
        ({"rate": 4.0}, 0.05 * np.exp(-0.4) + 0.95),
        ({"ends": 0.01, "end_heights": 0.01}, 0.2 * np.exp(-40 * 0.04) + 0.8),
        ({"root_position": 0.02, "root_rotation": 0.04}, 0.15 * np.exp(-20 * 0.04) + 0.85),
        ({"root_velocity": 0.3, "root_spin": 1.0}, 0.1 * np.exp(-2 * 0.4) + 0.9),
        ({"centre_velocity": 5.0}, 1.0),
    ],
)
def test_quadruped_by_hand(errors: dict[str, float], expected: float):
    found = rewards.quadruped(NONE._replace(**errors))  # type: ignore[arg-type]
    assert found == pytest.approx(expected, abs=1e-6)


def motion(**parts: Any) -> rewards.Motion:
    """A motion of two bodies, a root and one on a hinge, that does nothing."""
    none = jnp.tile(jnp.array([1.0, 0.0, 0.0, 0.0]), (2, 1))
    frames = Frames(jnp.zeros((2, 3)), none, none)
    zeros = jnp.zeros(3)
    still = rewards.Motion(frames, jnp.zeros(1), zeros, zeros, zeros, jnp.zeros((1, 3)))
    return still._replace(**parts)


def turned(angle: float, body: int) -> Frames:
    turn = jnp.array([np.cos(angle / 2), np.sin(angle / 2), 0.0, 0.0])
    frames = motion().frames
    return frames._replace(local=frames.local.at[body].set(turn))


def test_errors_by_hand():
    weights = Weights(np.array([0.6, 0.4]), np.array([0.4]))

    def against_nothing(**parts: Any) -> Errors:
        return rewards.compare(weights, 0.6, motion(**parts), motion())

    np.testing.assert_allclose(against_nothing(), 0, atol=1e-12)
    bent = against_nothing(frames=turned(0.5, 1))
    assert bent.pose == pytest.approx(0.4 * 0.25) and bent.root_rotation == pytest.approx(0)
    tilted = against_nothing(frames=turned(-0.5, 0))
    assert tilted.pose == pytest.approx(0.6 * 0.25)
    assert tilted.root_rotation == pytest.approx(0.25)
    moving = against_nothing(joint_rates=jnp.array([3.0]), spin=jnp.array([0.0, 2.0, 0.0]))
    assert moving.rate == pytest.approx(0.4 * 9 + 0.6 * 4) and moving.root_spin == 4
    ends = against_nothing(ends=jnp.array([[0.3, 0.4, 0.2]]))
    assert ends.ends == pytest.approx(0.25) and ends.end_heights == pytest.approx(0.04)
    along_x = jnp.array([3.0, 0.0, 0.0])
    fast = against_nothing(velocity=jnp.array([1.0, 0, 2.0]), centre_velocity=along_x)
    assert fast.root_velocity == pytest.approx(5) and fast.centre_velocity == pytest.approx(9)


@cache
def skeleton() -> Skeleton:
    return Skeleton(QUADRUPED.build().compile())


def test_ends_are_relative_to_the_root_and_its_heading():
    """Moved and turned as a whole, a body has the same ends; raised, it has higher ones."""
    ends = skeleton().index(QUADRUPED.ends)
    observe = jax.jit(lambda q, v: rewards.observe_motion(skeleton(), ends, q, v))
    qpos = jnp.zeros(19).at[2].set(0.4).at[3].set(1.0)
    qvel = jnp.zeros(18)
    there = observe(qpos, qvel)
    half = 0.35
    moved = qpos.at[:3].set(jnp.array([5.0, -2.0, 0.5]))
    moved = moved.at[3:7].set(jnp.array([np.cos(half), 0.0, 0.0, np.sin(half)]))
    here = observe(moved, qvel)
    np.testing.assert_allclose(here.ends[:, :2], there.ends[:, :2], atol=1e-6)
    np.testing.assert_allclose(here.ends[:, 2], there.ends[:, 2] + 0.1, atol=1e-6)
    # The front right foot of a robot with straight legs.
    np.testing.assert_allclose(there.ends[0], [0.183, -0.047 - 0.0838, 0.0], atol=1e-6)


@pytest.mark.slow
def test_the_spin_of_the_root_is_in_the_frame_of_the_world():
    ends = skeleton().index(QUADRUPED.ends)
    lying = jnp.zeros(19).at[3:7].set(jnp.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0]))
    spinning = jnp.zeros(18).at[4].set(2.0)  # about the own axis y, which points up
    found = rewards.observe_motion(skeleton(), ends, lying, spinning)
    np.testing.assert_allclose(found.spin, [0.0, 0.0, 2.0], atol=1e-6)
