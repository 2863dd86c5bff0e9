"""The metadata of a Minari data set; see `minari` for the layout of a data set."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from imitbench.core.types import Spec
from imitbench.data.formats import minari_episodes
from imitbench.data.header import Header
from imitbench.utils.errors import UserError

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
