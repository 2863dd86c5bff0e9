"""Depth and classes of what a camera sees, by rays through its pixels.

Rays need no graphics driver, and the same state gives the same image on every call.
"""

from __future__ import annotations

from typing import Literal

import mujoco
import numpy as np

from imitbench.physics.camera import Camera
from imitbench.physics.host import Workers
from imitbench.physics.images import finite_rows, place
from imitbench.utils.errors import UserError

NO_CULLING = -1
"""Of `body_bvhadr`: the body has no bounding volume, so that all its geoms meet every ray.

With the volumes, `mj_multiRay` of MuJoCo 3.11 leaves out hits that `mj_ray` finds: up to a third of
the pixels of a mesh whose ray passes the border of its body's volume.
"""


def depth_levels(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    """Depths as bytes, on a linear scale.

    Args:
        depth: [...] in m; below 0 where nothing was hit.
        near: the depth in m of level 0; what is nearer has level 0, too.
        far: the depth in m of level 255, which all that is farther has, and where nothing was hit.

    Returns:
        [...] uint8; the nearest level.
    """
    share = np.clip((depth - near) / (far - near), 0.0, 1.0)
    return np.rint(np.where(depth < 0, 255.0, 255.0 * share)).astype(np.uint8)


class RayRenderer:
    """Depth or classes of what the rays of a camera hit first.

    Args:
        model: the model; its bodies lose their bounding volumes here, see `NO_CULLING`.
        camera: the camera.
        kind: depth: distances from the camera's plane, see `depth_levels`. classes: the class of
            the geom that is hit.
        classes: [ngeom] uint8, the class of each geom; 0 stands for nothing, too. Of `classes`.
        depths: (near, far) in m, of `depth`.
        threads: the number of threads that share a batch; by default the available CPUs.
    """

    channels = 1

    def __init__(
        self,
        model: mujoco.MjModel,
        camera: Camera,
        kind: Literal["depth", "classes"],
        classes: np.ndarray | None = None,
        depths: tuple[float, float] = (0.0, 1.0),
        threads: int | None = None,
    ):
        model.body_bvhadr[:] = NO_CULLING
        self.model, self._depths = model, depths
        self._position = camera.position
        self._rays = camera.rays()
        self._classes = None
        if kind == "classes":
            found = np.asarray(classes)
            if found.shape != (model.ngeom,):
                raise UserError(
                    f"classes of shape {found.shape}: expected ({model.ngeom},), one for each geom "
                    "of the model"
                )
            # One more class for a ray that hits nothing, whose geom is -1.
            self._classes = np.append(found, 0).astype(np.uint8)
        self._workers = Workers(model, threads)

    def render(self, qpos: np.ndarray, mocap: np.ndarray) -> np.ndarray:
        """Renders images [N, height * width] of states; see `Renderer`."""
        images = np.zeros((len(qpos), len(self._rays)), np.uint8)
        rows = finite_rows(qpos, mocap)

        def one(data: mujoco.MjData, i: int) -> None:
            images[rows[i]] = self._image(data, qpos[rows[i]], mocap[rows[i]])

        if len(rows):
            self._workers.for_each(len(rows), one)
        return images

    def hits(
        self, data: mujoco.MjData, qpos: np.ndarray, mocap: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Casts the rays at a state.

        Args:
            data: of the model; it is overwritten.
            qpos: [nq].
            mocap: [3 * nmocap].

        Returns:
            The depths [height * width] in m, -1 where nothing is hit; and the geoms, -1 there.
        """
        place(self.model, data, qpos, mocap)
        n = len(self._rays)
        geom, depth = np.empty(n, np.int32), np.empty(n)
        mujoco.mj_multiRay(
            self.model, data, self._position, self._rays.ravel(), None, True, -1,
            geom, depth, None, n, mujoco.mjMAXVAL,
        )  # fmt: skip
        return depth, geom

    def _image(self, data: mujoco.MjData, qpos: np.ndarray, mocap: np.ndarray) -> np.ndarray:
        depth, geom = self.hits(data, qpos, mocap)
        return depth_levels(depth, *self._depths) if self._classes is None else self._classes[geom]
