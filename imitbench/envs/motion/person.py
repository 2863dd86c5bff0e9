"""The person of DeepMimic: in the plane without arms, and whole, of 28 hinges.

Sizes, masses, gains, largest torques and weights of joints are those of the character `humanoid3d`
of Peng et al. 2018 (arXiv:1804.02717). A ball joint is three hinges, in an order whose middle angle
stays below 1.4 rad in the clips; the hands are fixed to the forearms.

The planar walker has its root, thighs, shanks and feet, with the mass of head, chest and arms fixed
to the root; its angles are the sagittal parts of those of the clip.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from imitbench.envs.motion import body, rotations
from imitbench.envs.motion.body import Body, Hinge
from imitbench.envs.motion.clips import Clip


class Segment(NamedTuple):
    """A part of the person, with its joint to the parent; axes: x forward, y left, z up."""

    parent: str
    offset: tuple[float, float, float]  # m, from the parent's origin
    shape: tuple[str, tuple[float, ...], tuple[float, float, float], float]  # see `add_geom`
    # Axes of the hinges, from the parent on: a ball joint has three; "-y" bends knees and elbows.
    axes: tuple[str, ...] = ()
    stiffness: float = 0.0  # N m / rad; the damping is a tenth of it, in s
    torque: float = 0.0  # N m
    weight: float = 0.0  # in the errors of pose and velocity
    rest: float = 0.0  # rad, of the sagittal hinge
    reach: float = 0.0  # rad


def _leg(side: str, y: float) -> dict[str, Segment]:
    hip, knee, ankle = (f"{side}_{joint}" for joint in ("hip", "knee", "ankle"))
    foot = ("box", (0.0885, 0.045, 0.0275), (0.045, 0.0, -0.0225), 1.0)
    return {
        hip: Segment(
            "root", (0.0, y, 0.0), ("capsule", (0.055, 0.15), (0.0, 0.0, -0.21), 4.5),
            ("z", "x", "y"), 500.0, 200.0, 0.5, 0.5, 2.07,
        ),
        knee: Segment(
            hip, (0.0, 0.0, -0.421546), ("capsule", (0.05, 0.155), (0.0, 0.0, -0.2), 3.0),
            ("-y",), 500.0, 150.0, 0.3, -0.9, 1.8,
        ),
        ankle: Segment(
            knee, (0.0, 0.0, -0.40987), foot, ("x", "z", "y"), 400.0, 90.0, 0.2, 0.0, 1.2
        ),
    }  # fmt: skip


def _arm(side: str, y: float) -> dict[str, Segment]:
    shoulder, elbow, wrist = (f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist"))
    return {
        shoulder: Segment(
            "chest", (-0.02405, y, 0.2435), ("capsule", (0.045, 0.09), (0.0, 0.0, -0.14), 1.5),
            ("x", "z", "y"), 400.0, 100.0, 0.3, 0.0, 2.6,
        ),
        elbow: Segment(
            shoulder, (0.0, 0.0, -0.274788), ("capsule", (0.04, 0.0675), (0.0, 0.0, -0.12), 1.0),
            ("-y",), 300.0, 60.0, 0.2, 1.0, 1.5,
        ),
        wrist: Segment(
            elbow, (0.0, 0.0, -0.258947), ("sphere", (0.04,), (0.0, 0.0, 0.0), 0.5)
        ),
    }  # fmt: skip


TRUNK = {
    "root": Segment("", (0.0, 0.0, 0.0), ("sphere", (0.09,), (0.0, 0.0, 0.07), 6.0), weight=1.0),
    "chest": Segment(
        "root", (0.0, 0.0, 0.236151), ("sphere", (0.11,), (0.0, 0.0, 0.12), 14.0),
        ("y", "z", "x"), 1000.0, 200.0, 0.5, 0.0, 1.2,
    ),
    "neck": Segment(
        "chest", (0.0, 0.0, 0.223894), ("sphere", (0.1025,), (0.0, 0.0, 0.175), 2.0),
        ("z", "x", "y"), 100.0, 50.0, 0.3, 0.0, 1.0,
    ),
}  # fmt: skip
SEGMENTS = {
    **TRUNK,
    **_leg("right", -0.084887), **_arm("right", -0.18311),
    **_leg("left", 0.084887), **_arm("left", 0.18311),
}  # fmt: skip
LEGS = {name: SEGMENTS[name] for side in ("right", "left") for name in _leg(side, 0.0)}
WALKER_SUBSTEPS, HUMANOID_SUBSTEPS = 4, 8
ARMATURE = 0.02  # kg m^2
MIDDLE = 1.4  # rad, the reach of the middle of three hinges, below the singularity at pi / 2
ARMS_MASS = 6.0  # kg, of both

AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0), "-y": (0.0, -1.0, 0.0)}


def hinges_of(name: str, segment: Segment) -> tuple[Hinge, ...]:
    """Returns the hinges of a joint.

    Args:
        name: of the segment.
        segment: the segment.
    """
    out = []
    gains = segment.stiffness, segment.stiffness / 10, segment.torque
    for place, axis in enumerate(segment.axes):
        rest = segment.rest if axis == "-y" else -segment.rest if axis == "y" else 0.0
        hinge = name if len(segment.axes) == 1 else f"{name}_{axis}"
        reach = min(segment.reach, MIDDLE) if place == 1 else segment.reach
        out.append(Hinge(hinge, AXES[axis], *gains, rest, reach, ARMATURE))
    return tuple(out)


SAGITTAL = {name: segment._replace(axes=("-y",)) for name, segment in LEGS.items()}


def build_humanoid() -> mujoco.MjSpec:
    """Builds the whole person: 6 + 28 degrees of freedom, 45 kg."""
    spec = body.new_spec(HUMANOID_SUBSTEPS)
    root = body.add_root(spec, planar=False)
    body.add_geom(root, *SEGMENTS["root"].shape)
    _add_segments(spec, {k: v for k, v in SEGMENTS.items() if k != "root"})
    return spec


def build_walker() -> mujoco.MjSpec:
    """Builds the planar walker: 3 + 6 degrees of freedom, 45 kg."""
    spec = body.new_spec(WALKER_SUBSTEPS)
    root = body.add_root(spec, planar=True)
    height = 0.0
    for name, segment in TRUNK.items():
        kind, size, pos, mass = segment.shape
        height += segment.offset[2]
        above = (pos[0], pos[1], pos[2] + height)
        body.add_geom(root, kind, size, above, mass + ARMS_MASS * (name == "chest"))
    _add_segments(spec, SAGITTAL)
    return spec


def _add_segments(spec: mujoco.MjSpec, segments: dict[str, Segment]) -> None:
    """Adds segments with their hinges; parents come before children."""
    for name, segment in segments.items():
        part = spec.body(segment.parent).add_body(name=name, pos=list(segment.offset))
        body.add_geom(part, *segment.shape)
        for hinge in hinges_of(name, segment):
            body.add_hinge(spec, part, hinge)


def retarget_humanoid(clip: Clip) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns the root [F, 7] and the angles [F] by hinge of a clip.

    Raises:
        UserError: the clip is none of a person.
    """
    jointed = [name for name, segment in SEGMENTS.items() if segment.axes]
    body.require_joints(clip, jointed, "humanoid")
    angles: dict[str, np.ndarray] = {}
    for name in jointed:
        axes, motion = SEGMENTS[name].axes, clip.joints[name]
        if len(axes) == 1:
            angles[name] = motion
            continue
        for axis, angle in zip(axes, rotations.hinge_angles(motion, "".join(axes)).T, strict=True):
            angles[f"{name}_{axis}"] = angle
    return np.concatenate([clip.position, clip.rotation], axis=1), angles


