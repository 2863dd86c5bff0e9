"""Parts of a report from shipped results, and a video of a toy task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imitbench import envs
from imitbench.report import page, video
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.utils.errors import UserError

SHIPPED = Path(__file__).parents[2] / "results" / "shipped"


def part(results: list[Result], **changes: Any) -> page.Part:
    return page.Part("toy", "", Path("results/toy"), None, results)._replace(**changes)


def shipped(name: str = "quickstart") -> list[Result]:
    return store.read_all(SHIPPED / name)


def takes() -> list[video.Episode]:
    """A disc that goes from left to right, past its goal."""
    x = np.linspace(-1.0, 1.0, 20)
    return [video.Episode(np.stack([x, 0 * x], 1), np.full((20, 2), 0.5))]


def point() -> video.DrawableEnv:
    env = video.drawable(envs.make("PointMass"))
    assert env is not None
    return env


def drawn() -> bytes:
    """A video, where this machine can make one."""
    pytest.importorskip("imageio_ffmpeg")
    try:
        return video.encode_videos(point(), [takes()])[0]
    except UserError as error:
        pytest.skip(str(error))
