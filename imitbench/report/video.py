"""Videos of episodes, as bytes that a browser plays. They need the package imageio-ffmpeg, and a
machine that can render."""

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
from typing import Any, NamedTuple, Protocol, cast

import mujoco
import numpy as np

from imitbench.core.types import Env
from imitbench.envs import fetch, point_mass, reacher
from imitbench.envs.base import PhysicsEnv
from imitbench.physics import Engine
from imitbench.utils.errors import UserError

FPS = 25  # at the speed of the simulation, where its steps are not longer
SIZE = (240, 320)  # px: height, width
SECONDS = 8.0
PAUSE = 10  # frames of an episode's end
TIMEOUT = 150  # s, for each video


class Drawn(Env, Protocol):
    """An environment whose states can be drawn."""

    @property
    def physics(self) -> Engine: ...

    @property
    def dt(self) -> float: ...


class Episode(NamedTuple):
    """The poses of one episode."""

    qpos: np.ndarray  # [T, nq]
    goal: np.ndarray  # [T, G]; G is 0 where the task has none


def drawable(env: Env) -> Drawn | None:
    """The environment, if it steps a model of MuJoCo's."""
    return cast(Drawn, env) if isinstance(env, PhysicsEnv) else None


def episodes(env: Drawn) -> int:
    """How many whole episodes a video has room for; one at least, and that may be cut."""
    return max(1, int(SECONDS / (env.spec.horizon * env.dt)))


def check(env: Drawn) -> None:
    """One picture, before any training.

    Raises:
        UserError: as `films` does.
    """
    encode_videos(env, [[Episode(env.physics.model.qpos0[None], np.zeros((1, 0)))]])


def encode_videos(env: Drawn, acts: Sequence[Sequence[Episode]]) -> list[bytes]:
    """A WebM video of each act: its episodes, one after the other.

    Raises:
        UserError: imageio-ffmpeg is not there, or the machine cannot render.
    """
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise UserError("videos need imageio-ffmpeg: run `pip install 'imitbench[report]'`")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mujoco.mj_saveModel(env.physics.model, str(folder / "model.mjb"), None)
        (folder / "look.json").write_text(json.dumps(_look(env)))
        for i, takes in enumerate(acts):
            frames = _frames(env, takes)
            np.savez(folder / f"{i}.npz", qpos=frames.qpos, goal=frames.goal)
        _render(folder, TIMEOUT * len(acts))
        return [(folder / f"{i}.webm").read_bytes() for i in range(len(acts))]


def _render(folder: Path, timeout: float) -> None:
    own = os.environ.get("MUJOCO_GL", "")
    chosen = own or ("egl" if platform.system() == "Linux" else "")
    command = [sys.executable, "-m", "imitbench.report.video_worker", str(folder)]
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"MUJOCO_GL": chosen},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"rendering took longer than {timeout} s: ask for no videos") from None
    if done.returncode:
        lines = [x for x in done.stderr.splitlines() if x and not x.startswith((" ", "Exception"))]
        why = lines[-1] if lines else f"exit code {done.returncode}"
        raise UserError(
            f"cannot render with MUJOCO_GL={chosen or '(not set)'} ({why}): set MUJOCO_GL to what "
            "this machine has (egl, osmesa or glfw)"
        )


def _frames(env: Drawn, takes: Sequence[Episode]) -> Episode:
    """The poses to draw: at the rate of the video, and a while at each episode's end."""
    stride, _ = _rate(env)
    most = int(SECONDS * FPS)
    shown = []
    for take in takes:
        index = np.arange(0, len(take.qpos), stride)[:most]
        index = np.concatenate([index, np.full(PAUSE, index[-1])])
        shown.append((take.qpos[index], _in_space(take.goal[index])))
    return Episode(*(np.concatenate(x) for x in zip(*shown, strict=True)))


def _rate(env: Drawn) -> tuple[int, float]:
    """Steps of the environment between two frames, and frames per second."""
    stride = max(1, round(1 / (FPS * env.dt)))
    return stride, 1 / (stride * env.dt)


def _in_space(goal: np.ndarray) -> np.ndarray:
    """Goals [T, G] as points [T, 3]; a goal on a plane lies at height 0."""
    return np.pad(goal, ((0, 0), (0, 3 - goal.shape[1]))) if goal.shape[1] else goal


def _look(env: Drawn) -> dict[str, Any]:
    mark = 0.03  # m
    if isinstance(env, fetch.Fetch):
        camera = {"lookat": [1.25, 0.75, 0.5], "distance": 1.6, "azimuth": 132, "elevation": -18}
    elif isinstance(env, point_mass.PointMass):
        camera, mark = {"lookat": [0, 0, 0], "distance": 3.2, "azimuth": 90, "elevation": -89}, 0.1
    elif isinstance(env, reacher.Reacher):
        camera = {"lookat": [0, 0, 0], "distance": 0.9, "azimuth": 90, "elevation": -89}
    else:  # a robot that runs: its first body is its torso
        camera = {"trackbodyid": 1, "distance": 4.0, "azimuth": 90, "elevation": -10}
    return {"camera": camera, "mark": mark, "size": SIZE, "fps": _rate(env)[1]}
