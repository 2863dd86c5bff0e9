"""The description of a body that follows a clip, and helpers that build its model.

Every model has hinges with position actuators, and the integrator `implicitfast`, which stays
stable with their gains at the chosen rates: under random targets at 120 Hz, 240 Hz for the
humanoid, no episode explodes. Bodies touch the ground alone, not each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from imitbench.envs.motion.clips import Clip
from imitbench.utils.errors import UserError

CONTROL = 1 / 30  # s, a step of the environment
FLOOR_SIZE = (0.0, 0.0, 0.1)  # the first two: without end
FRICTION = 0.9  # sliding, as in DeepMimic


@dataclass(frozen=True)
class Hinge:
    """A hinge with its position actuator. The action a asks for the angle rest + reach * a."""

    name: str
    axis: tuple[float, float, float]
    stiffness: float  # N m / rad
    damping: float  # N m s / rad
    torque: float  # N m, the largest
    rest: float  # rad
    reach: float  # rad
    armature: float  # kg m^2, the inertia of the motor


@dataclass(frozen=True)
class Body:
    """A body that follows clips.

    Its root is a free joint, or in planar bodies slides along x and z and a hinge about -y. Every
    other joint consists of up to three hinges at the origin of its body.
    """

    build: Callable[[], mujoco.MjSpec]
    # Angles [F] by hinge, and root pose [F, 7] (free) or [F, 3] (planar: x, z, angle), of a clip.
    retarget: Callable[[Clip], tuple[np.ndarray, dict[str, np.ndarray]]]
    # (hinges of the model, in the order of actions)
    hinges: tuple[Hinge, ...]
    weights: Mapping[str, float]  # of the joints in the errors of pose and velocity, by body
    ends: tuple[str, ...]  # bodies whose positions the reward compares
    feet: tuple[str, ...]  # bodies that may touch the ground
    substeps: int = 4  # of the model, in a step of the environment
    planar: bool = False
    lowered: bool = False  # the clip of another body: its root comes down until the feet touch
    deepmimic: bool = True  # the reward of Peng et al. 2018; else that of Peng et al. 2020
    max_distance: float = math.inf  # m from the root of the reference, else the episode ends
    max_turn: float = math.inf  # rad from the rotation of the reference's root, likewise


def new_spec(substeps: int) -> mujoco.MjSpec:
    """Begins a model: its options and the ground.

    Args:
        substeps: steps of the model in a step of the environment.
    """
    spec = mujoco.MjSpec()
    spec.option.timestep = CONTROL / substeps
    # A state that explodes stays one, so that it is noticed.
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.compiler.autolimits = False
    spec.compiler.degree = False
    spec.visual.headlight.ambient = [0.5, 0.5, 0.5]
    spec.worldbody.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=FLOOR_SIZE,
        friction=[FRICTION, 0.005, 0.0001],
        rgba=[0.8, 0.85, 0.8, 1.0],
        contype=1,
        conaffinity=0,
    )
    return spec


def add_root(spec: mujoco.MjSpec, planar: bool) -> mujoco.MjsBody:
    """Adds the root at the origin.

    Args:
        spec: the model.
        planar: slides and a hinge in place of a free joint.

    Returns:
        The body "root".
    """
    root = spec.worldbody.add_body(name="root")
    if not planar:
        root.add_freejoint(name="root")
        return root
    slide, hinge = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
    root.add_joint(name="root_x", type=slide, axis=[1, 0, 0])
    root.add_joint(name="root_z", type=slide, axis=[0, 0, 1])
    root.add_joint(name="root_turn", type=hinge, axis=[0, -1, 0])
    return root


def add_geom(
    body: mujoco.MjsBody, kind: str, size: Sequence[float], pos: Sequence[float], mass: float
) -> None:
    """Adds a geom that touches the ground alone.

    Args:
        body: the body.
        kind: "sphere" (radius), "capsule" (radius, half of the length of its axis z) or "box"
            (half of its three edges).
        size: in m.
        pos: [3] m, its centre in the frame of the body.
        mass: kg.
    """
    types = {
        "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
        "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
        "box": mujoco.mjtGeom.mjGEOM_BOX,
    }
    body.add_geom(
        type=types[kind],
        size=[*size, 0.0, 0.0][:3],
        pos=list(pos),
        mass=mass,
        friction=[FRICTION, 0.005, 0.0001],
        contype=0,
        conaffinity=1,
        rgba=[0.45, 0.55, 0.7, 1.0],
    )


def add_hinge(spec: mujoco.MjSpec, body: mujoco.MjsBody, hinge: Hinge) -> None:
    """Adds a hinge at the origin of a body, and its actuator.

    Args:
        spec: the model.
        body: the body.
        hinge: the hinge.
    """
    body.add_joint(
        name=hinge.name,
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=list(hinge.axis),
        armature=hinge.armature,
    )
    actuator = spec.add_actuator(
        name=hinge.name,
        target=hinge.name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        forcerange=[-hinge.torque, hinge.torque],
        forcelimited=True,
        ctrlrange=[hinge.rest - hinge.reach, hinge.rest + hinge.reach],
        ctrllimited=True,
    )
    actuator.set_to_position(kp=hinge.stiffness, kv=hinge.damping)


def assemble(body: Body, model: mujoco.MjModel, clip: Clip) -> np.ndarray:
    """Returns the positions of a model in the frames of a clip.

    MuJoCo orders qpos by depth, so hinges are found by name.

    Args:
        body: the body.
        model: its model.
        clip: the clip.

    Returns:
        [F, nq].

    Raises:
        UserError: the clip lacks joints of the body.
    """
    root, angles = body.retarget(clip)
    qpos = np.zeros((len(root), model.nq))
    qpos[:, : root.shape[1]] = root
    for hinge in body.hinges:
        qpos[:, model.joint(hinge.name).qposadr[0]] = angles[hinge.name]
    return qpos


def require_joints(clip: Clip, joints: Sequence[str], body: str) -> None:
    """Checks that a clip has the joints of a body.

    Args:
        clip: the clip.
        joints: their names.
        body: the name of the body, for the message.

    Raises:
        UserError: one is missing.
    """
    missing = [joint for joint in joints if joint not in clip.joints]
    if missing:
        raise UserError(
            f"clip {clip.name!r} has {len(clip.joints)} joints and none called {missing[0]!r}; "
            f"expected those of the {body}: {', '.join(joints)}; take another clip"
        )
