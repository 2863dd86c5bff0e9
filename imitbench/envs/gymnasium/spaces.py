"""Gymnasium's spaces as flat observations and as actions in [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from imitbench.core.types import GOAL_PARTS
from imitbench.utils.errors import UserError

MAX_SIZE = 100_000  # of an observation


class ObservationLayout(NamedTuple):
    """How observations become vectors."""

    sizes: list[tuple[str, int]]  # the fields in their order, with their lengths
    flatten: Callable[[Any], np.ndarray]  # observation -> [O] float64


class ActionLayout(NamedTuple):
    """How actions become those of the environment."""

    size: int  # A, or the number of choices
    discrete: bool
    low: np.ndarray  # [A] the bounds; of length 0 for choices
    high: np.ndarray
    # [A] in [-1, 1] (clipped), or [1] a choice from 0 on -> the environment's action
    to_env: Callable[[np.ndarray], Any]


def observation_layout(obs_space: spaces.Space, task: str) -> ObservationLayout:
    """Describes how the observations of a space become vectors.

    A Box is one field, `obs`. The fields of a Dict are its keys; a Dict inside becomes one field.
    The fields of goal tasks have the order `observation`, `achieved_goal`, `desired_goal`.

    Args:
        obs_space: a Box, or a Dict of Boxes and of further such Dicts.
        task: the task's name, for messages.

    Raises:
        UserError: another space, images, or no numbers at all.
    """
    if isinstance(obs_space, spaces.Dict):
        names = list(obs_space.spaces)
        if sorted(names) == sorted(GOAL_PARTS):
            names = list(GOAL_PARTS)
        parts = {name: _flat_size(obs_space.spaces[name], f"{task}, {name!r}") for name in names}
        ordered = {name: obs_space.spaces[name] for name in names}
        sizes = list(parts.items())

        def flatten(obs: Any) -> np.ndarray:
            return np.concatenate([_flatten(s, obs[name]) for name, s in ordered.items()])
    else:
        sizes = [("obs", _flat_size(obs_space, task))]

        def flatten(obs: Any) -> np.ndarray:
            return _flatten(obs_space, obs)

    total = sum(n for _, n in sizes)
    if not 0 < total <= MAX_SIZE:
        raise UserError(f"{task} has observations of {total} numbers: expected 1 to {MAX_SIZE:,}")
    return ObservationLayout(sizes, flatten)


def _flat_size(space: spaces.Space, where: str) -> int:
    if isinstance(space, spaces.Dict):
        return sum(_flat_size(s, f"{where}, {k!r}") for k, s in space.spaces.items())
    if not isinstance(space, spaces.Box):
        raise UserError(
            f"{where} has observations of a {type(space).__name__} space: expected a Box of "
            "numbers, or a Dict of such Boxes"
        )
    if len(space.shape) >= 2 and (space.dtype == np.uint8 or len(space.shape) >= 3):
        raise UserError(
            f"{where} has observations of shape {space.shape}, which are images: expected a vector"
        )
    return int(np.prod(space.shape))


def _flatten(space: spaces.Space, obs: Any) -> np.ndarray:
    if isinstance(space, spaces.Dict):
        return np.concatenate([_flatten(s, obs[k]) for k, s in space.spaces.items()])
    return np.asarray(obs, np.float64).ravel()


def action_layout(action_space: spaces.Space, task: str) -> ActionLayout:
    """Describes how actions become those of a space.

    Args:
        action_space: a Box with finite bounds, or a Discrete.
        task: the task's name, for messages.

    Raises:
        UserError: another space, or bounds that are not finite or of no width.
    """
    if isinstance(action_space, spaces.Discrete):
        first = int(action_space.start)
        none = np.zeros(0)
        return ActionLayout(int(action_space.n), True, none, none, lambda c: int(c[0]) + first)
    if not isinstance(action_space, spaces.Box):
        raise UserError(
            f"{task} has actions of a {type(action_space).__name__} space: expected a Box or a "
            "Discrete"
        )
    low, high = (np.ravel(x).astype(np.float64) for x in (action_space.low, action_space.high))
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise UserError(
            f"{task} has actions between {action_space.low.ravel().tolist()} and "
            f"{action_space.high.ravel().tolist()}: expected finite bounds of some width, to which "
            "actions in [-1, 1] are scaled"
        )
    shape, dtype = action_space.shape, action_space.dtype
    unit = bool((low == -1).all() and (high == 1).all())

    def to_env(action: np.ndarray) -> np.ndarray:
        action = np.clip(action.astype(np.float64), -1.0, 1.0)
        if not unit:
            action = low + (action + 1.0) / 2.0 * (high - low)
        return action.astype(dtype).reshape(shape)

    return ActionLayout(len(low), False, low, high, to_env)
