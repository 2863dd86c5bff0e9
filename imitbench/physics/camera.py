"""Pinhole cameras: where they stand, and the rays through their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from imitbench.core.config import require


@dataclass(frozen=True)
class Camera:
    """A camera that stands still and looks at a point, described as MuJoCo's free camera is."""

    lookat: tuple[float, float, float]
    """The point in the middle of the image, in m."""
    distance: float
    """From the camera to that point, in m, above 0."""
    azimuth: float
    """Direction of view seen from above, in degrees from the x axis towards the y axis."""
    elevation: float
    """Direction of view above the horizontal plane, in degrees; negative where it looks down."""
    fovy: float = 45.0
    """Vertical angle of view, in degrees, in (0, 180)."""
    height: int = 64
    """Rows of pixels."""
    width: int = 64
    """Columns of pixels, which are squares."""

    def __post_init__(self) -> None:
        for name in ("distance", "height", "width"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        require(0 < self.fovy < 180, self, "fovy", "an angle in (0, 180)")

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The unit vectors [3] forward, to the right and up, as the camera stands."""
        azimuth, elevation = np.deg2rad([self.azimuth, self.elevation])
        level = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        vertical = np.array([0.0, 0.0, 1.0])
        forward = np.cos(elevation) * level + np.sin(elevation) * vertical
        right = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
        return forward, right, np.cross(right, forward)

    @property
    def position(self) -> np.ndarray:
        """Where the camera stands [3], in m."""
        return np.asarray(self.lookat) - self.distance * self.axes[0]

    def rays(self) -> np.ndarray:
        """The rays through the middles of the pixels.

        Returns:
            [height * width, 3], row by row from the top left. Each has length 1 along the direction
            of view, so that a hit at `s` times a ray has the depth s: its distance from the plane
            of the camera, not from the camera.
        """
        forward, right, up = self.axes
        half = np.tan(np.deg2rad(self.fovy) / 2)
        down = (2 * np.arange(self.height) + 1 - self.height) / self.height
        across = (2 * np.arange(self.width) + 1 - self.width) / self.height
        rows, columns = np.meshgrid(-half * down, half * across, indexing="ij")
        rays = forward + columns[..., None] * right + rows[..., None] * up
        return rays.reshape(-1, 3)

    def mujoco_camera(self) -> mujoco.MjvCamera:
        """The same camera for MuJoCo's renderer, whose angle of view is that of the model."""
        camera = mujoco.MjvCamera()
        camera.lookat[:] = self.lookat
        camera.distance, camera.azimuth = self.distance, self.azimuth
        camera.elevation = self.elevation
        return camera
