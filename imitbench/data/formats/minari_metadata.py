"""The metadata of a Minari data set; see `minari` for the layout of a data set."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.core.types import Spec
from imitbench.data.formats import minari_episodes
from imitbench.data.formats.hdf5 import library
from imitbench.data.header import Header
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import check_fields, read_json

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
        "action_space": json.dumps(minari_episodes.action_space(spec)),
        "algorithm_name": header.expert,
        "description": f"Demonstrations of {header.task}, collected by imitbench.",
        "imitbench": dataclasses.asdict(header),
    }


def reference_scores(low: float | None, high: float | None) -> dict[str, Any]:
    """Builds the metadata for `minari.get_normalized_score`.

    Args:
        low: mean return of a random policy.
        high: mean return of an expert.

    Returns:
        Both as metadata; empty where both are None.

    Raises:
        UserError: one of them is missing, or `low` is not below `high`.
    """
    if low is None and high is None:
        return {}
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
            "convert it"
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
