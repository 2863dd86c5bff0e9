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

from imitbench.report import drawing

# VP9 in WebM plays in every browser and is free to encode; H.264 in MP4 plays in slides, too.
VP9 = ["-crf", "34", "-b:v", "160k", "-deadline", "realtime", "-cpu-used", "7", "-row-mt", "1"]
CODECS = {
    "webm": ("libvpx-vp9", VP9),
    "mp4": ("libx264", ["-crf", "23", "-movflags", "+faststart"]),
}


def main(folder: Path) -> None:
    """Renders every `<name>.npz` in a folder into a video of the same name.

    Args:
        folder: holds the files with qpos [T, nq] and goal [T, 3] or [T, 0], the model `model.mjb`
            and `settings.json`.
    """
    model = mujoco.MjModel.from_binary_path(str(folder / "model.mjb"))
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    renderer = drawing.Renderer(model, settings)
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            qpos, goal = file["qpos"], file["goal"]
        _encode(renderer, settings, qpos, goal, path.with_suffix(f".{settings['container']}"))
    renderer.close()


def _encode(
    renderer: drawing.Renderer,
    settings: dict[str, Any],
    qpos: np.ndarray,
    goal: np.ndarray,
    path: Path,
) -> None:
    height, width = settings["size"]
    codec, options = CODECS[settings["container"]]
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=settings["fps"],
        codec=codec,
        output_params=options,
        macro_block_size=2,
        quality=None,
    )
    writer.send(None)
    for position, target in zip(qpos, goal, strict=True):
        writer.send(np.ascontiguousarray(renderer.draw(position, target)))
    writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
