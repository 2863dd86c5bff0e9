"""Checks of data sets before a method learns from them."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import numpy as np

from imitbench.core.checks import check_shapes, has_actions
from imitbench.core.types import Spec, Transition
from imitbench.data.episodes import duplicates
from imitbench.data.rows import STORED_AS, Demos, step_arrays
from imitbench.utils.errors import UserError

FLAGS = ("terminated", "truncated", "success")
PART = 2**16  # rows that are checked at a time
ACTION_TOLERANCE = 1e-5  # beyond the bound of 1, for the rounding of other programs


def check_steps(demos: Demos, spec: Spec, where: str, names: Mapping[str, str] = STORED_AS) -> None:
    """Checks shapes and numbers of a data set against the task.

    Args:
        demos: the data set.
        spec: the task's.
        where: the file or folder, for the message.
        names: what a field is called in the message, where it has another name.

    Raises:
        UserError: a shape does not fit the task, an episode is longer than its time limit or goes
            on after its end, a number is not finite, an action component lies outside [-1, 1], or
            no step has weight.
    """
    rows = demos.rows
    check_shapes(rows, spec, {"rows": None}, where, names)
    fields = {stored: field for field, stored in STORED_AS.items()}
    for stored, value in step_arrays(rows).items():
        field = fields.get(stored, stored)
        _check_finite(demos, names.get(field, field), value, where)
    longest = int(demos.lengths.max())
    if longest > spec.horizon:
        raise UserError(
            f"{where}: episode {np.argmax(demos.lengths)} has {longest} steps, those of the task "
            f"have 1 to {spec.horizon}"
        )
    ends = np.asarray((rows.terminated | rows.truncated) & (rows.weight > 0))
    ends[demos.starts + demos.lengths - 1] = False
    if ends.any():
        k, step = _place(demos, int(np.argmax(ends)))
        raise UserError(
            f"{where}: episode {k} goes on for {demos.lengths[k]} steps, but ends at step "
            f"{step + 1}: cut it"
        )
    _check_actions(rows, spec, where, names)
    if not np.isin(rows.weight, (0, 1)).all():
        raise UserError(f"{where}: array 'weight' has other numbers than 0 and 1")
    if not rows.weight.any():
        raise UserError(f"{where}: every step has weight 0; there is nothing to learn from")


def _check_actions(rows: Transition, spec: Spec, where: str, names: Mapping[str, str]) -> None:
    """Checks the range of the executed actions [N, ...], where there are any."""
    if not has_actions(rows):
        return
    if spec.discrete:
        for name, x in (("action", rows.action), ("intended_action", rows.intended_action)):
            low, high = x.min(initial=0), x.max(initial=0)
            if x.dtype.kind not in "iu" or low < 0 or high >= spec.action_size:
                raise UserError(
                    f"{where}: array {names.get(name, name)!r} has numbers of type {x.dtype} from "
                    f"{low:g} to {high:g}, expected whole numbers from 0 to "
                    f"{spec.action_size - 1}, for the task has choices"
                )
        return
    largest = np.abs(rows.action[rows.weight > 0]).max(initial=0.0)
    if largest > 1 + ACTION_TOLERANCE:
        raise UserError(
            f"{where}: an action component of magnitude {largest:g}, expected at most 1: divide by "
            "the environment's bounds"
        )


def _check_finite(demos: Demos, name: str, value: np.ndarray, where: str) -> None:
    """Checks an array [N, ...] of a data set part by part."""
    for begin in range(0, len(value), PART):
        finite = np.isfinite(value[begin : begin + PART])
        if not finite.all():
            row, *rest = np.argwhere(~finite)[0].tolist()
            index = [*_place(demos, begin + row), *rest]
            raise UserError(
                f"{where}: array {name!r} has a non-finite number at {index} (episode, step, ...); "
                "remove it"
            )


def _place(demos: Demos, row: int) -> tuple[int, int]:
    """The episode of a row, and the step in it."""
    k = int(np.searchsorted(demos.starts, row, side="right")) - 1
    return k, row - int(demos.starts[k])


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
        demos: the data set.
        spec: the task's.
        rewards: whether the method learns from rewards.
        success: whether the method needs demonstrations that reach the goal.

    Returns:
        One line for each warning; empty where there is none.

    Raises:
        UserError: the data set lacks what the method needs.
    """
    steps, task = demos.rows, demos.header.task
    real = np.asarray(steps.weight) > 0
    if success and not np.any(steps.success[real]):
        raise UserError(
            f"no step of the data set of {task} reaches the goal: use demonstrations that do, or "
            "a method that does not need it, such as bc"
        )
    lines = [*demos.warnings, *(_reward_warnings(demos, spec) if rewards else [])]
    lines += _episode_warnings(demos, spec)
    return lines