def retarget_walker(clip: Clip) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns x, z and turn of the root [F, 3], and the angles [F] by hinge, all about -y.

    Raises:
        UserError: the clip is none of a person.
    """
    body.require_joints(clip, list(SAGITTAL), "walker")
    root = np.stack([clip.position[:, 0], clip.position[:, 2], sagittal(clip.rotation)], axis=1)
    return root, {name: sagittal(clip.joints[name]) for name in SAGITTAL}


def sagittal(motion: np.ndarray) -> np.ndarray:
    """Returns the part about -y of rotations [F, 4] (their twist), or hinge angles [F], in rad."""
    if motion.ndim == 1:
        return motion
    return np.unwrap(2.0 * np.arctan2(-motion[:, 2], motion[:, 0]))


def _weights(segments: dict[str, Segment]) -> dict[str, float]:
    return {name: s.weight for name, s in segments.items() if s.weight}


def _all_hinges(segments: dict[str, Segment]) -> tuple[Hinge, ...]:
    return tuple(h for name, segment in segments.items() for h in hinges_of(name, segment))


FEET = ("right_ankle", "left_ankle")
HANDS = ("right_wrist", "left_wrist")
WALKER = Body(
    build_walker, retarget_walker, _all_hinges(SAGITTAL),
    _weights({"root": TRUNK["root"], **SAGITTAL}), FEET, FEET, WALKER_SUBSTEPS, planar=True,
    max_distance=1.0,  # else a walker that merely stands earns half of the reward
)  # fmt: skip
HUMANOID = Body(
    build_humanoid, retarget_humanoid, _all_hinges(SEGMENTS), _weights(SEGMENTS),
    (*FEET, *HANDS), FEET, HUMANOID_SUBSTEPS,
)  # fmt: skip
