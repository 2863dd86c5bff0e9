"""Where the reference is during an episode: its moment in the cycle, and its place on the ground.

Source: DeepMimic (Peng et al. 2018, arXiv:1804.02717) and its official code: the reference goes on
from cycle to cycle, and at each new one its root comes to that of the body in the horizontal plane,
so that the body need not make up for a drift that it cannot observe. Its heading goes on.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.envs.motion import rotations
from imitbench.envs.motion.reference import Reference

PLACE = 4
"""Numbers of a place: phase in [0, 1), x and y of the clip's origin in m, its heading in rad."""


class Course:
    """The states of a reference along its way.

    Args:
        reference: the reference.
        step: s, the duration of a step; shorter than the cycle.
    """

    def __init__(self, reference: Reference, step: float):
        self.reference = reference
        self._advance = step / reference.duration

    def state(self, place: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns qpos [nq] and qvel [nv] of the reference at a place [4]."""
        qpos, qvel = self.reference.at(place[0])
        if self.reference.planar:
            return qpos.at[0].add(place[1]), qvel
        turn = rotations.about_z(place[3])
        spot = rotations.rotate(turn, qpos[:3]) + jnp.concatenate([place[1:3], jnp.zeros(1)])
        rotation = rotations.multiply(turn, qpos[3:7])
        qpos = jnp.concatenate([spot, rotation, qpos[7:]])
        return qpos, jnp.concatenate([rotations.rotate(turn, qvel[:3]), qvel[3:]])

    def following(self, place: jax.Array) -> jax.Array:
        """Returns the place [4] a step after a place [4], where the body follows exactly."""
        cycle = self.reference.cycle
        phase, new = self._next_phase(place)
        c, s = jnp.cos(place[3]), jnp.sin(place[3])
        turn = jnp.array([[c, -s], [s, c]])
        c, s = math.cos(cycle.turn), math.sin(cycle.turn)
        step = turn @ (cycle.end - np.array([[c, -s], [s, c]]) @ cycle.start).astype(np.float32)
        return jnp.concatenate([phase[None], place[1:3] + new * step, place[3:] + new * cycle.turn])

    def next_place(self, place: jax.Array, qpos: jax.Array) -> jax.Array:
        """Returns the place a step later; in a new cycle the reference comes to the body.

        Args:
            place: [4].
            qpos: [nq] of the body after the step.
        """
        following = self.following(place)
        reference = self.state(following)[0]
        gap = jnp.zeros(2).at[0].set(qpos[0] - reference[0])
        if not self.reference.planar:
            gap = qpos[:2] - reference[:2]
        _, new = self._next_phase(place)
        return following.at[1:3].add(new * gap)

    def _next_phase(self, place: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The phase [] a step later, and 1 where it begins a new cycle, else 0."""
        phase = place[0] + self._advance
        new = jnp.floor(phase)
        return phase - new, new
