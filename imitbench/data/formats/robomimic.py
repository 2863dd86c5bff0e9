"""HDF5 files of robomimic, read and written as recordings.

The group `data/demo_i` holds an episode of n steps: `actions` [n, A] (they may be missing where the
attribute `num_samples` says n), `rewards` and `dones` [n],
`obs/NAME` and `next_obs/NAME` [n, ...], and `states` of the simulator, which are not read. The
group `mask` holds lists of demonstrations by their filter keys.

What the file does not say stays unknown. `dones` is 1 where the task is solved, at the last step,
or both, and nothing tells which, so it is not read: no step is marked as terminated or truncated.
The reward of a solved task is 1 where rewards are sparse: if all rewards are 0 or 1, and not all 0,
success is a reward of 1. Images are left out. robomimic's converter of D4RL repeats the last
observation as its own successor; such successors are left out too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.data.formats.hdf5 import array, library, opened
from imitbench.data.recordings.recording import (
    Episode,
    Recording,
    check_recording,
    no_actions,
    require_actions,
)
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write

DEMO = re.compile(r"demo_[0-9]{1,9}")
IMAGES = ("_image", "_depth")  # ends of names
GYM = 2  # the type of an environment of Gym in robomimic; 1 is robosuite
CONVERTED = {"flat"}  # the observations of robomimic's converter of D4RL
MAX_NAME = 100  # bytes of a demonstration's name in a filter key


def is_robomimic(file: Any) -> bool:
    """Returns whether an open HDF5 file has groups `data/demo_i`.

    Args:
        file: of type `h5py.File`.
    """
    return bool(_demos(file))


def read(path: Path, filter_key: str | None = None) -> Recording:
    """Reads a file of robomimic.

    Args:
        path: the file.
        filter_key: read the demonstrations of this list alone, such as "train"; None: all.

    Returns:
        The recording, demonstrations by their numbers. The action bounds are -1 and 1, which
        robomimic requires, or unknown where actions lie beyond; the environment is that of
        `env_args`.

    Raises:
        UserError: h5py is missing, the file is damaged or no file of robomimic, has no such list,
            or has no observations but images.
    """
    with opened(path) as file:
        names = _demos(file)
        if not names:
            raise UserError(f"{path} is no file of robomimic: it has no groups data/demo_0, ...")
        if filter_key is not None:
            names = _filtered(file, filter_key, names, path)
        episodes = [_episode(file["data"][k], f"{path}: data/{k}") for k in names]
        env_id = _env_name(file["data"].attrs.get("env_args"), path)
    if all(_repeats_last(e) for e in episodes):
        episodes = [e._replace(next_observations=None) for e in episodes]
    rewards = [e.rewards for e in episodes if e.rewards is not None]
    sparse = len(rewards) == len(episodes) and all(np.isin(r, (0, 1)).all() for r in rewards)
    if sparse and any(r.any() for r in rewards):
        episodes = [e._replace(success=r == 1) for e, r in zip(episodes, rewards, strict=True)]
    found = Recording("robomimic", path, episodes, env_id=env_id)
    if all(e.has_actions and _within_bounds(e.actions) for e in episodes):
        bound = np.ones(episodes[0].actions.shape[1:], np.float32)
        found = found._replace(action_low=-bound, action_high=bound)
    return check_recording(found)


def write(path: Path, recording: Recording, *, env_name: str) -> Path:
    """Writes a recording as a file of robomimic, whole or not at all.

    `next_obs` is written where it is known for all observations and episodes. `dones` is 1 where
    the task is solved and at the last step of each episode. Rewards that are missing are the
    success, where that is known; else they are left out. Nothing else of a recording has a place.

    Args:
        path: the file; it must not exist.
        recording: the recording, with actions in [-1, 1].
        env_name: the environment's name; its type is that of Gym.

    Returns:
        `path` itself.

    Raises:
        UserError: h5py is missing, the file exists or cannot be written, or the recording is
            invalid, has discrete actions or some beyond [-1, 1], or a name with a `/`.
    """
    h5py = library()
    check_recording(recording)
    if path.exists():
        raise UserError(f"{path} exists: remove it, or choose another file")
    for name in recording.episodes[0].observations:
        if "/" in name or name in ("", "."):
            raise UserError(f"observation {name!r}: robomimic has no names with a '/'; rename it")
    require_actions(recording, "robomimic")
    for k, episode in enumerate(recording.episodes):
        if episode.actions.ndim != 2:
            raise UserError(
                f"{recording.path}: actions of episode {k} have shape {episode.actions.shape}, "
                "expected (steps, size): robomimic has no discrete actions"
            )
        if not _within_bounds(episode.actions):
            raise UserError(
                f"{recording.path}: actions of episode {k} lie beyond [-1, 1], which robomimic "
                "requires: divide them by their bounds"
            )
    successors = [e.successors for e in recording.episodes]
    known = all(e.observations.keys() <= e.successors.keys() for e in recording.episodes)
    env_args = {"env_name": env_name, "type": GYM, "env_kwargs": {}}
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        data = file.create_group("data")
        data.attrs["total"] = sum(e.length for e in recording.episodes)
        data.attrs["env_args"] = json.dumps(env_args)
        for k, (episode, after) in enumerate(zip(recording.episodes, successors, strict=True)):
            demo = data.create_group(f"demo_{k}")
            demo.attrs["num_samples"] = episode.length
            for name, x in _to_arrays(episode, after if known else None).items():
                demo.create_dataset(name, data=x)
    return path


def _demos(file: Any) -> list[str]:
    """The names of the demonstrations, by their numbers; groups of other names are left out."""
    return sorted((k for k in _group(file, "data") if DEMO.fullmatch(k)), key=_number)


def _group(parent: Any, name: str) -> Any:
    """A group of the file; an empty one where it is missing or an array."""
    found = parent[name] if name in parent else {}
    return found if hasattr(found, "keys") else {}


def _number(demo: str) -> tuple[int, str]:
    return int(demo.removeprefix("demo_")), demo


def _filtered(file: Any, key: str, demos: list[str], path: Path) -> list[str]:
    """The demonstrations in the list of a filter key, by their numbers."""
    mask = _group(file, "mask")
    if key not in list(mask):
        known = ", ".join(sorted(mask)) or "none"
        raise UserError(f"{path} has no filter key {key!r}: choose one of these: {known}")
    entry, where = mask[key], f"{path}: mask/{key}"
    shape = getattr(entry, "shape", None)
    if not shape or len(shape) > 1 or shape[0] > len(demos):
        raise UserError(f"{where} has shape {shape}, expected 1 to {len(demos)} names")
    if entry.dtype.kind not in "SO" or entry.dtype.itemsize > MAX_NAME:
        raise UserError(f"{where} is of type {entry.dtype}, expected names such as demo_0")
    raw = entry[()]
    names = {x.decode(errors="replace") if isinstance(x, bytes) else str(x) for x in raw}
    for name in sorted(names):
        if not DEMO.fullmatch(name) or name not in demos:
            raise UserError(f"{where} lists {name[:MAX_NAME]!r}, which is not in data/")
    return sorted(names, key=_number)


def _episode(demo: Any, where: str) -> Episode:
    actions = _actions(demo, where)
    n = len(actions)
    if not np.array_equal(demo.attrs.get("num_samples", n), n):
        declared = str(demo.attrs["num_samples"])[:60]
        raise UserError(
            f"{where} has {n} actions, expected num_samples = {declared}: make it again"
        )
    obs = _group(demo, "obs")
    if not len(obs):
        raise UserError(
            f"{where} has no observations: extract them with robomimic's dataset_states_to_obs.py"
        )
    names = [k for k in obs if not k.endswith(IMAGES) and getattr(obs[k], "ndim", 0) < 3]
    if not names:
        raise UserError(
            f"{where} has no observations but {', '.join(obs)}: expected vectors, for images are "
            "not supported; extract vectors from the states"
        )
    after = None
    if "next_obs" in demo:
        after = {k: array(demo["next_obs"], k, f"{where}/next_obs", n) for k in names}
    return Episode(
        observations={k: array(obs, k, f"{where}/obs", n) for k in names},
        actions=actions,
        next_observations=after,
        rewards=array(demo, "rewards", where, n, axes=1) if "rewards" in demo else None,
    )


def _actions(demo: Any, where: str) -> np.ndarray:
    """[n, A]; [n, 0] for a demonstration of observations alone, which declares its steps."""
    declared = demo.attrs.get("num_samples")
    if "actions" in demo or not isinstance(declared, np.integer) or declared < 1:
        return array(demo, "actions", where, axes=2)
    return no_actions(int(declared))


def _env_name(text: Any, path: Path) -> str | None:
    """The name in `env_args`; None where it has none."""
    if text is None:
        return None
    try:
        name = json.loads(text).get("env_name")
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise UserError(
            f"{path}: attribute 'env_args' of data is {str(text)[:60]!r}, expected a JSON object "
            "with 'env_name'; write it again"
        ) from None
    return name[:200] if isinstance(name, str) else None


def _repeats_last(episode: Episode) -> bool:
    obs, after = episode.observations, episode.next_observations
    if after is None or set(obs) != CONVERTED or not episode.length:
        return False
    return all(np.array_equal(obs[k][-1], after[k][-1]) for k in obs)


def _within_bounds(actions: np.ndarray) -> bool:
    return bool((np.abs(actions) <= 1).all())  # False for what is not a number


def _to_arrays(episode: Episode, after: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    """The arrays of a demonstration's group."""
    n, success = episode.length, episode.success
    dones = np.zeros(n, np.int64) if success is None else success.astype(np.int64)
    dones[-1] = 1
    arrays = {"actions": episode.actions, "dones": dones}
    if episode.rewards is not None:
        arrays["rewards"] = episode.rewards
    elif success is not None:
        arrays["rewards"] = success.astype(np.float32)
    for name, x in episode.observations.items():
        arrays[f"obs/{name}"] = x[:n]
        if after is not None:
            arrays[f"next_obs/{name}"] = after[name]
    return arrays
