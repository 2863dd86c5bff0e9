"""A quadruped of capsules with the sizes of the robot A1.

Sizes and gains are those of the robot A1 in the code of Peng et al. 2020 (arXiv:2004.00784), whose
paper has the Laikago, which may touch the ground with its knees, too: thighs and calves of
0.2 m, 12 kg, motors of 33.5 N m. The clips are those of the robot Laikago, whose links have 0.25 m;
angles are kept, and the path of the root is shortened by the same ratio, so that feet do not slide.
"""

from __future__ import annotations

import mujoco
import numpy as np

from imitbench.envs.motion import body
from imitbench.envs.motion.body import Body, Hinge
from imitbench.envs.motion.clips import DOG, LEGS, Clip

SUBSTEPS = 4
LINK = 0.2  # m, thigh and calf
LAIKAGO_LINK = 0.25  # m
HIP_LENGTH = 0.0838  # m, from the axis of abduction to the thigh
HIP_AT = (0.183, 0.047)  # m, forward and to the side of the root
FOOT = 0.02  # m, radius
TORQUE = 33.5  # N m
TRUNK = ("box", (0.1335, 0.097, 0.057), (0.0, 0.0, 0.0), 6.0)
# Of each joint: axis, damping in N m s / rad, rest and reach in rad.
JOINTS = {
    "hip": ((1.0, 0.0, 0.0), 1.0, 0.0, 0.8),
    "thigh": ((0.0, 1.0, 0.0), 2.0, 0.8, 1.2),
    "calf": ((0.0, 1.0, 0.0), 2.0, -1.6, 0.9),
}
ARMATURE = 0.01  # kg m^2
STIFFNESS = 100.0  # N m / rad
MASSES = {"hip": 0.5, "thigh": 0.75, "calf": 0.2, "foot": 0.05}  # kg

HINGES = tuple(
    Hinge(f"{leg}_{joint}", axis, STIFFNESS, damping, TORQUE, rest, reach, ARMATURE)
    for leg in LEGS
    for joint, (axis, damping, rest, reach) in JOINTS.items()
)
FEET = tuple(f"{leg}_foot" for leg in LEGS)


def build() -> mujoco.MjSpec:
    """Builds the quadruped: 6 + 12 degrees of freedom, 12 kg."""
    spec = body.new_spec(SUBSTEPS)
    root = body.add_root(spec, planar=False)
    body.add_geom(root, *TRUNK)
    for leg in LEGS:
        x = HIP_AT[0] if leg.startswith("F") else -HIP_AT[0]
        side = -1.0 if leg.endswith("R") else 1.0
        parent = root
        places = ((x, side * HIP_AT[1], 0.0), (0.0, side * HIP_LENGTH, 0.0), (0.0, 0.0, -LINK))
        for joint, place in zip(JOINTS, places, strict=True):
            parent = parent.add_body(name=f"{leg}_{joint}", pos=list(place))
            _add_link(parent, joint, side)
            hinge = next(h for h in HINGES if h.name == f"{leg}_{joint}")
            body.add_hinge(spec, parent, hinge)
        foot = parent.add_body(name=f"{leg}_foot", pos=[0.0, 0.0, -LINK])
        body.add_geom(foot, "sphere", (FOOT,), (0.0, 0.0, 0.0), MASSES["foot"])
    return spec


def _add_link(part: mujoco.MjsBody, joint: str, side: float) -> None:
    """Adds the geom of a link: a sphere at the hip's motor, capsules down thigh and calf."""
    if joint == "hip":
        body.add_geom(part, "sphere", (0.045,), (0.0, side * 0.04, 0.0), MASSES["hip"])
        return
    radius = {"thigh": 0.02, "calf": 0.012}[joint]
    middle = (0.0, 0.0, -LINK / 2)
    body.add_geom(part, "capsule", (radius, LINK / 2 - 0.02), middle, MASSES[joint])


def retarget(clip: Clip) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns the root [F, 7] and the angles [F] by hinge of a clip.

    Raises:
        UserError: the clip is none of a dog.
    """
    body.require_joints(clip, [joint for joint, _ in DOG], "quadruped")
    root = np.concatenate([clip.position * LINK / LAIKAGO_LINK, clip.rotation], axis=1)
    return root, {joint: clip.joints[joint] for joint, _ in DOG}


QUADRUPED = Body(
    build, retarget, HINGES, {h.name: 1.0 for h in HINGES}, FEET, FEET, SUBSTEPS,
    lowered=True, deepmimic=False, max_distance=1.0, max_turn=np.pi / 2,
)  # fmt: skip
