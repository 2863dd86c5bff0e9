"""The metadata of a Minari data set; see `minari` for the layout of a data set."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.core.types import Spec
from imitbench.data.formats import minari_episodes
from imitbench.data.formats.hdf5 import library
from imitbench.data.header import Header
from imitbench.envs.registry import TASKS, action_scale
from imitbench.experts import reference_scores as reference
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import check_fields, read_json
from imitbench.utils.machine import import_optional

ARRAYS = "main_data.hdf5"
METADATA = "metadata.json"
VERSION = "0.5.0"  # the oldest Minari with this layout; newer ones refuse a version they don't know


def describe(header: Header, spec: Spec, dataset_id: str, lengths: np.ndarray) -> dict[str, Any]:
    """Builds the metadata of a data set, without its checksum and its size.

    Args:
        header: the data set's header.
        spec: the task's.
        dataset_id: the data set's id.
        lengths: [K] steps of each episode.

    Returns:
        Metadata as JSON data; the header is under `imitbench`.
    """
    return {
        "dataset_id": dataset_id,
        "minari_version": VERSION,
        "data_format": "hdf5",
        "total_episodes": len(lengths),
        "total_steps": int(lengths.sum()),
        "observation_space": json.dumps(minari_episodes.observation_space(spec)),
        "action_space": json.dumps(minari_episodes.action_space(spec, action_scale(header.task))),
        "algorithm_name": header.expert,
        "description": f"Demonstrations of {header.task}, collected by imitbench.",
        "imitbench": dataclasses.asdict(header),
    } | _env_spec(header.task)


def _env_spec(task: str) -> dict[str, Any]:
    """The Gymnasium environment with the semantics of a task, for `recover_environment`."""
    entry = TASKS.get(task)
    if entry is None or not entry.gymnasium_id:
        return {}
    gymnasium = import_optional("gymnasium", "minari")
    if entry.gymnasium_id not in gymnasium.registry:
        gymnasium.register_envs(import_optional("gymnasium_robotics", "minari"))
    spec = copy.deepcopy(gymnasium.spec(entry.gymnasium_id))
    spec.kwargs = spec.kwargs | dict(entry.gymnasium_kwargs)
    return {"env_spec": spec.to_json()}


def stored_scale(metadata: Mapping[str, Any]) -> float:
    """Returns what an action of 1 is in a data set that imitbench wrote.

    Args:
        metadata: the data set's.
    """
    _, high = action_bounds(metadata)
    return 1.0 if high is None else float(high[0])


def action_bounds(
    metadata: Mapping[str, Any],
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Returns the bounds [A] of the action space.

    Args:
        metadata: the data set's.

    Returns:
        Both bounds; None where it is no box, or has no finite bounds.
    """
    try:
        space = json.loads(metadata["action_space"])
        low, high = (np.asarray(space[k], np.float64).reshape(-1) for k in ("low", "high"))
    except (KeyError, TypeError, ValueError, RecursionError):
        return None, None
    if low.shape != high.shape or not (np.isfinite(low) & np.isfinite(high) & (low < high)).all():
        return None, None
    return low, high


def reference_scores(task: str, low: float | None, high: float | None) -> dict[str, Any]:
    """Builds the metadata for `minari.get_normalized_score`.

    Args:
        task: the task's name.
        low: mean return of a random policy.
        high: mean return of an expert.

    Returns:
        Both as metadata; where both are None, those that ship with the package, or nothing where
        the task has none.

    Raises:
        UserError: one of them is missing, or `low` is not below `high`.
    """
    if low is None and high is None:
        if (known := reference.table().get(task)) is None:
            return {}
        low, high = known["random"], known["expert"]
    if low is None or high is None or not low < high:
        raise UserError(
            f"ref_min_score={low}, ref_max_score={high}: expected neither, or two numbers, the "
            "first below the second"
        )
    return {"ref_min_score": low, "ref_max_score": high}


def read_metadata(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Finds the files of a Minari data set, and reads its metadata.

    Args:
        folder: the data set's folder, ROOT/ID, or its folder `data`.

    Returns:
        The folder of the two files, and the metadata; format and number of episodes are checked.

    Raises:
        UserError: h5py is missing, or the folder is no Minari data set in HDF5.
    """
    library()
    place = folder / "data" if (folder / "data").is_dir() else folder
    if not (place / METADATA).is_file():
        raise UserError(f"{folder} is no Minari data set: it has no {METADATA}")
    metadata = read_json(place / METADATA, "Minari's metadata", "export it again")
    kinds = {"data_format": str, "total_episodes": int}
    check_fields(metadata, kinds, f"{place / METADATA} is not Minari's metadata", "export it again")
    if metadata["data_format"] != "hdf5":
        raise UserError(
            f"{folder} is stored as {metadata['data_format']!r}: only 'hdf5' can be read; "
            "write it again with data_format='hdf5'"
        )
    if not (place / ARRAYS).is_file():
        raise UserError(f"{folder} is no Minari data set: it has no {ARRAYS}")
    return place, metadata


def episode_names(file: Any, total: int, folder: Path) -> list[str]:
    """Lists the groups of the episodes in an open HDF5 file.

    Args:
        file: of type `h5py.File`.
        total: the number of episodes that the metadata give.
        folder: the data set's folder, for messages.

    Raises:
        UserError: there are other groups than these episodes.
    """
    if len(file) != total or total < 1:
        raise UserError(
            f"{folder} has {len(file)} episodes and {METADATA} says {total}: expected "
            "the same number, 1 or more; export it again"
        )
    missing = [k for k in range(total) if f"episode_{k}" not in file]
    if missing:
        raise UserError(f"{folder} has no episode {missing[0]}; export it again")
    return [f"episode_{k}" for k in range(total)]
