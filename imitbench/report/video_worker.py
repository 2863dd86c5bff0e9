"""Pictures of MuJoCo states, encoded as videos: a program of its own (see `video`).

MuJoCo takes its OpenGL from the environment when it is imported, and a driver that fails can take
its process with it: so nothing else happens in this one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import mujoco
import numpy as np

RGBA = [0.9, 0.15, 0.15, 0.6]  # of the mark of a goal
# VP9 in WebM plays in every browser and is free to encode.
CODEC = ["-crf", "34", "-b:v", "160k", "-deadline", "realtime", "-cpu-used", "7", "-row-mt", "1"]


def main(folder: Path) -> None:
    """Renders every `<name>.npz` in the folder (qpos [T, nq], goal [T, 3] or [T, 0]) of the model
    `model.mjb` into `<name>.webm`, as `look.json` says."""
    model = mujoco.MjModel.from_binary_path(str(folder / "model.mjb"))
    look = json.loads((folder / "look.json").read_text())
    model.geom_rgba[model.body_mocapid[model.geom_bodyid] >= 0, 3] = 0.0  # handles, not bodies
    for i in range(model.nsite):
        if model.site(i).name.startswith("target"):
            model.site_rgba[i, 3] = 0.0  # where the file has it; the goal is marked anew
    height, width = look["size"]
    with mujoco.Renderer(model, height, width) as renderer:
        # Without a graphics card they take most of the time.
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            renderer.scene.flags[flag] = 0
        for path in sorted(folder.glob("*.npz")):
            with np.load(path) as file:
                _film(model, renderer, look, file["qpos"], file["goal"], path.with_suffix(".webm"))


def _film(
    model: mujoco.MjModel,
    renderer: mujoco.Renderer,
    look: dict[str, Any],
    qpos: np.ndarray,
    goal: np.ndarray,
    path: Path,
) -> None:
    data, camera = mujoco.MjData(model), _camera(look["camera"])
    height, width = look["size"]
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=look["fps"],
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
            _mark(renderer.scene, target, look["mark"])
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


def _mark(scene: mujoco.MjvScene, goal: np.ndarray, radius: float) -> None:
    """A ball where the goal is."""
    mujoco.mjv_initGeom(
        scene.geoms[scene.ngeom],
        mujoco.mjtGeom.mjGEOM_SPHERE,
        np.full(3, radius),
        goal.astype(np.float64),
        np.eye(3).ravel(),
        np.array(RGBA, np.float32),
    )
    scene.ngeom += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
