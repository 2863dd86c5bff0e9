"""Unit quaternions wxyz [..., 4], of numpy (float64) or JAX arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

SMALL = 1e-12  # squared length below which a rotation is taken for none


def multiply(p: Any, q: Any) -> Any:
    """Returns the rotation q followed by p.

    Args:
        p: [..., 4].
        q: [..., 4].
    """
    xp = p.__array_namespace__()
    pw, px, py, pz = (p[..., i] for i in range(4))
    qw, qx, qy, qz = (q[..., i] for i in range(4))
    return xp.stack(
        [
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        ],
        axis=-1,
    )


def conjugate(q: Any) -> Any:
    """Returns the inverse of a rotation [..., 4]."""
    return q * np.array([1.0, -1.0, -1.0, -1.0], np.float32)


def rotate(q: Any, v: Any) -> Any:
    """Rotates vectors.

    Args:
        q: [..., 4].
        v: [..., 3].

    Returns:
        [..., 3].
    """
    xp = q.__array_namespace__()
    w, u = q[..., :1], q[..., 1:]
    t = 2.0 * xp.linalg.cross(*xp.broadcast_arrays(u, v))
    return v + w * t + xp.linalg.cross(*xp.broadcast_arrays(u, t))


def about(axis: Any, angle: Any) -> Any:
    """Returns the rotation about an axis.

    Args:
        axis: [..., 3] unit vectors.
        angle: [...] rad.

    Returns:
        [..., 4].
    """
    xp = angle.__array_namespace__()
    half = angle[..., None] / 2
    return xp.concat([xp.cos(half), xp.sin(half) * axis], axis=-1)


def vector(q: Any) -> Any:
    """Returns the rotation vector [..., 3] in rad: the axis times the angle, in [0, pi].

    Args:
        q: [..., 4]; q and -q are the same rotation.
    """
    xp = q.__array_namespace__()
    q = xp.where(q[..., :1] < 0, -q, q)
    squared = xp.sum(q[..., 1:] ** 2, axis=-1, keepdims=True)
    # The gradient of a square root at 0 is infinite, so none is taken there.
    sine = xp.sqrt(xp.where(squared > SMALL, squared, 1.0))
    angle = 2.0 * xp.atan2(sine, q[..., :1])
    return xp.where(squared > SMALL, angle / sine, 2.0) * q[..., 1:]


def from_vector(v: Any) -> Any:
    """Returns the rotation [..., 4] of a vector [..., 3] in rad: the inverse of `vector`."""
    xp = v.__array_namespace__()
    squared = xp.sum(v**2, axis=-1, keepdims=True)
    angle = xp.sqrt(xp.where(squared > SMALL, squared, 1.0))
    scale = xp.where(squared > SMALL, xp.sin(angle / 2) / angle, 0.5)
    cosine = xp.where(squared > SMALL, xp.cos(angle / 2), 1.0)
    return xp.concat([cosine, scale * v], axis=-1)


def interpolate(p: Any, q: Any, share: Any) -> Any:
    """Returns the rotation on the shortest way from p to q at a constant rate (slerp).

    Args:
        p: [..., 4].
        q: [..., 4].
        share: [..., 1] of the way, in [0, 1].
    """
    return multiply(from_vector(share * vector(multiply(q, conjugate(p)))), p)


def heading(q: Any) -> Any:
    """Returns the angle [...] in rad about z of the rotated x axis, in the horizontal plane."""
    xp = q.__array_namespace__()
    w, x, y, z = (q[..., i] for i in range(4))
    return xp.atan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z))


def about_z(angle: Any) -> Any:
    """Returns the rotation [..., 4] about the vertical axis by an angle [...] in rad."""
    return about(np.array([0.0, 0.0, 1.0], np.float32), angle)


def columns(q: Any) -> Any:
    """Returns the first two columns [..., 6] of the rotation matrix, which are continuous."""
    xp = q.__array_namespace__()
    w, x, y, z = (q[..., i] for i in range(4))
    return xp.stack(
        [
            1.0 - 2.0 * (y * y + z * z),
            2.0 * (x * y + w * z),
            2.0 * (x * z - w * y),
            2.0 * (x * y - w * z),
            1.0 - 2.0 * (x * x + z * z),
            2.0 * (y * z + w * x),
        ],
        axis=-1,
    )


def matrix(q: Any) -> Any:
    """Returns the rotation matrices [..., 3, 3]."""
    xp = q.__array_namespace__()
    two = columns(q).reshape(*q.shape[:-1], 2, 3)
    third = xp.linalg.cross(two[..., 0, :], two[..., 1, :])
    return xp.stack([two[..., 0, :], two[..., 1, :], third], axis=-1)


def continuous(q: np.ndarray) -> np.ndarray:
    """Chooses between q and -q so that each quaternion is near the one before.

    Args:
        q: [F, 4].

    Returns:
        [F, 4] unit quaternions of the same rotations.
    """
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    flips = np.sum(q[1:] * q[:-1], axis=-1) < 0
    sign = np.cumprod(np.where(flips, -1.0, 1.0))
    return q * np.concatenate([[1.0], sign])[:, None]


def hinge_angles(q: np.ndarray, order: str) -> np.ndarray:
    """Decomposes rotations into three hinges of one body, the first one nearest to the parent.

    Args:
        q: [F, 4], in the order of time.
        order: the axes of the hinges, such as "zxy", each once.

    Returns:
        [F, 3] rad; the outer two are continuous in time. The middle one lies in [-pi/2, pi/2], and
        the outer two are undetermined at its bounds.
    """
    i, j, k = ("xyz".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    basis = np.eye(3)
    # Columns of the rotation matrix: where the axes go.
    m = np.stack([rotate(q, np.broadcast_to(b, (len(q), 3))) for b in basis], axis=-1)
    first = np.arctan2(-sign * m[:, j, k], m[:, k, k])
    middle = np.arcsin(np.clip(sign * m[:, i, k], -1.0, 1.0))
    last = np.arctan2(-sign * m[:, i, j], m[:, i, i])
    return np.stack([np.unwrap(first), middle, np.unwrap(last)], axis=-1)