def constant_warnings(demos: Demos, spec: Spec) -> list[str]:
    """Warns of components of the observation and of the action that never change in a data set.

    Tasks of the package have some by design, such as the height of goals on a table, and scripted
    experts leave out what a task does not need, such as the gripper. So this is for data of unknown
    origin.

    Args:
        demos: the data set.
        spec: the task's.

    Returns:
        One line for observations and one for actions, where there are such components.
    """
    rows, task = demos.rows, demos.header.task
    real = np.asarray(rows.weight) > 0
    lines = []
    if spec.image is None:  # most pixels of a still scene never change
        constant = _constant(np.asarray(rows.obs), real)
        if len(constant):
            names = [k for k, s in spec.fields.items() if np.isin(np.r_[s], constant).any()]
            lines.append(
                f"observation components {first_places(constant)} of {task} "
                f"({', '.join(names)}) never change in the data: a policy cannot learn what they "
                "mean"
            )
    if not spec.discrete and demos.has_actions:
        constant = _constant(np.asarray(rows.intended_action), real)
        if len(constant):
            lines.append(
                f"action components {first_places(constant)} of {task} never change in the data: "
                "a policy learns that one value; check that the data hold the executed actions"
            )
    return lines


def _constant(values: np.ndarray, real: np.ndarray) -> np.ndarray:
    """The components of values [N, D] that are the same in all rows that are real [N]."""
    return np.flatnonzero((values == values[np.argmax(real)]).all(axis=0, where=real[:, None]))


def check_goals(demos: Demos, spec: Spec) -> None:
    """Checks that later states of episodes can serve as goals.

    Args:
        demos: the data set.
        spec: of a task with goals.

    Raises:
        UserError: every episode has one step, or what is achieved never changes.
    """
    assert spec.goal is not None
    task, rows = demos.header.task, demos.rows
    if demos.lengths.max() < 2:
        raise UserError(
            f"every episode of the data set of {task} has 1 step, so there is no later state to "
            "take goals from: give whole episodes, or use bc with relabel=0"
        )
    real = np.asarray(rows.weight) > 0
    achieved = np.asarray(rows.next_obs)[real][:, spec.fields[spec.goal.achieved]]
    if (achieved == achieved[0]).all():
        raise UserError(
            f"the achieved goal ({spec.goal.achieved!r}) of the data set of {task} is "
            f"{np.round(achieved[0], 4).tolist()} in every step: record what each step achieved, "
            "or use bc with relabel=0"
        )


def first_places(places: np.ndarray) -> str:
    """Lists the first five of some numbers, and how many more there are."""
    rest = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return ", ".join(map(str, places[:5])) + rest


def goes_on(demos: Demos, spec: Spec) -> np.ndarray:
    """Finds episodes that go on after a state in which the task has failed.

    Args:
        demos: the data set, K episodes.
        spec: the task's.

    Returns:
        [K] the first step that leads to such a state and is not the last one; -1 where none does.
    """
    first = np.full(len(demos), -1)
    if spec.failed is None:
        return first
    failed = np.asarray(spec.failed(demos.rows.next_obs)) & (np.asarray(demos.rows.weight) > 0)
    failed[_last_rows(demos)] = False
    rows = np.flatnonzero(failed)
    episode = np.searchsorted(demos.starts, rows, side="right") - 1
    found, at = np.unique(episode, return_index=True)
    first[found] = (rows - demos.starts[episode])[at]
    return first


def _last_rows(demos: Demos) -> np.ndarray:
    """[K] the last row of each episode."""
    return demos.starts + demos.lengths - 1


def _episode_warnings(demos: Demos, spec: Spec) -> list[str]:
    """Warnings about whole episodes."""
    task, lines = demos.header.task, []
    episodes = (demos.episode(k) for k in range(len(demos)))
    pairs = duplicates(
        [np.asarray(x) for x in jax.tree.leaves((e.obs, e.action))] for e in episodes
    )
    if pairs:
        lines.append(
            f"{len(pairs)} of {len(demos)} episodes of {task} repeat an earlier one, such as "
            f"{pairs[0][1]} and {pairs[0][0]}: they count twice, also in a split for validation"
        )
    if spec.failed is not None:
        last = _last_rows(demos)
        failed = np.asarray(spec.failed(np.asarray(demos.rows.next_obs)[last]))
        unmarked = int(np.sum(failed & ~np.asarray(demos.rows.terminated)[last]))
        if unmarked:
            lines.append(
                f"{unmarked} of {len(demos)} episodes of {task} stop in a state in which it has "
                "failed, and are not marked as terminated: values will not count it as an end"
            )
    return lines


def _reward_warnings(demos: Demos, spec: Spec) -> list[str]:
    """Warnings for a method that learns from rewards."""
    steps, task = demos.rows, demos.header.task
    real, lines = np.asarray(steps.weight) > 0, []
    reward = np.asarray(steps.reward)[real]
    if not np.any(reward):
        raise UserError(
            f"the data set of {task} has no rewards (all are 0): use a method that clones "
            "actions, such as bc, or data with rewards"
        )
    if np.ptp(reward) == 0:
        lines.append(
            f"every reward of {task} is {reward[0]:g}: returns do not tell good episodes from bad"
        )
    length = demos.by_episode(np.count_nonzero, real)
    if demos.by_episode(np.any, steps.terminated).all() and (length == spec.horizon).all():
        lines.append(
            f"every episode of {task} is marked as terminated after {spec.horizon} steps, "
            "which is the time limit: mark them as truncated, or values will count the limit "
            "as an end"
        )
    return lines
