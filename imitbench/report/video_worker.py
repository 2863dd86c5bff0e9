"""A program that renders MuJoCo states and encodes them as videos; `video` starts it.

MuJoCo takes its OpenGL backend from the environment when it is imported, and a driver that fails
can end the process. So this process does nothing else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import mujoco
import numpy as np

GOAL_RGBA = [0.9, 0.15, 0.15, 0.6]
# VP9 in WebM plays in every browser and is free to encode.
CODEC = ["-crf", "34", "-b:v", "160k", "-deadline", "realtime", "-cpu-used", "7", "-row-mt", "1"]


def main(folder: Path) -> None:
    """Renders every `<name>.npz` in a folder into `<name>.webm`.

    Args:
        folder: holds the files with qpos [T, nq] and goal [T, 3] or [T, 0], the model `model.mjb`
            and `settings.json`.
    """
    model = mujoco.MjModel.from_binary_path(str(folder / "model.mjb"))
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    _hide_marks(model)
    height, width = settings["size"]
    with mujoco.Renderer(model, height, width) as renderer:
        # Without a graphics card these two take most of the time.
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            renderer.scene.flags[flag] = 0
        for path in sorted(folder.glob("*.npz")):
            with np.load(path) as file:
                qpos, goal = file["qpos"], file["goal"]
            _encode(model, renderer, settings, qpos, goal, path.with_suffix(".webm"))


def _hide_marks(model: mujoco.MjModel) -> None:
    """Makes mocap handles and the model's own target invisible; `_add_mark` draws the goal."""
    model.geom_rgba[model.body_mocapid[model.geom_bodyid] >= 0, 3] = 0.0
    for i in range(model.nsite):
        if model.site(i).name.startswith("target"):
            model.site_rgba[i, 3] = 0.0


def _encode(
    model: mujoco.MjModel,
    renderer: mujoco.Renderer,
    settings: dict[str, Any],
    qpos: np.ndarray,
    goal: np.ndarray,
    path: Path,
) -> None:
    data, camera = mujoco.MjData(model), _camera(settings["camera"])
    height, width = settings["size"]
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=settings["fps"],
        codec="libvpx-vp9",
        output_params=CODEC,
        macro_block_size=2,
        quality=None,
    )
    writer.send(None)
    for position, target in zip(qpos, goal, strict=True):
        data.qpos[:] = position
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        renderer.update_scene(data, camera)
        if target.size:
            _add_mark(renderer.scene, target, settings["radius"])
        writer.send(np.ascontiguousarray(renderer.render()))
    writer.close()


def _camera(settings: dict[str, Any]) -> mujoco.MjvCamera:
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
