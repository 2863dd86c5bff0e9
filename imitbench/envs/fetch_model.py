"""The tasks and the MuJoCo models of the Fetch environments.

The MJCF and meshes are loaded from the installed `gymnasium_robotics` package.

Source: gymnasium-robotics 1.4.2, envs/fetch and envs/robot_env.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import mujoco
import numpy as np

from imitbench.envs.base import asset_path

SUBSTEPS = 20
FINGERS = ("robot0:r_gripper_finger_joint", "robot0:l_gripper_finger_joint")  # in model order
ARM = tuple(
    f"robot0:{name}_joint"
    for name in (
        "shoulder_pan", "shoulder_lift", "upperarm_roll", "elbow_flex", "forearm_roll",
        "wrist_flex", "wrist_roll",
    )
)  # fmt: skip
ModelName = Literal["full", "reduced"]


@dataclass(frozen=True)
class Task:
    """The settings of one Fetch task, with the names that gymnasium-robotics gives them."""

    xml: str
    initial_qpos: tuple[tuple[str, tuple[float, ...]], ...]
    has_object: bool
    block_gripper: bool  # the fingers stay closed
    extra_height: float  # m, of the gripper above its standard start
    target_in_the_air: bool  # half of the goals lie above the table
    obj_range: float = 0.15  # m around the gripper, on both sides
    target_range: float = 0.15  # m around the gripper, on both sides
    target_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m, of goals for an object
    step: float = 0.05  # m of the gripper's displacement per unit of action
    mjx: bool = True  # whether MJX has the collisions that the reduced model keeps


_BASE = (("robot0:slide1", (0.48,)), ("robot0:slide2", (0.0,)))
_OBJECT = ("object0:joint", (1.25, 0.53, 0.4, 1.0, 0.0, 0.0, 0.0))
_PUCK = ("object0:joint", (1.7, 1.1, 0.41, 1.0, 0.0, 0.0, 0.0))
_WITH_OBJECT = (("robot0:slide0", (0.405,)), *_BASE, _OBJECT)

TASKS = {
    "FetchReach": Task("reach.xml", (("robot0:slide0", (0.4049,)), *_BASE), False, True, 0.2, True),
    "FetchPush": Task("push.xml", _WITH_OBJECT, True, True, 0.0, False),
    "FetchSlide": Task(
        "slide.xml",
        (("robot0:slide0", (0.05,)), *_BASE, _PUCK),
        True,
        True,
        -0.02,
        False,
        obj_range=0.1,
        target_range=0.3,
        target_offset=(0.4, 0.0, 0.0),
        mjx=False,  # no cylinder against a box
    ),
    "FetchPickAndPlace": Task("pick_and_place.xml", _WITH_OBJECT, True, False, 0.2, True),
}

_S = mujoco.mjtSensor
_O = mujoco.mjtObj
# (name, length, type, type of the object, object)
ARM_SENSORS = (
    ("grip_pos", 3, _S.mjSENS_FRAMEPOS, _O.mjOBJ_SITE, "robot0:grip"),
    ("grip_velp", 3, _S.mjSENS_FRAMELINVEL, _O.mjOBJ_SITE, "robot0:grip"),
    ("hand_pos", 3, _S.mjSENS_FRAMEPOS, _O.mjOBJ_XBODY, "robot0:gripper_link"),
    ("hand_quat", 4, _S.mjSENS_FRAMEQUAT, _O.mjOBJ_XBODY, "robot0:gripper_link"),
)
OBJECT_SENSORS = (
    ("object_pos", 3, _S.mjSENS_FRAMEPOS, _O.mjOBJ_SITE, "object0"),
    ("object_quat", 4, _S.mjSENS_FRAMEQUAT, _O.mjOBJ_SITE, "object0"),
    ("object_velp", 3, _S.mjSENS_FRAMELINVEL, _O.mjOBJ_SITE, "object0"),
    ("object_velr", 3, _S.mjSENS_FRAMEANGVEL, _O.mjOBJ_SITE, "object0"),
)


def build_model(task: Task, variant: ModelName) -> mujoco.MjModel:
    """Compiles the model of a task, with the sensors that the observation needs.

    Args:
        task: one of `TASKS`.
        variant: `full` has the original physics. `reduced` can be stepped by MJX: no mesh
            collisions, four contact pairs (finger-object, finger-table, object-table,
            object-floor), three massless spheres as feet instead of the base's mesh contacts, and
            fewer solver iterations.

    Raises:
        UserError: gymnasium-robotics is not installed.
    """
    xml = asset_path("gymnasium_robotics", "envs", "assets", "fetch", task.xml)
    spec = mujoco.MjSpec.from_file(xml)
    for name, _, kind, objtype, obj in sensors(task):
        spec.add_sensor(name=name, type=kind, objtype=objtype, objname=obj)
    if variant == "reduced":
        _reduce(spec)
    model = spec.compile()
    # As `reset_mocap_welds` of gymnasium-robotics does.
    welds = model.eq_type == mujoco.mjtEq.mjEQ_WELD
    model.eq_data[welds, :7] = [0, 0, 0, 0, 0, 0, 1]
    return model


def sensors(task: Task) -> tuple[tuple[str, int, Any, Any, str], ...]:
    """Lists the sensors of a task's model, each as (name, length, type, type of object, object)."""
    return ARM_SENSORS + (OBJECT_SENSORS if task.has_object else ())


def _reduce(spec: mujoco.MjSpec) -> None:
    # (contype, conaffinity): two geoms collide where one's contype meets the other's conaffinity.
    bits = {"floor0": (0, 5), "object0": (1, 0), "table0": (2, 1)}
    for geom in spec.geoms:
        owner = geom.name if geom.name in bits else geom.parent.name
        fingers = owner.endswith("gripper_finger_link") and geom.type == mujoco.mjtGeom.mjGEOM_BOX
        geom.contype, geom.conaffinity = (0, 3) if fingers else bits.get(owner, (0, 0))
    base = spec.body("robot0:base_link")
    for x, y in ((-0.2098, 0.1239), (0.1662, 0.1239), (0.1662, -0.1101)):
        base.add_geom(
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[0.02, 0, 0],
            pos=[x, y, 0.02],
            mass=0,
            contype=4,
            conaffinity=0,
            condim=3,
            margin=0.001,
            solref=[0.01, 1],
            solimp=[0.99, 0.99, 0.01, 0.5, 2],
        )
    spec.option.iterations = 8
    spec.option.ls_iterations = 12


def settle(model: mujoco.MjModel, task: Task) -> mujoco.MjData:
    """Moves the gripper to its start as gymnasium-robotics does: ten control steps towards a pose.

    Args:
        model: the task's model, as `build_model` returns it.
        task: one of `TASKS`.

    Returns:
        The simulation at the start of an episode, before object and goal are drawn.
    """
    data = mujoco.MjData(model)
    for name, value in task.initial_qpos:
        data.joint(name).qpos[:] = value
    mujoco.mj_forward(model, data)
    target = np.array([-0.498, 0.005, -0.431 + task.extra_height])
    data.mocap_pos[0] = data.site("robot0:grip").xpos + target
    data.mocap_quat[0] = [1, 0, 1, 0]
    mujoco.mj_step(model, data, nstep=10 * SUBSTEPS)
    return data
