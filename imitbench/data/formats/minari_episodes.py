"""Spaces and single episodes in the format of Minari; see `minari` for the layout of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from imitbench.core.types import Spec, Transition
from imitbench.data.episodes import check_ends
from imitbench.data.formats.hdf5 import read_array
from imitbench.data.recordings.observations import goal_observations, goal_parts, goal_sizes
from imitbench.utils.errors import UserError

Arrays = dict[str, np.ndarray]


def observation_space(spec: Spec) -> dict[str, Any]:
    """Describes the observation space as Minari writes a Gymnasium space in JSON.

    Args:
        spec: the task's.

    Returns:
        A box [O]; in goal tasks a dictionary of three boxes.
    """
    if spec.goal is None:
        return _box(spec.obs_size, np.inf)
    sizes = goal_sizes(spec, spec.goal)
    return {"type": "Dict", "subspaces": {k: _box(n, np.inf) for k, n in sizes.items()}}


def action_space(spec: Spec, scale: float) -> dict[str, Any]:
    """Describes the action space as Minari writes a Gymnasium space in JSON.

    Args:
        spec: the task's.
        scale: the bound of actions in the original environment.

    Returns:
        A box [A] with these bounds, or a number of choices.
    """
    if spec.discrete:
        return {"type": "Discrete", "dtype": "int64", "start": 0, "n": spec.action_size}
    return _box(spec.action_size, scale, "float32" if scale == 1 else "float64")


def _box(size: int, bound: float, dtype: str = "float32") -> dict[str, Any]:
    bounds = {"low": [-bound] * size, "high": [bound] * size}
    return {"type": "Box", "dtype": dtype, "shape": [size], **bounds}


def to_arrays(steps: Transition, spec: Spec, scale: float) -> Arrays:
    """Converts one episode to the arrays of its group in the HDF5 file.

    Args:
        steps: one episode, leaves [n, ...].
        spec: the task's.
        scale: what an action of 1 is in the original environment.

    Returns:
        Arrays by name, [n, ...] or [n + 1, ...]. Scaled actions are of float64, which keeps every
        bit of the float32 ones.
    """

    def info(x: Any) -> np.ndarray:
        return np.concatenate([np.zeros_like(x[:1]), x])

    obs = np.concatenate([steps.obs, steps.next_obs[-1:]])
    arrays = {
        "actions": _units(steps.action, spec, scale),
        "rewards": np.asarray(steps.reward),
        "terminations": np.asarray(steps.terminated),
        "truncations": np.asarray(steps.truncated),
        "infos/label": info(_units(steps.intended_action, spec, scale)),
        "infos/success": info(steps.success),
    }
    if steps.pose is not None:
        pose = np.asarray(steps.pose)
        arrays["infos/pose"] = np.concatenate([pose, pose[-1:]])
    if spec.goal is None:
        return arrays | {"observations": obs}
    parts = goal_parts(obs, spec, spec.goal)
    return arrays | {f"observations/{name}": x for name, x in parts.items()}


def _units(action: Any, spec: Spec, scale: float) -> np.ndarray:
    """Actions in the units of the original environment."""
    if spec.discrete:
        return np.asarray(action, np.int64)
    return np.asarray(action) if scale == 1 else np.asarray(action, np.float64) * scale


def from_group(group: Any, spec: Spec, scale: float, where: str) -> Transition:
    """Reads one episode that `to_arrays` wrote from its group of an HDF5 file.

    Args:
        group: the group, of type `h5py.Group`.
        spec: the task's, with the time limit T.
        scale: what an action of 1 is in the file.
        where: the data set and the episode, for messages.

    Returns:
        One episode, leaves [n, ...].

    Raises:
        UserError: an array is missing or does not fit the task.
    """
    n = _rows(group, "rewards", where)
    if not 1 <= n <= spec.horizon:
        raise UserError(f"{where} has {n} steps, those of the task have 1 to {spec.horizon}")
    action_shape = () if spec.discrete else (spec.action_size,)
    obs = _observations(group, n + 1, spec, where)
    action = _array(group, "actions", (n, *action_shape), where)
    intended = _array(group, "infos/label", (n + 1, *action_shape), where)[1:]
    ends = {k: _array(group, k, (n,), where).astype(bool) for k in ("terminations", "truncations")}
    check_ends(ends["terminations"] | ends["truncations"], where)
    dtype = np.int32 if spec.discrete else np.float32
    arrays: dict[str, Any] = {
        "obs": obs[:-1],
        "action": (action if scale == 1 else action / scale).astype(dtype),
        "intended_action": (intended if scale == 1 else intended / scale).astype(dtype),
        "reward": _array(group, "rewards", (n,), where).astype(np.float32),
        "next_obs": obs[1:],
        "terminated": ends["terminations"],
        "truncated": ends["truncations"],
        "success": _array(group, "infos/success", (n + 1,), where)[1:] > 0,
        "weight": np.ones(n, np.float32),
    }
    if "infos/pose" in group:
        size = group["infos/pose"].shape[1:2]
        pose = _array(group, "infos/pose", (n + 1, *size), where)[:-1]
        arrays["pose"] = pose.astype(np.float32)
    return Transition(**arrays)


def _observations(group: Any, rows: int, spec: Spec, where: str) -> np.ndarray:
    """Flat observations [rows, O]."""
    if spec.goal is None:
        return _array(group, "observations", (rows, spec.obs_size), where).astype(np.float32)
    parts = {
        k: _array(group, f"observations/{k}", (rows, n), where).astype(np.float32)
        for k, n in goal_sizes(spec, spec.goal).items()
    }
    return goal_observations(parts, spec, spec.goal, where)


def _rows(group: Any, name: str, where: str) -> int:
    """The length of an array; its contents are not read."""
    if name not in group or not hasattr(group[name], "shape"):
        raise UserError(f"{where}: array {name!r} is missing: this is no data set of the task")
    shape = group[name].shape
    if not shape:
        raise UserError(f"{where}: array {name!r} has shape {shape}, expected (steps,)")
    return int(shape[0])


def _array(group: Any, name: str, shape: tuple[int, ...], where: str) -> np.ndarray:
    """One array; its contents are read only if it has this shape."""
    _rows(group, name, where)
    array = group[name]
    if array.shape != shape:
        raise UserError(f"{where}: array {name!r} has shape {array.shape}, expected {shape}")
    return read_array(array, f"{where}: array {name!r}")
