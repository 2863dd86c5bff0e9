"""Videos of episodes, in a format that browsers play.

They need the package imageio-ffmpeg, and a machine that can render.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, cast

import mujoco
import numpy as np

from imitbench.core.types import Env
from imitbench.envs import fetch, reacher
from imitbench.envs.base import PhysicsEnv
from imitbench.envs.toys import point_mass
from imitbench.physics import Engine
from imitbench.report import drawing
from imitbench.utils import machine
from imitbench.utils.errors import UserError

FPS = 25  # in simulated time; fewer where the environment's steps are longer
SIZE = (240, 320)  # px: height, width
MAX_SECONDS = 8.0  # of a video
PAUSE = 10  # frames at the end of an episode
TIMEOUT = 150  # s, for each video
Container = Literal["webm", "mp4"]


class DrawableEnv(Env, Protocol):
    """An environment whose states can be drawn."""

    @property
    def physics(self) -> Engine: ...

    @property
    def dt(self) -> float: ...


class Episode(NamedTuple):
    """The poses of one episode."""

    qpos: np.ndarray  # [T, nq]
    goal: np.ndarray  # [T, G]; G is 0 where the task has no goal


def drawable(env: Env) -> DrawableEnv | None:
    """The environment, if it steps a MuJoCo model; else None."""
    return cast(DrawableEnv, env) if isinstance(env, PhysicsEnv) else None


def episodes_per_video(env: DrawableEnv) -> int:
    """How many whole episodes fit into a video; at least one, which may be cut."""
    return max(1, int(MAX_SECONDS / (env.spec.horizon * env.dt)))


def check_rendering(env: DrawableEnv) -> None:
    """Renders one picture, before any training.

    Args:
        env: the environment.

    Raises:
        UserError: as in `encode_videos`.
    """
    encode_videos(env, [[Episode(env.physics.model.qpos0[None], np.zeros((1, 0)))]])


def encode_videos(
    env: DrawableEnv, policies: Sequence[Sequence[Episode]], container: Container = "webm"
) -> list[bytes]:
    """Renders a video for each policy: its episodes, one after the other.

    Args:
        env: the environment.
        policies: the episodes of each policy.
        container: the kind of the files.

    Returns:
        A file for each policy.

    Raises:
        UserError: imageio-ffmpeg is not installed, or the machine cannot render.
    """
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise UserError("videos need imageio-ffmpeg: run `pip install 'imitbench[report]'`")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mujoco.mj_saveModel(env.physics.model, str(folder / "model.mjb"), None)
        settings = json.dumps(render_settings(env) | {"container": container})
        (folder / "settings.json").write_text(settings, encoding="utf-8")
        for i, episodes in enumerate(policies):
            frames = _frames(env, episodes)
            np.savez(folder / f"{i}.npz", qpos=frames.qpos, goal=frames.goal)
        _render(folder, TIMEOUT * len(policies))
        return [(folder / f"{i}.{container}").read_bytes() for i in range(len(policies))]


def _render(folder: Path, timeout: float) -> None:
    """Runs the worker on a folder. It is a process of its own, because a driver can end it."""
    backend = os.environ.get("MUJOCO_GL", "") or ("egl" if platform.system() == "Linux" else "")
    command = [sys.executable, "-m", "imitbench.report.video_worker", str(folder)]
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"MUJOCO_GL": backend},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"rendering took longer than {timeout} s: ask for no videos") from None
    if done.returncode:
        lines = [x for x in done.stderr.splitlines() if x and not x.startswith((" ", "Exception"))]
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        raise machine.rendering_error(backend, reason)


def _frames(env: DrawableEnv, episodes: Sequence[Episode]) -> Episode:
    """The poses to draw: at the frame rate of the video, with a pause after each episode."""
    stride, _ = _frame_rate(env)
    max_frames = int(MAX_SECONDS * FPS)
    poses = []
    for episode in episodes:
        index = np.arange(0, len(episode.qpos), stride)[:max_frames]
        index = np.concatenate([index, np.full(PAUSE, index[-1])])
        poses.append((episode.qpos[index], drawing.points(episode.goal[index])))
    return Episode(*(np.concatenate(x) for x in zip(*poses, strict=True)))


def _frame_rate(env: DrawableEnv) -> tuple[int, float]:
    """Environment steps between two frames, and frames per second."""
    stride = max(1, round(1 / (FPS * env.dt)))
    return stride, 1 / (stride * env.dt)


def render_settings(env: DrawableEnv) -> dict[str, Any]:
    """The camera (m, degrees), radius of the goal's mark (m), size (px) and frame rate (1/s)."""
    radius = 0.03
    if isinstance(env, fetch.Fetch):
        camera = {"lookat": [1.25, 0.75, 0.5], "distance": 1.6, "azimuth": 132, "elevation": -18}
    elif isinstance(env, point_mass.PointMass):
        camera = {"lookat": [0, 0, 0], "distance": 3.2, "azimuth": 90, "elevation": -89}
        radius = 0.1
    elif isinstance(env, reacher.Reacher):
        camera = {"lookat": [0, 0, 0], "distance": 0.9, "azimuth": 90, "elevation": -89}
    else:  # a running robot, whose first body is its torso
        camera = {"trackbodyid": 1, "distance": 4.0, "azimuth": 90, "elevation": -10}
    return {"camera": camera, "radius": radius, "size": SIZE, "fps": _frame_rate(env)[1]}
