"""The scenes of the Fetch tasks with images: the model that is rendered, and the camera.

The scene is the task's model with the goal as a red sphere. Left out are the robot's base, torso
and head, which stand behind the table or out of view, the boxes that mark the mocap body, and all
sites.
"""

from __future__ import annotations

import mujoco
import numpy as np

from imitbench.envs.base import asset_path
from imitbench.envs.fetch_model import Task
from imitbench.physics.camera import Camera

GOAL = "goal"
GOAL_RADIUS = 0.03  # m
CAMERA = Camera(lookat=(1.34, 0.75, 0.5), distance=0.75, azimuth=180.0, elevation=-20.0)
"""It looks at the robot across the table, a little from above, so that the arm rarely hides things.

At the start of an episode fewer than 3 pixels of the goal or the object are seen in 5% of the
episodes of FetchReach and in 7% of those of FetchPush (150 episodes each).
"""
DEPTHS = (0.4, 1.6)  # m, near and far
ARM = ("elbow_flex_link", "forearm_roll_link", "wrist_flex_link", "wrist_roll_link")
GRIPPER = ("gripper_link", "r_gripper_finger_link", "l_gripper_finger_link")
ROBOT = "robot0:"
CLASSES = ("nothing", "table", "arm", "gripper", "object", "goal")
"""The classes of pixels by number; the floor counts as nothing."""


def build_scene(task: Task) -> mujoco.MjModel:
    """Compiles the model that is rendered.

    Args:
        task: the task.

    Returns:
        The model; its qpos is that of the task, and its last mocap body is the goal.

    Raises:
        UserError: gymnasium-robotics is not installed.
    """
    xml = asset_path("gymnasium_robotics", "envs", "assets", "fetch", task.xml)
    spec = mujoco.MjSpec.from_file(xml)
    for geom in spec.geoms:
        body = geom.parent.name
        if body.startswith(ROBOT) and body.removeprefix(ROBOT) not in ARM + GRIPPER:
            geom.material, geom.rgba = "", [0, 0, 0, 0]
    for site in spec.sites:
        site.rgba = [0, 0, 0, 0]
    goal = spec.worldbody.add_body(name=GOAL, mocap=True)
    goal.add_geom(
        name=GOAL,
        type=mujoco.mjtGeom.mjGEOM_SPHERE,
        size=[GOAL_RADIUS, 0, 0],
        rgba=[1, 0, 0, 1],
        contype=0,
        conaffinity=0,
    )
    return spec.compile()


def geom_classes(model: mujoco.MjModel) -> np.ndarray:
    """Returns the class [ngeom] of each geom of a scene, a number of `CLASSES`."""
    names = [_class_name(model.body(body).name) for body in model.geom_bodyid]
    return np.array([CLASSES.index(name) for name in names], np.uint8)


def _class_name(body: str) -> str:
    if body.removeprefix(ROBOT) in GRIPPER:
        return "gripper"
    if body.startswith(ROBOT):
        return "arm"
    return {"table0": "table", "object0": "object", GOAL: "goal"}.get(body, "nothing")
