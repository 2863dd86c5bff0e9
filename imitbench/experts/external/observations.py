"""Observations as a user's expert wants them: flat, or Gymnasium's dictionary of a goal task."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imitbench.core.types import Spec
from imitbench.utils.errors import UserError

KEYS = ("observation", "achieved_goal", "desired_goal")


def as_dict(name: str, spec: Spec) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Builds a function from flat observations to Gymnasium's dictionary of a goal task.

    Args:
        name: the expert's, for messages.
        spec: the task's.

    Returns:
        A function of observations [N, O]: `observation` is the observation without the desired
        goal, `achieved_goal` and `desired_goal` are [N, G].

    Raises:
        UserError: the task has no goals.
    """
    if spec.goal is None:
        raise UserError(
            f"expert {name} wants a dictionary with {', '.join(KEYS)}, but the task has no goals: "
            f"expected a function of arrays [N, {spec.obs_size}]"
        )
    index = {key: columns(spec, key) for key in KEYS}
    return lambda obs: {key: np.ascontiguousarray(obs[:, where]) for key, where in index.items()}


def columns(spec: Spec, key: str) -> np.ndarray:
    """The columns of the flat observation that an entry of the dictionary holds.

    Args:
        spec: of a task with goals.
        key: one of `KEYS`.
    """
    assert spec.goal is not None
    if all(k in spec.fields for k in KEYS):
        return np.arange(spec.obs_size)[spec.fields[key]]
    goals = {"achieved_goal": spec.goal.achieved, "desired_goal": spec.goal.desired}
    if key in goals:
        return np.arange(spec.obs_size)[spec.fields[goals[key]]]
    desired = np.arange(spec.obs_size)[spec.fields[spec.goal.desired]]
    return np.setdiff1d(np.arange(spec.obs_size), desired)
