"""The rewards for following a reference: weighted sums of exponentials of errors, in [0, 1].

Sources: Peng et al. 2018 (arXiv:1804.02717), with the weights and scales of the official code,
which differ from those that the paper prints; and Peng et al. 2020 (arXiv:2004.00784), with those
of its official code.

Different from the sources: the rates of the hinges stand for the angular velocities of ball joints.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.envs.motion import rotations
from imitbench.envs.motion.skeleton import Frames, Skeleton


class Motion(NamedTuple):
    """The motion of a body at one moment."""

    frames: Frames
    joint_rates: jax.Array  # [hinges] rad/s
    velocity: jax.Array  # [3] m/s of the root
    spin: jax.Array  # [3] rad/s of the root, in the frame of the world
    centre_velocity: jax.Array  # [3] m/s of the centre of mass
    ends: jax.Array  # [ends, 3] m: relative to the root in its heading; the height absolute


class Errors(NamedTuple):
    """The errors of a motion, none negative; [] each."""

    pose: jax.Array  # rad^2, weighted sum over joints
    rate: jax.Array  # (rad/s)^2, weighted sum over joints
    ends: jax.Array  # m^2, summed over ends, in the horizontal plane
    end_heights: jax.Array  # m^2, summed over ends
    root_position: jax.Array  # m^2
    root_rotation: jax.Array  # rad^2
    root_velocity: jax.Array  # (m/s)^2
    root_spin: jax.Array  # (rad/s)^2
    centre_velocity: jax.Array  # (m/s)^2


class Weights(NamedTuple):
    """The weights of joints in the errors of pose and rate."""

    bodies: np.ndarray  # [bodies], the root's included
    hinges: np.ndarray  # [hinges], each with that of its joint


def observe_motion(
    skeleton: Skeleton, ends: np.ndarray, qpos: jax.Array, qvel: jax.Array
) -> Motion:
    """Computes what the errors compare.

    Args:
        skeleton: the body's.
        ends: numbers of the bodies whose positions are compared.
        qpos: [nq].
        qvel: [nv].
    """
    frames = skeleton.frames(qpos)
    root, turn = frames.position[0], frames.local[0]
    spots = frames.position[ends]
    if skeleton.free:
        velocity, rates = qvel[:3], qvel[6:]
        spin = rotations.rotate(turn, qvel[3:6])
        heading = rotations.about_z(-rotations.heading(turn))
        relative = rotations.rotate(heading[None], spots - root)
    else:
        zero = jnp.float32(0.0)
        velocity, rates = jnp.stack([qvel[0], zero, qvel[1]]), qvel[3:]
        spin, relative = jnp.stack([zero, -qvel[2], zero]), spots - root
    placed = jnp.concatenate([relative[:, :2], spots[:, 2:]], axis=1)
    return Motion(frames, rates, velocity, spin, skeleton.centre_velocity(qpos, qvel), placed)


def compare(weights: Weights, root_weight: float, own: Motion, other: Motion) -> Errors:
    """Computes the errors of a motion against another one.

    Args:
        weights: of the joints.
        root_weight: of the spin of the root in the error of rates.
        own: the motion.
        other: the reference's.
    """
    turns = rotations.vector(
        rotations.multiply(own.frames.local, rotations.conjugate(other.frames.local))
    )  # [bodies, 3]
    squared = jnp.sum(turns**2, axis=1)
    spin = jnp.sum((own.spin - other.spin) ** 2)
    rates = (own.joint_rates - other.joint_rates) ** 2
    ends = (own.ends - other.ends) ** 2
    return Errors(
        pose=jnp.sum(weights.bodies * squared),
        rate=jnp.sum(weights.hinges * rates) + root_weight * spin,
        ends=jnp.sum(ends[:, :2]),
        end_heights=jnp.sum(ends[:, 2]),
        root_position=jnp.sum((own.frames.position[0] - other.frames.position[0]) ** 2),
        root_rotation=squared[0],
        root_velocity=jnp.sum((own.velocity - other.velocity) ** 2),
        root_spin=spin,
        centre_velocity=jnp.sum((own.centre_velocity - other.centre_velocity) ** 2),
    )


def deepmimic(errors: Errors, joints: int) -> jax.Array:
    """The reward [] of Peng et al. 2018, in [0, 1]; 1 for the reference itself.

    Scales are those of the official code (xbpeng/DeepMimic, commit 1bbb80e). Another version of it
    has 2 and 0.1 for the pose and the rates of any number of joints, and 40 times the mean over the
    ends, which for four ends is the same.

    Args:
        errors: with weights of joints whose sum is 1.
        joints: their number, the root's and those of weight 0 included.
    """
    root = (
        errors.root_position
        + 0.1 * errors.root_rotation
        + 0.01 * errors.root_velocity
        + 0.001 * errors.root_spin
    )
    return (
        0.5 * jnp.exp(-2.0 / 15.0 * joints * errors.pose)
        + 0.05 * jnp.exp(-0.1 / 15.0 * joints * errors.rate)
        + 0.15 * jnp.exp(-10.0 * (errors.ends + errors.end_heights))
        + 0.2 * jnp.exp(-5.0 * root)
        + 0.1 * jnp.exp(-10.0 * 0.1 * errors.centre_velocity)
    )


def quadruped(errors: Errors) -> jax.Array:
    """The reward [] of Peng et al. 2020, in [0, 1]; 1 for the reference itself.

    Args:
        errors: with weights of 1 for the hinges, and 0 for the root.
    """
    ends = errors.ends + 3.0 * errors.end_heights
    return (
        0.5 * jnp.exp(-5.0 * errors.pose)
        + 0.05 * jnp.exp(-0.1 * errors.rate)
        + 0.2 * jnp.exp(-40.0 * ends)
        + 0.15 * jnp.exp(-20.0 * (errors.root_position + 0.5 * errors.root_rotation))
        + 0.1 * jnp.exp(-2.0 * (errors.root_velocity + 0.1 * errors.root_spin))
    )
