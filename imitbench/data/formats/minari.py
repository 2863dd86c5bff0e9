"""Minari data sets: writing them, and reading those of imitbench and of others.

On disk (Minari 0.5, HDF5), ROOT/ID/data holds metadata.json and main_data.hdf5. The latter has a
group `episode_0`, `episode_1`, ... for each episode of n steps, with `observations` [n + 1],
`actions`, `rewards`, `terminations` and `truncations` [n]. `minari.load_dataset(ID)` opens it where
MINARI_DATASETS_PATH is ROOT (`pip install 'minari[hdf5]' pillow`).

In goal tasks Minari's observation is a dictionary of `observation`, `achieved_goal` and
`desired_goal`. The flat observation of imitbench is [observation, desired_goal], and the achieved
goal is a field of it. Actions are those of the original environment (the Humanoid's lie within
0.4), which `env_spec` describes where the task has one; `ref_min_score` and `ref_max_score` are the
reference scores that ship with the package. Minari has no place for some arrays; they are stored as
infos [n + 1]: `infos/label` (the intended action) and `infos/success` begin with an entry for the
reset (0 here), as all infos of Minari do. `infos/pose` has an entry for each observation; the pose
of the last observation is not known, so its entry repeats the one before. The metadata hold the
header of imitbench under `imitbench`, and a checksum of header and steps. In data sets without
them, the intended action is the executed one, and success is `infos/is_success`, or in a goal task
a goal reward of 0 or more.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imitbench import envs
from imitbench.core.types import Spec
from imitbench.data.episodes import check_whole
from imitbench.data.formats import minari_episodes, minari_metadata, minari_recording
from imitbench.data.formats.hdf5 import library, reading
from imitbench.data.formats.minari_metadata import (
    ARRAYS,
    METADATA,
    episode_names,
    read_metadata,
)
from imitbench.data.header import Header
from imitbench.data.recordings.conversion import to_demos
from imitbench.data.rows import STATES, Demos, fill_array, join, step_arrays
from imitbench.data.validate import check_steps
from imitbench.utils import npz
from imitbench.utils.errors import UserError
from imitbench.utils.files import writable_folder, write_errors
from imitbench.utils.json_schema import build_dataclass

CHECKSUM = "imitbench_sha256"  # name in the metadata, for header and steps as `load` returns them
ID = re.compile(r"([-\w]+/)*[-\w]+-v\d+")


def default_id(header: Header) -> str:
    """Returns the default id of a data set, imitbench/TASK/GRADE-EPISODES-SEED-v0."""
    return f"imitbench/{header.task}/{header.grade}-{header.episodes}-{header.seed}-v0"


def save(
    root: Path,
    demos: Demos,
    spec: Spec,
    *,
    dataset_id: str | None = None,
    ref_min_score: float | None = None,
    ref_max_score: float | None = None,
) -> Path:
    """Writes demonstrations as a Minari data set.

    Args:
        root: folder of data sets; it is made if need be.
        demos: the data set.
        spec: the task's.
        dataset_id: `(NAMESPACE/)NAME-vN`; None: `default_id`.
        ref_min_score: mean return of a random policy, for `minari.get_normalized_score`; by
            default those of the task that ship with the package, where there are some.
        ref_max_score: mean return of an expert.

    Returns:
        The data set's folder, ROOT/ID. It is written whole or not at all.

    Raises:
        UserError: h5py is missing, the folder exists or cannot be written, the id or the scores
            are invalid, or the steps are no whole episodes of the task.
    """
    h5py = library()
    dataset_id = dataset_id or default_id(demos.header)
    if not ID.fullmatch(dataset_id):
        raise UserError(f"dataset_id={dataset_id!r}: expected (NAMESPACE/)NAME-vN, such as a/b-v0")
    folder = root / dataset_id
    if folder.exists():
        raise UserError(f"{folder} exists: remove it, or choose another folder or id")
    if not demos.has_actions:
        raise UserError(
            "the data set has no actions, which minari needs: write npz, which does not"
        )
    task = demos.header.task
    scores = minari_metadata.reference_scores(task, ref_min_score, ref_max_score)
    check_steps(demos, spec, f"demonstrations of {task}")
    check_whole(demos)
    metadata = minari_metadata.describe(demos.header, spec, dataset_id, demos.lengths) | scores
    scale = minari_metadata.stored_scale(metadata)
    writable_folder(folder.parent)
    with (
        write_errors(folder),
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as temporary,
    ):
        place = Path(temporary) / "whole" / "data"
        place.mkdir(parents=True)
        with h5py.File(place / ARRAYS, "w") as file:
            for k, n in enumerate(demos.lengths):
                group = file.create_group(f"episode_{k}")
                group.attrs["id"], group.attrs["total_steps"] = k, int(n)
                arrays = minari_episodes.to_arrays(demos.episode(k), spec, scale)
                for name, x in arrays.items():
                    # HDF5 checks this checksum of the bytes when they are read.
                    group.create_dataset(name, data=x, chunks=x.shape, fletcher32=True)
        # Damage to other bytes than those of arrays can leave zeros in their place, hence a second
        # checksum of what a reader gets.
        stored = _read_episodes(place / ARRAYS, len(demos), spec, scale, folder, demos.header)
        metadata[CHECKSUM] = _checksum(stored, metadata["imitbench"], spec)
        metadata["dataset_size"] = round((place / ARRAYS).stat().st_size / 1e6, 1)  # MB
        (place / METADATA).write_text(json.dumps(metadata, indent=1), encoding="utf-8")
        os.rename(place.parent, folder)
    return folder


def folder_of(dataset: Any) -> Path | None:
    """Returns the folder of a `minari.MinariDataset`; None for anything else.

    Args:
        dataset: any object.
    """
    path = getattr(getattr(dataset, "storage", None), "data_path", None)
    return None if path is None else Path(path)


def chosen_episodes(dataset: Any) -> list[int] | None:
    """Returns the episodes that a `minari.MinariDataset` was filtered to; None for anything else.

    Args:
        dataset: any object.
    """
    chosen = getattr(dataset, "episode_indices", None)
    return None if chosen is None else [int(k) for k in chosen]


def load(folder: Path, task: str, chosen: Sequence[int] | None = None) -> Demos:
    """Reads a Minari data set as demonstrations of a task.

    Args:
        folder: the data set's folder, ROOT/ID.
        task: the task's name.
        chosen: the numbers of the episodes to keep; None: all.

    Returns:
        The data set. Actions of others are scaled from their action space to [-1, 1]; in the header
        of such a data set what is not known is `unknown` or 0.

    Raises:
        UserError: h5py is missing, or the folder is no Minari data set, is damaged, or does not fit
            the task.
    """
    spec = envs.make(task).spec
    place, metadata = read_metadata(folder)
    if "imitbench" not in metadata:
        recording = minari_recording.read(folder)
        if chosen is not None:
            kept = [recording.episodes[k] for k in chosen]
            recording = recording._replace(episodes=kept)
        return to_demos(recording, task, spec)
    header = build_dataclass(
        Header, metadata["imitbench"], f"{folder}: bad header", "export it again"
    )
    if header.task != task:
        raise UserError(f"{folder} holds demonstrations of {header.task!r}, not of {task!r}")
    scale = minari_metadata.stored_scale(metadata)
    total = metadata["total_episodes"]
    demos = _read_episodes(place / ARRAYS, total, spec, scale, folder, header)
    check_steps(demos, spec, str(folder))
    if metadata.get(CHECKSUM) not in (None, _checksum(demos, metadata["imitbench"], spec)):
        raise UserError(
            f"{folder} is damaged: its sha256 is not the one in {METADATA}; make it again"
        )
    if chosen is None:
        return demos
    return demos.select(chosen).replace(header=dataclasses.replace(header, episodes=len(chosen)))


def _read_episodes(
    path: Path, total: int, spec: Spec, scale: float, folder: Path, header: Header
) -> Demos:
    """The episodes of an HDF5 file that imitbench wrote."""
    with reading(path, "make it again") as file:
        episodes = [
            minari_episodes.from_group(file[name], spec, scale, f"{folder}: episode {k}")
            for k, name in enumerate(episode_names(file, total, folder))
        ]
        return join(episodes, header)


def _checksum(demos: Demos, header: Any, spec: Spec) -> str:
    """Of header and steps; shorter episodes count as filled up to the time limit."""
    last = np.asarray(demos.rows.next_obs)[demos.starts + demos.lengths - 1]

    def filled(name: str, x: np.ndarray) -> npz.ArrayParts:
        values = last if name in STATES else np.zeros(len(demos))
        episodes = zip(np.split(x, demos.starts[1:]), values, strict=True)
        parts = (fill_array(episode, value, spec.horizon) for episode, value in episodes)
        return npz.ArrayParts(x.dtype, (len(demos), spec.horizon, *x.shape[1:]), parts)

    return npz.checksum({k: filled(k, x) for k, x in step_arrays(demos.rows).items()}, header)
