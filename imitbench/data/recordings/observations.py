"""Flat observations from the named observations of a recording."""

from __future__ import annotations

from typing import Any

import numpy as np

from imitbench.core.types import GOAL_PARTS, GoalSpec, Spec
from imitbench.data.recordings.recording import Episode
from imitbench.utils.errors import UserError

GOAL_TOLERANCE = 1e-5  # between `achieved_goal` and the same numbers in `observation`


def observations(episode: Episode, spec: Spec, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Flat observations [n, O], and their successors, [n, O] or without the last, [n - 1, O]."""
    obs = _flat(episode.observations, spec, where)
    if episode.next_observations is not None:
        return obs[: episode.length], _flat(episode.next_observations, spec, where)
    return obs[: episode.length], obs[1:]


def _flat(named: Any, spec: Spec, where: str) -> np.ndarray:
    """Flat observations [rows, O] in the order of the task."""
    parts = {k: x.reshape(len(x), -1).astype(np.float32) for k, x in named.items()}
    if spec.goal is not None and goal_sizes(spec, spec.goal).keys() <= parts.keys():
        return goal_observations(parts, spec, spec.goal, where)
    # Files sort names, so parts with the names of the task's fields are put in the task's order.
    if parts.keys() == spec.fields.keys():
        parts = {name: parts[name] for name in spec.fields}
        sizes = {name: len(range(spec.obs_size)[at]) for name, at in spec.fields.items()}
        if wrong := [k for k, n in sizes.items() if parts[k].shape[1] != n]:
            raise UserError(
                f"{where}: {wrong[0]!r} has {parts[wrong[0]].shape[1]} numbers a step, expected "
                f"{sizes[wrong[0]]}: this is another task's data set"
            )
    obs = np.concatenate([*parts.values()], axis=1)
    if obs.shape[1] != spec.obs_size:
        names = ", ".join(f"{k} [{x.shape[1]}]" for k, x in parts.items())
        raise UserError(
            f"{where} has observations {names}, expected {spec.obs_size} numbers: this is another "
            "task's data set"
        )
    return obs


def goal_sizes(spec: Spec, goal: GoalSpec) -> dict[str, int]:
    """Returns the sizes of the parts that the observation of a goal task is stored in, by name.

    Args:
        spec: the task's.
        goal: its goal.
    """
    size = len(range(spec.obs_size)[spec.fields[goal.desired]])
    if _has_all_parts(spec):
        return {
            "observation": spec.obs_size - 2 * size,
            "achieved_goal": size,
            "desired_goal": size,
        }
    return {"observation": spec.obs_size - size, "achieved_goal": size, "desired_goal": size}


def _has_all_parts(spec: Spec) -> bool:
    """Whether the achieved goal is a part of its own, as in Gymnasium's own observations."""
    return tuple(spec.fields) == GOAL_PARTS


def goal_parts(obs: np.ndarray, spec: Spec, goal: GoalSpec) -> dict[str, np.ndarray]:
    """Splits flat observations of a goal task; `goal_observations` joins them.

    Args:
        obs: [rows, O].
        spec: the task's.
        goal: its goal.

    Returns:
        `observation`, `achieved_goal` and `desired_goal`, [rows, ...] each.
    """
    achieved, desired = spec.fields[goal.achieved], spec.fields[goal.desired]
    taken = [np.arange(spec.obs_size)[desired]]
    if _has_all_parts(spec):
        taken.append(np.arange(spec.obs_size)[achieved])
    rest = np.delete(obs, np.concatenate(taken), axis=1)
    return {"observation": rest, "achieved_goal": obs[:, achieved], "desired_goal": obs[:, desired]}


def goal_observations(parts: Any, spec: Spec, goal: GoalSpec, where: str) -> np.ndarray:
    """Joins the observation of a goal task.

    Args:
        parts: `observation`, `achieved_goal` and `desired_goal`, [rows, ...] each.
        spec: the task's.
        goal: its goal.
        where: the file and the episode, for messages.

    Returns:
        Flat observations [rows, O].

    Raises:
        UserError: a part has another size, or the achieved goal is not a part of the observation.
    """
    for name, n in goal_sizes(spec, goal).items():
        if parts[name].shape[1] != n:
            raise UserError(
                f"{where}: {name!r} has {parts[name].shape[1]} numbers a step, expected {n}: this "
                "is another task's data set"
            )
    if _has_all_parts(spec):
        return np.concatenate([parts[name] for name in GOAL_PARTS], axis=1)
    at, rest = spec.fields[goal.desired], parts["observation"]
    obs = np.concatenate([rest[:, : at.start], parts["desired_goal"], rest[:, at.start :]], axis=1)
    achieved = obs[:, spec.fields[goal.achieved]]
    # Numbers that are not finite get an error of their own (`validate.check_steps`).
    known = np.isfinite(achieved)
    if not np.allclose(achieved[known], parts["achieved_goal"][known], atol=GOAL_TOLERANCE):
        raise UserError(
            f"{where}: 'achieved_goal' is not the observation's {goal.achieved!r}: this is another "
            "task's data set"
        )
    return obs
