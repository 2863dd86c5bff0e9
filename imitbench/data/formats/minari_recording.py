"""Reads any Minari data set, of any environment, as a recording."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.data.formats import minari_metadata
from imitbench.data.formats.hdf5 import read_array, reading
from imitbench.data.recordings.recording import FLAT, Episode, Recording, check_recording
from imitbench.utils.errors import UserError

SUCCESS = ("success", "is_success")  # names of infos that say whether the goal is reached
MAX_DEPTH = 4  # of dictionaries in dictionaries


def read(folder: Path) -> Recording:
    """Reads a Minari data set.

    Args:
        folder: the data set's folder, ROOT/ID.

    Returns:
        The recording; dictionaries of observations by their names, nested ones with `/`. The action
        bounds are those of the action space, the environment is that of `env_spec`.

    Raises:
        UserError: h5py is missing, or the folder is no Minari data set or is damaged.
    """
    place, metadata = minari_metadata.read_metadata(folder)
    low, high = minari_metadata.action_bounds(metadata)
    with reading(place / minari_metadata.ARRAYS, "make it again") as file:
        episodes = [
            _episode(file[name], f"{folder}: {name}")
            for name in minari_metadata.episode_names(file, metadata["total_episodes"], folder)
        ]
    version = str(metadata.get("minari_version", "of unknown version"))[:20]
    return check_recording(
        Recording(
            format=f"minari {version}",
            path=folder,
            episodes=episodes,
            action_low=low,
            action_high=high,
            env_id=env_id(metadata),
            demonstrator=str(metadata.get("algorithm_name") or "unknown")[:200],
        )
    )


def _episode(group: Any, where: str) -> Episode:
    def array(name: str) -> np.ndarray | None:
        return _read(group[name], f"{where}: {name}") if name in group else None

    if "observations" not in group or "actions" not in group:
        raise UserError(f"{where} has no observations or no actions: export it again")
    actions = _read(group["actions"], f"{where}: actions")
    n = len(actions)
    observations = group["observations"]
    if hasattr(observations, "shape"):
        named = {FLAT: _read(observations, f"{where}: observations")}
    else:
        named = dict(_leaves(observations, f"{where}: observations", ""))
    found = [f"infos/{name}" for name in SUCCESS if f"infos/{name}" in group]
    success = array(found[0]) if found else None
    ends = [array(name) for name in ("terminations", "truncations")]
    return Episode(
        observations=named,
        actions=actions,
        rewards=array("rewards"),
        terminated=None if ends[0] is None else ends[0].astype(bool),
        truncated=None if ends[1] is None else ends[1].astype(bool),
        # Infos begin with an entry for the reset.
        success=None if success is None else success.reshape(len(success), -1)[-n:, 0] > 0,
    )


def _leaves(group: Any, where: str, prefix: str, depth: int = 0) -> list[tuple[str, np.ndarray]]:
    if depth > MAX_DEPTH:
        raise UserError(f"{where}: dictionaries of observations are nested more than {MAX_DEPTH}x")
    found = []
    for name in group:
        value = group[name]
        if hasattr(value, "shape"):
            found.append((prefix + name, _read(value, f"{where}/{name}")))
        else:
            found += _leaves(value, f"{where}/{name}", f"{prefix}{name}/", depth + 1)
    return found


def _read(array: Any, where: str) -> np.ndarray:
    if not hasattr(array, "shape"):
        raise UserError(f"{where} is a group, expected an array: other spaces than boxes, "
                        "dictionaries of boxes and choices are not supported")  # fmt: skip
    if not array.shape:
        raise UserError(f"{where} has shape (), expected (steps, ...)")
    return read_array(array, where)


def env_id(metadata: Mapping[str, Any]) -> str | None:
    """Returns the id of the Gymnasium environment of a data set; None where it names none.

    Args:
        metadata: the data set's.
    """
    try:
        spec = metadata["env_spec"]
        name = (json.loads(spec) if isinstance(spec, str) else spec)["id"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return name[:200] if isinstance(name, str) else None
