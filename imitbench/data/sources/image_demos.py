"""Demonstrations of tasks with images: those of the full task, with the images of their poses.

A task with images has the demonstrations of its full task, so that policies that see images and
those that see positions learn from the same episodes. Files hold positions alone.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.capabilities import Poses
from imitbench.core.observations import images
from imitbench.core.types import Env
from imitbench.data.rows import Demos
from imitbench.utils.errors import UserError


@runtime_checkable
class RendersPoses(Protocol):
    """The further function of an environment with images."""

    def observations(self, pose: np.ndarray, full_obs: np.ndarray, /) -> np.ndarray:
        """Renders the observations [N, O] of poses [N, P] and full observations [N, F]."""
        ...


def with_images(pool: Demos, env: Env) -> Demos:
    """Gives the demonstrations of a full task the observations of a task with images.

    The observation after a step is that before the next one. The image after the last step of an
    episode, whose pose is not recorded, is that of a step from the pose before it: rounding to
    float32 may move single pixels at edges.

    Args:
        pool: demonstrations of the full task, with poses.
        env: the task with images.

    Returns:
        The same episodes, with the full task's observations as `full_obs`; the header names the
        task with images.

    Raises:
        UserError: the poses are missing.
    """
    if not (isinstance(env, RendersPoses) and isinstance(env, Poses)):
        raise UserError(f"{env.name}: expected an environment that renders recorded poses")
    rows = pool.rows
    if rows.pose is None:
        raise UserError(
            f"the demonstrations of {pool.header.task} hold no poses, of which the images of "
            f"{env.name} are rendered: collect them again with `imitbench demos`"
        )
    obs = env.observations(np.asarray(rows.pose), np.asarray(rows.obs))
    next_obs = np.roll(obs, -1, axis=0)
    last = pool.starts + pool.lengths - 1
    next_obs[last] = _after_last_steps(env, pool, last)
    header = dataclasses.replace(pool.header, task=env.name)
    rows = rows.replace(obs=obs, next_obs=next_obs, full_obs=rows.obs)
    return pool.replace(rows=rows, header=header)


def _after_last_steps(env: Any, pool: Demos, last: np.ndarray) -> np.ndarray:
    """The observations [K, O] after rows [K] of a full task's demonstrations."""
    rows = pool.rows

    def step(pose: jax.Array, action: jax.Array) -> jax.Array:
        return env.step(env.reset_to(pose), action).obs

    pose, action = (jnp.asarray(np.asarray(x)[last]) for x in (rows.pose, rows.action))
    stepped = jax.jit(jax.vmap(step))(pose, action)
    cut = images.BYTES * env.spec.image.numbers
    # The numbers beside the image are known exactly.
    numbers = env.proprioception(np.asarray(rows.next_obs)[last])
    return np.concatenate([numbers, np.asarray(stepped)[:, cut:]], axis=1)


def memory(env: Env, rows: int, kept: int) -> int:
    """Estimates how much memory observations with images take.

    Args:
        env: the task with images.
        rows: steps of demonstrations, whose two observations are kept.
        kept: further observations that are kept.

    Returns:
        Bytes.
    """
    return (2 * rows + kept) * env.spec.obs_size
