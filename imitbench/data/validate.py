"""Checks of data sets before a method learns from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from imitbench.core.types import Spec, Transition
from imitbench.data.demonstrations import Demos, step_arrays
from imitbench.utils.errors import UserError

FLAGS = ("terminated", "truncated", "success")
ACTION_TOLERANCE = 1e-5  # beyond the bound of 1, for the rounding of other programs


def check_steps(steps: Transition, spec: Spec, where: str) -> None:
    """Checks shapes and numbers of a data set against the task.

    Args:
        steps: episodes, leaves [K, T, ...].
        spec: the task's.
        where: the file or folder, for the message.

    Raises:
        UserError: a shape does not fit the task, a number is not finite, an action component lies
            outside [-1, 1], or no step has weight.
    """
    lead = steps.weight.shape[:2]
    action = () if spec.discrete else (spec.action_size,)
    trailing = {"obs": (spec.obs_size,), "next_obs": (spec.obs_size,), "action": action}
    trailing["label"] = action
    if steps.pose is not None:
        trailing["pose"] = steps.pose.shape[-1:]  # its length depends on the engine: see `Poses`
    for name, value in step_arrays(steps).items():
        expected = (*lead, *trailing.get(name, ()))
        if value.shape != expected or lead[1:] != (spec.horizon,):
            raise UserError(
                f"{where}: array {name!r} has shape {value.shape}, expected "
                f"(episodes, {spec.horizon}, *{trailing.get(name, ())})"
            )
        if not np.isfinite(value).all():
            index = np.argwhere(~np.isfinite(value))[0].tolist()
            raise UserError(
                f"{where}: array {name!r} has a non-finite number at {index}; remove it"
            )
    largest = np.abs(steps.action[steps.weight > 0]).max(initial=0.0)
    if not spec.discrete and largest > 1 + ACTION_TOLERANCE:
        raise UserError(
            f"{where}: an action component of magnitude {largest:g}, expected at most 1: divide by "
            "the environment's bounds"
        )
    if not steps.weight.any():
        raise UserError(f"{where}: every step has weight 0; there is nothing to learn from")


def check_kinds(arrays: Mapping[str, np.ndarray], where: str) -> None:
    """Checks that flags are truth values and that all other arrays are numbers.

    Args:
        arrays: by their names in files.
        where: the file, for the message.

    Raises:
        UserError: an array is of another type.
    """
    for name, x in arrays.items():
        kinds, expected = ("b", "truth values") if name in FLAGS else ("iuf", "numbers")
        if x.dtype.kind not in kinds:
            raise UserError(f"{where}: array {name!r} is of type {x.dtype}, expected {expected}")


def warnings(demos: Demos, spec: Spec, *, rewards: bool, success: bool = False) -> list[str]:
    """Lists what a user should know of a data set before learning from it.

    Args:
        demos: the data set, episodes [K, T, ...].
        spec: the task's.
        rewards: whether the method learns from rewards.
        success: whether the method needs demonstrations that reach the goal.

    Returns:
        One line for each warning; empty where there is none.

    Raises:
        UserError: the data set lacks what the method needs.
    """
    steps, task = demos.steps, demos.header.task
    real = steps.weight > 0
    if success and not np.any(steps.success[real]):
        raise UserError(
            f"no step of the data set of {task} reaches the goal: use demonstrations that do, or "
            "a method that does not need it, such as bc"
        )
    lines = _reward_warnings(steps, spec, task) if rewards else []
    constant = np.flatnonzero(np.ptp(steps.obs[real], axis=0) == 0)
    if len(constant):
        names = [k for k, s in spec.fields.items() if np.isin(np.r_[s], constant).any()]
        lines.append(
            f"observation components {', '.join(map(str, constant))} of {task} "
            f"({', '.join(names)}) never change in the data: a policy cannot learn what they mean"
        )
    return lines


def _reward_warnings(steps: Transition, spec: Spec, task: str) -> list[str]:
    """Warnings for a method that learns from the rewards of episodes [K, T]."""
    real, lines = steps.weight > 0, []
    reward = steps.reward[real]
    if not np.any(reward):
        raise UserError(
            f"the data set of {task} has no rewards (all are 0): use a method that clones "
            "actions, such as bc, or data with rewards"
        )
    if np.ptp(reward) == 0:
        lines.append(
            f"every reward of {task} is {reward[0]:g}: returns do not tell good episodes from bad"
        )
    length = real.sum(axis=1)
    if steps.terminated.any(axis=1).all() and (length == spec.horizon).all():
        lines.append(
            f"every episode of {task} is marked as terminated after {spec.horizon} steps, "
            "which is the time limit: mark them as truncated, or values will count the limit "
            "as an end"
        )
    return lines
