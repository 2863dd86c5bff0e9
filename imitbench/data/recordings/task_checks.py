"""Checks that a recording is of a task, as far as its contents show it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import numpy as np

from imitbench.core.types import GoalSpec, Spec, Transition
from imitbench.data.recordings.inspection import ends_of
from imitbench.data.recordings.recording import Recording
from imitbench.data.rows import Demos
from imitbench.data.validate import first_places, goes_on
from imitbench.envs.registry import TASKS
from imitbench.experts import learned
from imitbench.utils.errors import UserError

REWARD_TOLERANCE = 1e-3
MAX_WRONG = 0.1  # share of rewards or episodes that may differ: versions do, at their thresholds


class OtherTaskError(UserError):
    """A data set is of another task of imitbench than the one it is used for."""

    def __init__(self, text: str, task: str) -> None:
        super().__init__(text)
        self.task = task
        """The task of the data set."""


def environment_warnings(path: Path, env_id: str | None, task: str) -> list[str]:
    """Compares the environment that a data set names with a task.

    Args:
        path: the data set, for messages.
        env_id: the name of its environment or task; None where it names none.
        task: the task that it is used for.

    Returns:
        A warning where it is another version of the task's environment.

    Raises:
        OtherTaskError: it is another task of imitbench.
    """
    version = (env_id or "").rpartition("/")[2]
    name = re.sub(r"-v\d+$", "", version)
    if name not in TASKS or task not in TASKS:
        return []
    if learned.base_task(name) != learned.base_task(task):
        raise OtherTaskError(f"{path} is of {env_id}, not of {task}: give its own task", name)
    expected = TASKS[task].gymnasium_id
    if version in (name, expected):
        return []
    return [
        f"{path} is of {version}, {task} has the semantics of {expected}: rewards and "
        "physics of other versions can differ"
    ]


def end_warnings(recording: Recording) -> list[str]:
    """Returns a warning where episodes do not say how they ended, and are taken as cut.

    Args:
        recording: the recording.
    """
    terminated, truncated = ends_of(recording)
    unknown = np.flatnonzero(~(terminated | truncated))
    if not len(unknown):
        return []
    return [
        f"{recording.path}: {len(unknown)} of {len(recording.episodes)} episodes (episode "
        f"{first_places(unknown)}) are neither terminated nor truncated at their last step: they "
        "are taken as cut by a time limit"
    ]


def check_failures(demos: Demos, spec: Spec, path: Path) -> None:
    """Checks that episodes do not go on after states in which the task has failed.

    Args:
        demos: the data set.
        spec: the task's.
        path: where it is from.

    Raises:
        UserError: more than a tenth of its episodes do.
    """
    task = demos.header.task
    first = goes_on(demos, spec)
    wrong = np.flatnonzero(first >= 0)
    if len(wrong) > MAX_WRONG * len(first):
        fixed = f"{learned.base_task(task)}-fh"
        hint = f", or {fixed}, which does not end there" if fixed in TASKS else ""
        raise UserError(
            f"{path}: {len(wrong)} of {len(first)} episodes go on after a state in which "
            f"{task} ends (episode {wrong[0]}, step {first[wrong[0]] + 1}): this is another task's "
            f"data set; give its own task{hint}"
        )


def check_rewards(steps: Transition, spec: Spec, goal: GoalSpec, path: Path) -> None:
    """Checks that the rewards of a goal task are those of its own function.

    Args:
        steps: rows [N, ...].
        spec: the task's.
        goal: its goal.
        path: where they are from.

    Raises:
        UserError: more than a tenth of the rewards differ.
    """
    expected = own_rewards(steps.next_obs, spec, goal)
    wrong = np.abs(steps.reward - expected) > REWARD_TOLERANCE
    if wrong.mean() > MAX_WRONG:
        raise UserError(
            f"{path}: {wrong.mean():.0%} of the rewards differ from the task's own for "
            "the same achieved and desired goals (dense rewards, or another task): leave them out, "
            "or use another task"
        )


def own_rewards(next_obs: Any, spec: Spec, goal: GoalSpec) -> np.ndarray:
    """Returns the rewards [...] of a goal task after steps to observations.

    Args:
        next_obs: [..., O].
        spec: the task's.
        goal: its goal.
    """
    parts = (next_obs[..., spec.fields[f]] for f in (goal.achieved, goal.desired))
    return np.asarray(jax.device_get(goal.reward(*parts)))  # type: ignore[arg-type]
