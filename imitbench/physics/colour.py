"""Colour images by OpenGL, where it renders."""

from __future__ import annotations

import atexit
import weakref
from concurrent.futures import ThreadPoolExecutor

import mujoco
import numpy as np

from imitbench.physics.camera import Camera
from imitbench.physics.images import finite_rows, place
from imitbench.utils import machine
from imitbench.utils.errors import UserError


class ColourRenderer:
    """Red, green and blue by OpenGL, without shadows, reflections and sky.

    One thread of its own renders all images, because an OpenGL context belongs to a thread.

    Args:
        model: the model.
        camera: the camera; its angle of view becomes the model's.

    Raises:
        UserError: OpenGL does not render in this process, or would need a screen.
    """

    channels = 3

    def __init__(self, model: mujoco.MjModel, camera: Camera):
        model.vis.global_.fovy = camera.fovy
        self.model = model
        self._camera = camera.mujoco_camera()
        self._worker = ThreadPoolExecutor(1)
        try:
            machine.check_screen()
            self._renderer, self._data = self._worker.submit(self._open, camera).result()
        except Exception as error:  # of many kinds, by driver
            reason = str(error) if isinstance(error, UserError) else type(error).__name__
            raise UserError(
                f"OpenGL does not render here ({reason}): install a driver and set "
                "MUJOCO_GL=egl (GPU) or MUJOCO_GL=osmesa (libosmesa6), or take the task with "
                "depth64 or seg64 in its name, which needs none"
            ) from error
        # At the program's end: before the driver's module is gone, which was imported before this.
        atexit.register(_close, weakref.ref(self._renderer))

    def _open(self, camera: Camera) -> tuple[mujoco.Renderer, mujoco.MjData]:
        renderer = mujoco.Renderer(self.model, camera.height, camera.width)
        for flag in ("SHADOW", "REFLECTION", "SKYBOX", "HAZE"):
            renderer.scene.flags[getattr(mujoco.mjtRndFlag, f"mjRND_{flag}")] = False
        return renderer, mujoco.MjData(self.model)

    def render(self, qpos: np.ndarray, mocap: np.ndarray) -> np.ndarray:
        """Renders images [N, height * width * 3] of states; see `Renderer`."""
        return self._worker.submit(self._render, qpos, mocap).result()

    def _render(self, qpos: np.ndarray, mocap: np.ndarray) -> np.ndarray:
        size = self._renderer.height * self._renderer.width * 3
        images = np.zeros((len(qpos), size), np.uint8)
        for i in finite_rows(qpos, mocap):
            place(self.model, self._data, qpos[i], mocap[i])
            self._renderer.update_scene(self._data, self._camera)
            images[i] = self._renderer.render().ravel()
        return images


def _close(renderer: weakref.ref[mujoco.Renderer]) -> None:
    if (found := renderer()) is not None:
        found.close()
