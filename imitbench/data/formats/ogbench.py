"""Files of OGBench (npz), read as recordings.

`observations` [N, O], `actions` [N, A] and `terminals` [N] hold many trajectories, one after the
other. `terminals` is 1 at the last row of each, which is no end of the task. There are three
layouts of a trajectory with the steps (s0, a0, s1), (s1, a1, s2):

* the published files: rows s0, s1, s2 with terminals 0, 0, 1. The last row is the last observation
  alone; its action is never carried out. A trajectory of one row has no step and is left out.
* compact, as OGBench's `load_dataset` returns it: the same rows with terminals 0, 1, 1, and
  `valids` 1, 1, 0.
* regular: rows s0, s1 with terminals 0, 1, and `next_observations`.

`rewards` and `masks` are of the row's step. They are added by OGBench for single tasks, whose
trajectories go on where the task is solved: there `masks` is 0 where the observation of a row
solves it, so success is a mask of 0 in the row after a step (in the regular layout the last step
takes its own row's). Where masks are 0 in rows of the last steps alone, they say that the task
ended there, and success is not known.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from imitbench.data.recordings.recording import (
    FLAT,
    Episode,
    Recording,
    are_choices,
    check_recording,
)
from imitbench.utils.errors import UserError
from imitbench.utils.npz import Arrays, read_arrays

ARRAYS = ("observations", "actions", "terminals")
OPTIONAL = ("valids", "next_observations", "rewards", "masks")
HEADER = "header"  # in the files of imitbench alone


def is_ogbench(path: Path) -> bool:
    """Says whether a file is an npz file with the arrays of OGBench.

    Args:
        path: the file; one that does not exist is none.

    Returns:
        True if it is. Files of imitbench itself, which have a header, are none.
    """
    try:
        with zipfile.ZipFile(path) as file:
            names = {name.removesuffix(".npy") for name in file.namelist()}
    except Exception:  # what is no zip file, or a damaged one, raises many types
        return False
    return names.issuperset(ARRAYS) and HEADER not in names


def read(path: Path) -> Recording:
    """Reads a file of OGBench.

    Args:
        path: the file.

    Returns:
        The recording, each trajectory cut off at its end; arrays of the simulator's state are left
        out. In the published and the compact layout, observations have one row more than actions.

    Raises:
        UserError: the file cannot be read, is no file of OGBench, or its trajectories have no end.
    """
    arrays = read_arrays(path, "data set of OGBench")
    _check_shapes(arrays, path)
    ends = arrays["terminals"] != 0
    if "valids" in arrays:
        ends = arrays["valids"] == 0
    if not ends[-1]:
        raise UserError(
            f"{path}: the last row is no end of a trajectory: expected 1 in 'terminals', or 0 in "
            "'valids' where there are some; download it again"
        )
    after = None if "valids" in arrays else arrays.get("next_observations")
    extra = 1 if after is None else 0  # rows after the last step
    if after is not None:
        _check_successors(arrays["observations"], after, ends, path)
    stops = np.flatnonzero(ends) + 1 - extra
    starts = np.append(0, np.flatnonzero(ends)[:-1] + 1)
    real = stops > starts
    parts = [slice(int(a), int(b)) for a, b in zip(starts[real], stops[real], strict=True)]
    if not parts:
        raise UserError(f"{path} has no steps: each trajectory has one row, expected 2 or more")
    terminated, success = _outcomes(arrays.get("masks"), stops[real] - 1, ends)
    return check_recording(
        Recording(
            "ogbench",
            path,
            [
                Episode(
                    observations={FLAT: arrays["observations"][part.start : part.stop + extra]},
                    actions=arrays["actions"][part],
                    next_observations=None if after is None else {FLAT: after[part]},
                    rewards=arrays["rewards"][part] if "rewards" in arrays else None,
                    terminated=None if terminated is None else terminated[part],
                    truncated=_cut(part, terminated),
                    success=None if success is None else success[part],
                )
                for part in parts
            ],
        )
    )


def _check_shapes(arrays: Arrays, path: Path) -> None:
    """Checks that the arrays of OGBench are there and have as many rows as `observations`."""
    for name in ARRAYS:
        if name not in arrays:
            raise UserError(f"{path} is no file of OGBench: it has no {name!r}")
    obs, actions = arrays["observations"], arrays["actions"]
    if obs.ndim != 2 or not len(obs):
        raise UserError(
            f"{path}: 'observations' has shape {obs.shape}, expected (rows, size): "
            "images are not supported"
        )
    discrete = are_choices(actions)
    shapes = {name: obs.shape[:1] for name in ("terminals", *OPTIONAL)}
    shapes |= {"next_observations": obs.shape}
    shapes["actions"] = obs.shape[:1] if discrete else (len(obs), *actions.shape[1:2])
    for name, expected in shapes.items():
        if name in arrays and arrays[name].shape != expected:
            raise UserError(f"{path}: {name!r} has shape {arrays[name].shape}, expected {expected}")
    if not discrete and actions.ndim != 2:
        raise UserError(
            f"{path}: 'actions' has shape {actions.shape} of {actions.dtype}, expected "
            f"({len(obs)}, size), or ({len(obs)},) integers"
        )


def _check_successors(obs: np.ndarray, after: np.ndarray, ends: np.ndarray, path: Path) -> None:
    """Checks that the successor of each step but a trajectory's last is in the next row."""
    broken = np.flatnonzero((after[:-1] != obs[1:]).any(axis=1) & ~ends[:-1])
    if len(broken):
        k = int(broken[0])
        raise UserError(
            f"{path}: 'next_observations' of row {k} differ from 'observations' of row {k + 1}, but"
            f" 'terminals' of row {k} is 0: expected 1 at the last row of each trajectory, also "
            "where a time limit ends it"
        )


def _outcomes(
    masks: np.ndarray | None, last: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """For each row [N], whether the task ended and whether it is solved; None: not known.

    Args:
        masks: [N]; None: there are none.
        last: the rows of the last step of each trajectory.
        ends: [N], whether a row is the last of its trajectory.
    """
    if masks is None:
        return None, None
    zero = masks == 0
    elsewhere = zero.copy()
    elsewhere[last] = False
    if not elsewhere.any():
        return zero, None
    return None, np.where(ends, zero, np.append(zero[1:], False))


def _cut(part: slice, terminated: np.ndarray | None) -> np.ndarray:
    """[n]: a trajectory is cut off after its last step, unless the task ended there."""
    truncated = np.zeros(part.stop - part.start, bool)
    truncated[-1] = terminated is None or not terminated[part.stop - 1]
    return truncated
