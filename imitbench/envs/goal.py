"""Functions for goal-conditioned tasks: distance, sparse reward, success, rotations."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp


def distance(achieved: jax.Array, desired: jax.Array) -> jax.Array:
    """Computes Euclidean distances between goals.

    Args:
        achieved: [..., G].
        desired: [..., G].

    Returns:
        [...] in the goals' unit.
    """
    return jnp.linalg.norm(achieved - desired, axis=-1)


def sparse_reward(threshold: float) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Builds the sparse reward of Gymnasium-Robotics.

    Args:
        threshold: a distance, in the goals' unit.

    Returns:
        (achieved [..., G], desired [..., G]) -> rewards [...]: 0 up to the threshold (inclusive),
        -1 beyond it.
    """

    def reward(achieved: jax.Array, desired: jax.Array) -> jax.Array:
        return jnp.where(distance(achieved, desired) > threshold, -1.0, 0.0)

    return reward


def reached(achieved: jax.Array, desired: jax.Array, threshold: float) -> jax.Array:
    """Returns whether goals are reached, as Gymnasium-Robotics defines success.

    Args:
        achieved: [..., G].
        desired: [..., G].
        threshold: a distance, in the goals' unit.

    Returns:
        [...] float32: 1 where the distance is below the threshold (exclusive), else 0.
    """
    return (distance(achieved, desired) < threshold).astype(jnp.float32)


def quat_to_euler(q: jax.Array) -> jax.Array:
    """Converts unit quaternions to Euler angles.

    The convention is that of Gymnasium-Robotics' `mat2euler`: the angles of
    R = Rx(e0) Ry(e1) Rz(e2), with e0 = 0 where the middle angle is +-90 degrees.

    Args:
        q: [..., 4] unit quaternions wxyz.

    Returns:
        [..., 3] in radians.
    """
    w, x, y, z = jnp.moveaxis(q, -1, 0)
    m00, m01, m02 = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
    m10, m11, m12 = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
    m22 = 1 - 2 * (x * x + y * y)
    cos_mid = jnp.sqrt(m22 * m22 + m12 * m12)
    # Gymnasium-Robotics compares with 4 eps in float64; float32 noise needs a wider margin.
    regular = cos_mid > 1e-6
    e0 = jnp.where(regular, -jnp.arctan2(m12, m22), 0.0)
    e1 = -jnp.arctan2(-m02, cos_mid)
    e2 = jnp.where(regular, -jnp.arctan2(m01, m00), -jnp.arctan2(-m10, m11))
    return jnp.stack([e0, e1, e2], axis=-1)
