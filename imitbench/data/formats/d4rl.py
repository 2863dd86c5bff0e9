"""HDF5 files of D4RL, read as recordings.

A file holds N steps of many episodes, one after the other: `observations` [N, O], `actions` [N, A]
where they are known, `rewards`, `terminals` and mostly `timeouts` [N]. An episode ends where either
of the last two is set, as in D4RL's own `sequence_dataset`: terminals are ends of the task,
timeouts are cuts. In AntMaze terminals mark each step near the goal, so steps there can be episodes
of one step; in Maze2D timeouts mark goals that were reached, between which the agent is not moved.

Without `timeouts`, an episode is cut where the next row does not begin with the successor in
`next_observations`; without these too, its ends are not known. Steps after the last end are an
episode without an end. The goal of each step, `infos/goal`, is an observation of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from imitbench.data.formats.hdf5 import array, opened
from imitbench.data.recordings.recording import (
    FLAT,
    Episode,
    Recording,
    are_choices,
    check_recording,
    no_actions,
)
from imitbench.utils.errors import UserError

ARRAYS = ("observations", "rewards", "terminals")
GOAL = "desired_goal"  # the name of the observation from `infos/goal`


def is_d4rl(file: Any) -> bool:
    """Returns whether an open HDF5 file has the arrays of D4RL.

    Args:
        file: of type `h5py.File`.
    """
    return all(k in file and hasattr(file[k], "shape") for k in ARRAYS)


def read(path: Path) -> Recording:
    """Reads a file of D4RL.

    Args:
        path: the file.

    Returns:
        The recording; the observations are `observation` and, where there are goals,
        `desired_goal`. Bounds, environment and success are not known.

    Raises:
        UserError: h5py is missing, or the file is damaged, is no file of D4RL, or does not say
            where its episodes end.
    """
    where = str(path)
    with opened(path) as file:
        obs = {FLAT: array(file, "observations", where, axes=2)}
        n = len(obs[FLAT])
        if n < 1:
            raise UserError(f"{path}: 'observations' has no rows, expected 1 or more")
        actions = array(file, "actions", where, n) if "actions" in file else no_actions(n)
        if actions.ndim != 2 and not are_choices(actions):
            raise UserError(
                f"{path}: 'actions' has shape {actions.shape} of {actions.dtype}, expected "
                f"({n}, size), or ({n},) integers"
            )
        rewards = array(file, "rewards", where, n, axes=1)
        terminated = array(file, "terminals", where, n, axes=1) != 0
        after = None
        if "next_observations" in file:
            after = {FLAT: array(file, "next_observations", where, n, axes=2)}
            if after[FLAT].shape != obs[FLAT].shape:
                raise UserError(
                    f"{path}: 'next_observations' has shape {after[FLAT].shape}, expected that of "
                    f"'observations', {obs[FLAT].shape}"
                )
        if "infos/goal" in file:
            obs[GOAL] = array(file, "infos/goal", where, n, axes=2)
            if after is not None:
                after[GOAL] = obs[GOAL]  # a step has one goal
        if "timeouts" in file:
            truncated = array(file, "timeouts", where, n, axes=1) != 0
        elif after is not None:
            moved = (obs[FLAT][1:] != after[FLAT][:-1]).any(axis=1)
            truncated = np.append(moved, False) & ~terminated
        else:
            raise UserError(
                f"{path} has neither 'timeouts' nor 'next_observations', so the ends of its "
                "episodes by a time limit are not known: add 'timeouts', 1 at the last step of each"
            )
    stops = np.flatnonzero(terminated | truncated) + 1
    if not len(stops) or stops[-1] < n:
        stops = np.append(stops, n)
    parts = [slice(int(a), int(b)) for a, b in zip([0, *stops[:-1]], stops, strict=True)]
    episodes = [
        Episode(
            observations={k: x[part] for k, x in obs.items()},
            actions=actions[part],
            next_observations=None if after is None else {k: x[part] for k, x in after.items()},
            rewards=rewards[part],
            terminated=terminated[part],
            truncated=truncated[part],
        )
        for part in parts
    ]
    return check_recording(Recording("d4rl", path, episodes))
