"""Recordings of episodes that are arrays in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.data.recordings.recording import (
    FLAT,
    Episode,
    Recording,
    check_recording,
    no_actions,
)
from imitbench.utils.errors import UserError, pick
from imitbench.utils.json_schema import one_line

REQUIRED = ("obs", "action")
FIELDS = (*REQUIRED, "next_obs", "reward", "terminated", "truncated", "success")
FLAGS = ("terminated", "truncated", "success")


def from_arrays(
    episodes: Sequence[Mapping[str, Any]],
    action_low: Any = None,
    action_high: Any = None,
    demonstrator: str = "unknown",
) -> Recording:
    """Builds a recording from arrays.

    Args:
        episodes: the arrays of each episode by name (`FIELDS`), see `imitbench.make_demos`.
        action_low: [A] or a number, the lower bounds of actions; None: unknown.
        action_high: the upper bounds.
        demonstrator: who acted.

    Returns:
        The recording.

    Raises:
        UserError: a name is unknown or missing, an array is ragged or holds no numbers, or arrays
            of an episode do not fit each other or those of other episodes.
    """
    where = Path("episodes")  # begins the messages, as the path of a file does
    if isinstance(episodes, Mapping) or not all(isinstance(e, Mapping) for e in episodes):
        raise UserError(
            "episodes: expected a list with a dictionary for each episode, such as "
            "[{'obs': array [n + 1, O], 'action': array [n, A]}]"
        )
    recording = Recording(
        format="arrays",
        path=where,
        episodes=[_episode(e, f"{where}: episode {k}") for k, e in enumerate(episodes)],
        demonstrator=demonstrator,
    )
    recording = check_recording(recording)
    if action_low is None and action_high is None:
        return recording
    low, high = _bounds(action_low, action_high, recording.episodes[0].actions)
    return recording._replace(action_low=low, action_high=high)


def _episode(arrays: Mapping[str, Any], where: str) -> Episode:
    for name in arrays:
        pick(f"array of {where}", name, FIELDS)
    for name in REQUIRED:
        if name not in arrays:
            raise UserError(
                f"{where}: {name!r} is missing: expected {' and '.join(REQUIRED)}, which is None "
                "where actions are not known"
            )
    observations = _named(arrays["obs"], f"{where}: 'obs'")
    if arrays["action"] is None:
        actions = no_actions(_steps(arrays, observations, where))
    else:
        actions = _array(arrays["action"], f"{where}: 'action'")
    n = len(actions)
    flags = {
        name: _flags(arrays[name], n, name, f"{where}: {name!r}")
        for name in FLAGS
        if arrays.get(name) is not None
    }
    following, rewards = arrays.get("next_obs"), arrays.get("reward")
    return Episode(
        observations=observations,
        actions=actions,
        next_observations=None if following is None else _named(following, f"{where}: 'next_obs'"),
        rewards=None if rewards is None else _array(rewards, f"{where}: 'reward'"),
        **flags,
    )


def _steps(arrays: Mapping[str, Any], observations: dict[str, np.ndarray], where: str) -> int:
    """The steps of an episode without actions: those of its other arrays, else all pairs of
    observations."""
    following = arrays.get("next_obs")
    if following is not None:
        return len(next(iter(_named(following, f"{where}: 'next_obs'").values())))
    for name in ("reward", *FLAGS):
        if np.ndim(arrays.get(name, 0)) == 1:
            return len(arrays[name])
    return max(0, len(next(iter(observations.values()))) - 1)


def _named(value: Any, where: str) -> dict[str, np.ndarray]:
    if isinstance(value, Mapping):
        return {str(k): _array(x, f"{where}: {k!r}") for k, x in value.items()}
    return {FLAT: _array(value, where)}


def _array(value: Any, where: str) -> np.ndarray:
    try:
        x = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise UserError(f"{where} is no array ({one_line(error)})") from None
    if x.dtype.kind not in "biuf" or x.ndim < 1:
        raise UserError(
            f"{where} has shape {x.shape} of {x.dtype}, expected numbers with an entry a step"
        )
    return x


def _flags(value: Any, n: int, name: str, where: str) -> np.ndarray:
    """[n] bool. One truth value is about the last step; success counts at that step alone."""
    x = np.asarray(value)
    if x.ndim == 0 and x.dtype.kind in "biu":
        flags = np.zeros(n, bool)
        flags[-1:] = bool(x)
        return flags
    x = _array(value, where)
    if x.shape != (n,) or not np.isin(x, (0, 1)).all():
        raise UserError(
            f"{where} has shape {x.shape}, expected ({n},) with 0 or 1 for each step, or one truth "
            "value for the last step"
        )
    return x.astype(bool)


def _bounds(low: Any, high: Any, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bounds [A] of actions [n, A]."""
    try:
        both = [np.broadcast_to(np.asarray(x, np.float64), actions.shape[1:]) for x in (low, high)]
        valid = bool((np.isfinite(both).all()) and (both[0] < both[1]).all())
    except (TypeError, ValueError):
        valid, both = False, []
    if not valid:
        raise UserError(
            f"action_low={low}, action_high={high}: expected two finite bounds, or "
            f"{actions.shape[1:]} of them each, the first below the second"
        )
    return both[0], both[1]
