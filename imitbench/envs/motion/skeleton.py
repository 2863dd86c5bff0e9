"""Forward kinematics of a model in JAX: the frames of its bodies, and its centre of mass."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench.envs.motion import rotations

MOST_HINGES = 3  # of one body


class Frames(NamedTuple):
    """Where the bodies of a model are; the world is left out, so that the root is number 0."""

    position: jax.Array  # [bodies, 3] m
    rotation: jax.Array  # [bodies, 3, 3] matrices
    local: jax.Array  # [bodies, 4] quaternions of the joints; that of the root is absolute


class Skeleton:
    """The tree of a model whose root has a free joint, or slides and a hinge (planar), and whose
    other bodies have up to three hinges at their origins.

    Args:
        model: the model.
    """

    def __init__(self, model: mujoco.MjModel):
        self.model = model
        self.free = bool(model.jnt_type[0] == mujoco.mjtJoint.mjJNT_FREE)
        count = model.nbody - 1
        self._levels, self._order = levels(model.body_parentid[1:] - 1)
        self._offsets = model.body_pos[1:].astype(np.float32)
        self._axes = np.zeros((count, MOST_HINGES, 3), np.float32)
        # Addresses in qpos of the hinges; the number after the last stands for an angle of 0.
        self._addresses = np.full((count, MOST_HINGES), model.nq)
        for joint in range(model.njnt):
            if model.jnt_type[joint] != mujoco.mjtJoint.mjJNT_HINGE:
                continue
            bone = model.jnt_bodyid[joint] - 1
            place = int(np.sum(self._addresses[bone] < model.nq))
            self._axes[bone, place] = model.jnt_axis[joint]
            self._addresses[bone, place] = model.jnt_qposadr[joint]
        self._mass = model.body_mass[1:].astype(np.float32)
        self._centres = model.body_ipos[1:].astype(np.float32)
        self.points, self.radii, self.point_bodies = ground_points(model)

    def index(self, names: tuple[str, ...]) -> np.ndarray:
        """Returns the numbers of bodies in `Frames`."""
        return np.array([self.model.body(name).id - 1 for name in names], int)

    def frames(self, qpos: jax.Array) -> Frames:
        """Computes the frames of the bodies.

        Args:
            qpos: [nq].
        """
        angles = jnp.concatenate([qpos, jnp.zeros(1)])[self._addresses]  # [bodies, hinges]
        hinges = rotations.about(self._axes, angles)
        local = rotations.multiply(
            rotations.multiply(hinges[:, 0], hinges[:, 1]), hinges[:, 2]
        )  # [bodies, 4]
        if self.free:
            root = qpos[:3]
            local = local.at[0].set(qpos[3:7] / jnp.linalg.norm(qpos[3:7]))
        else:
            root = jnp.stack([qpos[0], jnp.float32(0.0), qpos[1]])
        # Matrices, because products of matrices keep XLA from fusing the whole tree into one
        # kernel, which takes minutes to compile. One array for each depth of the tree:
        turns = rotations.matrix(local)
        position, rotation = [root[None]], [turns[:1]]
        for bones, parents in self._levels:
            turn, at = rotation[-1][parents], position[-1][parents]
            position.append(at + _apply(turn, jnp.asarray(self._offsets[bones])))
            # Without the barrier XLA's simplifier (jaxlib 0.10.2, CPU) fails under two vmaps.
            turn, bent = jax.lax.optimization_barrier((turn, turns[bones]))
            rotation.append(turn @ bent)
        order = self._order
        return Frames(jnp.concatenate(position)[order], jnp.concatenate(rotation)[order], local)

    def centre(self, frames: Frames) -> jax.Array:
        """Returns the centre of mass [3] in m."""
        centres = frames.position + _apply(frames.rotation, jnp.asarray(self._centres))
        return self._mass @ centres / np.sum(self._mass)

    def centre_velocity(self, qpos: jax.Array, qvel: jax.Array) -> jax.Array:
        """Returns the velocity [3] of the centre of mass in m/s.

        Args:
            qpos: [nq].
            qvel: [nv].
        """
        rate = self._rate(qpos, qvel)
        return jax.jvp(lambda q: self.centre(self.frames(q)), (qpos,), (rate,))[1]

    def heights(self, frames: Frames) -> jax.Array:
        """Returns the heights [points] in m of the lowest points of the geoms above the ground."""
        points = _apply(frames.rotation[self.point_bodies], jnp.asarray(self.points))
        return frames.position[self.point_bodies, 2] + points[:, 2] - self.radii

    def _rate(self, qpos: jax.Array, qvel: jax.Array) -> jax.Array:
        """The time derivative [nq] of qpos."""
        if not self.free:
            return qvel
        spin = jnp.concatenate([jnp.zeros(1), qvel[3:6]])  # in the frame of the root
        turn = 0.5 * rotations.multiply(qpos[3:7], spin)
        return jnp.concatenate([qvel[:3], turn, qvel[6:]])


def _apply(rotation: jax.Array, vectors: jax.Array) -> jax.Array:
    """Rotates vectors [N, 3] by matrices [N, 3, 3]."""
    return jnp.einsum("nij,nj->ni", rotation, vectors)


def levels(parents: np.ndarray) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Sorts the bodies of a tree by depth, so that those of one depth are computed together.

    Args:
        parents: [bodies] numbers of parents; the root is number 0.

    Returns:
        For each depth from 1 on, the numbers of its bodies, and the places of their parents among
        those of the depth before; and the place of each body in the list of all by depth.
    """
    found, level = [], [0]
    order = [0]
    while True:
        bones = [bone for bone in range(1, len(parents)) if parents[bone] in level]
        if not bones:
            return found, np.argsort(order)
        found.append((np.array(bones), np.array([level.index(parents[b]) for b in bones])))
        order += bones
        level = bones


def ground_points(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns points whose distance from the ground is that of the geoms of all bodies.

    A geom touches the ground where one of its points is lower than the point's radius.

    Args:
        model: a model whose geoms are the floor, spheres, capsules and boxes.

    Returns:
        The points [points, 3] in the frames of their bodies, their radii [points] in m, and the
        numbers of their bodies in `Frames`.
    """
    points, radii, bodies = [], [], []
    for geom in range(model.ngeom):
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_PLANE:
            continue
        size, kind = model.geom_size[geom], model.geom_type[geom]
        if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
            corners, radius = np.zeros((1, 3)), size[0]
        elif kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
            corners, radius = np.array([[0, 0, size[1]], [0, 0, -size[1]]]), size[0]
        else:
            signs = np.stack(np.meshgrid(*[[-1, 1]] * 3), axis=-1).reshape(-1, 3)
            corners, radius = signs * size, 0.0
        turned = rotations.rotate(model.geom_quat[geom][None], corners)
        points.append(model.geom_pos[geom] + turned)
        radii.append(np.full(len(corners), radius))
        bodies.append(np.full(len(corners), model.geom_bodyid[geom] - 1))
    joined = [np.concatenate(part) for part in (points, radii, bodies)]
    return joined[0].astype(np.float32), joined[1].astype(np.float32), joined[2]
