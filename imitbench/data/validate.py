"""What is wrong, or looks wrong, with a data set for a method that learns from it."""

from __future__ import annotations

import numpy as np

from imitbench.core.types import Spec
from imitbench.data.demonstrations import Demos
from imitbench.utils.errors import UserError


def warnings(demos: Demos, spec: Spec, *, rewards: bool, success: bool = False) -> list[str]:
    """One line for each thing that a user should know before trusting what is learned from it.

    Args:
        rewards: the method learns from rewards too.
        success: it needs episodes that reach the goal.

    Raises:
        UserError: the data set has none of what the method needs.
    """
    steps, task = demos.steps, demos.header.task
    real = steps.weight > 0
    found = []
    if success and not np.any(steps.success[real]):
        raise UserError(
            f"no step of the data set of {task} reaches the goal: give demonstrations that do, or "
            "take a method that does not need it, such as bc"
        )
    if rewards:
        if not np.any(steps.reward[real]):
            raise UserError(
                f"the data set of {task} has no rewards (all are 0): take a method that clones "
                "actions, such as bc, or data with rewards"
            )
        if np.ptp(steps.reward[real]) == 0:
            found.append(
                f"every reward of {task} is {steps.reward[real][0]:g}: returns say nothing"
            )
        length = real.sum(axis=1)
        if steps.terminated.any(axis=1).all() and (length == spec.horizon).all():
            found.append(
                f"every episode of {task} is marked as terminated after {spec.horizon} steps, "
                "which is the time limit: mark them as truncated, or values will count the limit "
                "as an end"
            )
    still = np.flatnonzero(np.ptp(steps.obs[real], axis=0) == 0)
    if len(still):
        names = [k for k, s in spec.fields.items() if np.isin(np.r_[s], still).any()]
        found.append(
            f"observation components {', '.join(map(str, still))} of {task} "
            f"({', '.join(names)}) never change in the data: a policy cannot know what they mean"
        )
    return found
