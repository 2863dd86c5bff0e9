"""Single episodes of a data set: their lengths, their ends, and filling them up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from imitbench.core.types import Transition
from imitbench.utils.errors import UserError


def episode_lengths(steps: Transition) -> np.ndarray:
    """Counts the steps of each episode.

    Args:
        steps: episodes, leaves [K, T, ...].

    Returns:
        [K] steps.

    Raises:
        UserError: an episode has a gap.
    """
    count = np.asarray(steps.weight).sum(axis=1).astype(int)
    real = np.arange(steps.weight.shape[1]) < count[:, None]
    # Other formats keep n + 1 observations: each next_obs must be the obs of the step after it.
    joined = (steps.obs[:, 1:] == steps.next_obs[:, :-1]).all(axis=-1) | ~real[:, 1:]
    whole = np.asarray((steps.weight == real).all(axis=1) & joined.all(axis=1) & (count > 0))
    if not whole.all():
        raise UserError(
            f"episode {np.argmin(whole)} is not whole (weights 1, then 0; each next_obs the obs of "
            "the step after it): only whole episodes can be exported"
        )
    return count


def check_ends(ends: np.ndarray, where: str) -> None:
    """Checks that an episode does not go on after its end.

    Args:
        ends: [n] bool, whether the episode ends with each step.
        where: the file and the episode, for the message.

    Raises:
        UserError: it does.
    """
    early = np.flatnonzero(ends[:-1])
    if len(early):
        raise UserError(
            f"{where} goes on for {len(ends)} steps, but ends at step {early[0] + 1}: cut it"
        )


def fill_up(arrays: Mapping[str, Any], horizon: int) -> Transition:
    """Fills an episode up to the time limit, as `rollout.episodes` does.

    Args:
        arrays: the fields of a `Transition`, [n, ...].
        horizon: T, at least n.

    Returns:
        Leaves [T, ...]; steps after the end have the last state, and 0 in all other fields.
    """
    n = len(arrays["weight"])
    padded: dict[str, Any] = {
        name: np.pad(x, [(0, horizon - n)] + [(0, 0)] * (x.ndim - 1)) for name, x in arrays.items()
    }
    for name in ("obs", "next_obs"):
        padded[name][n:] = arrays["next_obs"][-1]
    return Transition(**padded)
