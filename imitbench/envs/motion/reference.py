"""A clip as the states of a model: positions and velocities at any moment of its cycle."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench.envs.motion import rotations
from imitbench.envs.motion.body import Body, assemble
from imitbench.envs.motion.clips import Clip
from imitbench.envs.motion.skeleton import ground_points

SEAM = 0.25  # share of the cycle, at its end, that is bent so that the cycle closes


class Cycle(NamedTuple):
    """What moves the root from one cycle to the next: p becomes end + turn(p - start)."""

    start: np.ndarray  # [2] m, of the first frame, in the horizontal plane
    end: np.ndarray  # [2] m, of the last one
    turn: float  # rad about z


class Reference:
    """The states of a model that follows a clip.

    Source: cycles as in DeepMimic (Peng et al. 2018, arXiv:1804.02717): the last frame is the first
    one of the next cycle, moved by the displacement of the root.

    Different from the source: no recorded cycle closes exactly (a knee of the spin kick is 0.8 rad
    off), and DeepMimic lets the reference jump. Here the last quarter of the cycle is bent by a
    smooth share of the gap.

    Args:
        body: the body.
        model: its model.
        clip: the clip.

    Raises:
        UserError: the clip lacks joints of the body.
    """

    def __init__(self, body: Body, model: mujoco.MjModel, clip: Clip):
        self.planar, self.duration = body.planar, clip.duration
        qpos = assemble(body, model, clip)
        self.cycle = _cycle(qpos, clip, body.planar)
        qpos = self._closed(model, qpos)
        if body.lowered:
            qpos[:, 2] -= _lowest(model, qpos)
        qvel = self._velocities(model, qpos, clip.frame_time)
        self.qpos = qpos.astype(np.float32)  # [F, nq]
        self.qvel = qvel.astype(np.float32)  # [F, nv]

    def at(self, phase: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Interpolates between frames: linearly, and rotations at a constant rate.

        Args:
            phase: [] in [0, 1], the share of the cycle.

        Returns:
            Positions [nq] and velocities [nv].
        """
        place = phase * (len(self.qpos) - 1)
        first = jnp.clip(jnp.floor(place).astype(jnp.int32), 0, len(self.qpos) - 2)
        share = place - first
        qpos, qvel = jnp.asarray(self.qpos), jnp.asarray(self.qvel)
        before, after = qpos[first], qpos[first + 1]
        mixed = before + share * (after - before)
        if not self.planar:
            turned = rotations.interpolate(before[3:7], after[3:7], share[None])
            mixed = mixed.at[3:7].set(turned)
        return mixed, qvel[first] + share * (qvel[first + 1] - qvel[first])

    def moved(self, qpos: np.ndarray, cycles: int) -> np.ndarray:
        """Returns positions [..., nq] so many cycles later, or earlier where it is negative."""
        out, turn = np.array(qpos, np.float64), self.cycle.turn
        if self.planar:
            out[..., 0] += cycles * (self.cycle.end - self.cycle.start)[0]
            return out
        step = np.sign(cycles)
        for _ in range(abs(cycles)):
            source, target = (self.cycle.start, self.cycle.end)[:: int(step)]
            spot = (out[..., :2] - source) @ _plane_turn(step * turn).T
            out[..., :2] = spot + target
            turned = rotations.about_z(np.asarray(step * turn))
            out[..., 3:7] = rotations.multiply(
                np.broadcast_to(turned, out[..., 3:7].shape), out[..., 3:7]
            )
        return out

    def _closed(self, model: mujoco.MjModel, qpos: np.ndarray) -> np.ndarray:
        """Bends the last quarter of frames [F, nq] so that the last is the first, one cycle on."""
        target = self.moved(qpos[0], 1)
        gap = np.zeros(model.nv)  # from the last frame to the target
        mujoco.mj_differentiatePos(model, gap, 1.0, qpos[-1], target)
        place = np.linspace(0.0, 1.0, len(qpos))
        x = np.clip((place - (1.0 - SEAM)) / SEAM, 0.0, 1.0)
        out = qpos.copy()
        for frame, share in zip(out, x * x * (3.0 - 2.0 * x), strict=True):
            mujoco.mj_integratePos(model, frame, gap, float(share))
        return out

    def _velocities(self, model: mujoco.MjModel, qpos: np.ndarray, step: float) -> np.ndarray:
        """Central differences [F, nv] of frames [F, nq] across the ends of the cycle."""
        around = [self.moved(qpos[-2], -1), *qpos, self.moved(qpos[1], 1)]
        qvel = np.zeros((len(qpos), model.nv))
        for row, before, after in zip(qvel, around[:-2], around[2:], strict=True):
            mujoco.mj_differentiatePos(model, row, 2.0 * step, before, after)
        if not self.planar:
            # Those of a rotation are in the frame `before`, half a difference early.
            for row, before, here in zip(qvel, around[:-2], qpos, strict=True):
                turned = rotations.rotate(before[3:7], row[3:6])
                row[3:6] = rotations.rotate(rotations.conjugate(here[3:7]), turned)
        return qvel


def _cycle(qpos: np.ndarray, clip: Clip, planar: bool) -> Cycle:
    """The displacement of a cycle, from positions [F, nq]."""
    if planar:
        flat = np.stack([qpos[:, 0], np.zeros(len(qpos))], axis=1)
        return Cycle(flat[0], flat[-1], 0.0)
    heading = np.unwrap(rotations.heading(qpos[:, 3:7]))
    turn = float(heading[-1] - heading[0]) if clip.turns else 0.0
    return Cycle(qpos[0, :2], qpos[-1, :2], turn)


def _plane_turn(angle: float) -> np.ndarray:
    """The matrix [2, 2] of a rotation in the plane."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _lowest(model: mujoco.MjModel, qpos: np.ndarray) -> float:
    """The height in m of the lowest point of all frames [F, nq]."""
    data, (points, radii, bodies) = mujoco.MjData(model), ground_points(model)
    lowest = np.inf
    for frame in qpos:
        data.qpos[:] = frame
        mujoco.mj_kinematics(model, data)
        turned = rotations.rotate(data.xquat[1:][bodies], points.astype(np.float64))
        heights = data.xpos[1:][bodies, 2] + turned[:, 2] - radii
        lowest = min(lowest, float(heights.min()))
    return lowest
