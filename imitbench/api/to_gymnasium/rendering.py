"""Pictures of wrapped environments."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from imitbench.core.types import Env, EnvState
from imitbench.report import drawing, video
from imitbench.utils import machine
from imitbench.utils.errors import UserError

MODE = "rgb_array"


def metadata(env: Env) -> dict[str, Any]:
    """Gymnasium's metadata of an environment: how it can be rendered, and its steps per second."""
    drawable = video.drawable(env)
    if drawable is None:
        return {"render_modes": []}
    return {"render_modes": [MODE], "render_fps": round(1 / drawable.dt)}


def make_renderer(env: Env, render_mode: str | None) -> drawing.Renderer | None:
    """Makes the renderer for a render mode.

    Args:
        env: the environment.
        render_mode: "rgb_array", or None for none.

    Raises:
        UserError: the mode is unknown, or the environment or the machine cannot render.
    """
    if render_mode is None:
        return None
    if render_mode != MODE:
        raise UserError(f"render_mode={render_mode!r}: expected {MODE!r} or None")
    drawable = video.drawable(env)
    if drawable is None:
        raise UserError(f"render_mode={MODE!r}: {env.name} steps no MuJoCo model; expected None")
    try:
        return drawing.Renderer(drawable.physics.model, video.render_settings(drawable))
    except Exception as error:  # of MuJoCo, of PyOpenGL or of the driver
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise machine.rendering_error(os.environ.get("MUJOCO_GL", ""), reason) from None


def draw(renderer: drawing.Renderer | None, state: EnvState | None) -> list[np.ndarray]:
    """Draws states.

    Args:
        renderer: as `make_renderer` returns it.
        state: leaves [B, ...].

    Returns:
        Pictures [height, width, 3] uint8.

    Raises:
        UserError: there is no renderer, or no episode has begun.
    """
    if renderer is None:
        raise UserError(f"render: the environment was made without render_mode={MODE!r}")
    if state is None:
        raise UserError("render: no episode has begun; call reset first")
    qpos = np.asarray(state.pipeline_state.qpos)
    goal = np.asarray(state.info.get("goal", np.zeros((len(qpos), 0))))
    return [renderer.draw(q, g) for q, g in zip(qpos, drawing.points(goal), strict=True)]
