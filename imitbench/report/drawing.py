"""Pictures of MuJoCo states. It imports no JAX, because the program that renders videos uses it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np

from imitbench.utils import machine

GOAL_RGBA = [0.9, 0.15, 0.15, 0.6]


class Renderer:
    """Draws the states of one model, with a ball at the goal.

    Args:
        model: the model.
        settings: `camera`, fields of `MjvCamera` (m, degrees); `radius` of the ball at the goal, in
            m; `size` of the pictures in px, height and width.

    Raises:
        UserError: OpenGL would need a screen, and there is none.
    """

    def __init__(self, model: mujoco.MjModel, settings: Mapping[str, Any]):
        machine.check_screen()
        self._model = copy.copy(model)
        _hide_marks(self._model)
        self._data, self._camera = mujoco.MjData(self._model), _camera(settings["camera"])
        self._radius = settings["radius"]
        self._renderer = mujoco.Renderer(self._model, *settings["size"])
        # Without a graphics card these two take most of the time.
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._renderer.scene.flags[flag] = 0

    def draw(self, qpos: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Draws one state.

        Args:
            qpos: [nq].
            goal: [3] in m, or [0] for a task without goals.

        Returns:
            [height, width, 3] uint8.
        """
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        self._renderer.update_scene(self._data, self._camera)
        if goal.size:
            _add_mark(self._renderer.scene, goal, self._radius)
        return self._renderer.render()

    def close(self) -> None:
        """Frees the renderer."""
        self._renderer.close()


def points(goal: np.ndarray) -> np.ndarray:
    """Returns goals [..., G] as points [..., 3], in m; a goal on a plane lies at height 0.

    Goals of length 0, of tasks without goals, stay as they are.
    """
    missing = [(0, 0)] * (goal.ndim - 1) + [(0, 3 - goal.shape[-1])]
    return np.pad(goal, missing) if goal.shape[-1] else goal


def _hide_marks(model: mujoco.MjModel) -> None:
    """Makes mocap handles and the model's own target invisible; `_add_mark` draws the goal."""
    model.geom_rgba[model.body_mocapid[model.geom_bodyid] >= 0, 3] = 0.0
    for i in range(model.nsite):
        if model.site(i).name.startswith("target"):
            model.site_rgba[i, 3] = 0.0


def _camera(settings: Mapping[str, Any]) -> mujoco.MjvCamera:
    camera = mujoco.MjvCamera()
    camera.type = mujoco.mjtCamera.mjCAMERA_FREE
    for name, value in settings.items():
        if name == "trackbodyid":
            camera.type = mujoco.mjtCamera.mjCAMERA_TRACKING
        setattr(camera, name, value)
    return camera


def _add_mark(scene: mujoco.MjvScene, goal: np.ndarray, radius: float) -> None:
    """Adds a ball at the goal [3]; positions and radius in m."""
    mujoco.mjv_initGeom(
        scene.geoms[scene.ngeom],
        mujoco.mjtGeom.mjGEOM_SPHERE,
        np.full(3, radius),
        goal.astype(np.float64),
        np.eye(3).ravel(),
        np.array(GOAL_RGBA, np.float32),
    )
    scene.ngeom += 1
