"""Minari's data sets: writing ours, reading those of ours and of others.

On disk (Minari 0.5, HDF5): ROOT/ID/data holds metadata.json and main_data.hdf5, in it a group
`episode_0`, `episode_1`, ... with `observations` [n + 1], `actions`, `rewards`, `terminations`,
`truncations` [n] for an episode of n steps. Where MINARI_DATASETS_PATH is ROOT,
`minari.load_dataset(ID)` opens it (`pip install 'minari[hdf5]' pillow`).

Goal tasks are dictionaries there, `observation`, `achieved_goal` and `desired_goal`; our flat
observation is [observation, desired_goal], and the achieved goal is a field of it. What Minari has
no place for is kept in infos of ours, all [n + 1]: `infos/label` (the intended action) and
`infos/success` begin with an entry for the reset (0 here), as all of Minari's infos do; `infos/pose`
belongs to the observations entry by entry, and the last one, which is not known, repeats the one
before. The metadata hold our header under `imitbench` and a checksum of header and steps. Where a
data set has none of these, the intended action is the executed one, and success is
`infos/is_success` or, in a goal task, a reward of the goal of 0 or more.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

from imitbench import envs
from imitbench.core import rollout
from imitbench.core.types import Spec, Transition
from imitbench.data.demonstrations import Demos, Header, check, step_arrays
from imitbench.data.formats import minari_episodes
from imitbench.utils import npz
from imitbench.utils.errors import UserError
from imitbench.utils.files import writable_folder, write_errors
from imitbench.utils.json_schema import build_dataclass, check_fields, one_line, read_json
from imitbench.utils.machine import import_optional

VERSION = "0.5.0"  # the oldest Minari whose files look like this; newer ones ask for a known one
ARRAYS = "main_data.hdf5"
METADATA = "metadata.json"
SEAL = "imitbench_sha256"  # name in the metadata: of header and steps as `load` gives them
ID = re.compile(r"([-\w]+/)*[-\w]+-v\d+")


def library() -> Any:
    """The package h5py, imported.

    Raises:
        UserError: it is not installed.
    """
    return import_optional("h5py", "minari")


def default_id(header: Header) -> str:
    """imitbench/TASK/GRADE-EPISODES-SEED-v0."""
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
    """Writes demonstrations as one of Minari's data sets.

    Args:
        root: folder of data sets, made if need be.
        dataset_id: `(NAMESPACE/)NAME-vN`; by default `default_id`.
        ref_min_score: mean return of a random policy, for `minari.get_normalized_score`.
        ref_max_score: mean return of an expert.

    Returns:
        The data set's folder, ROOT/ID. It is there whole or not at all.

    Raises:
        UserError: h5py is missing, the folder exists, the id or the scores are none, or the steps
            are no whole episodes of the task.
    """
    h5py = library()
    dataset_id = dataset_id or default_id(demos.header)
    if not ID.fullmatch(dataset_id):
        raise UserError(f"dataset_id={dataset_id!r}: expected (NAMESPACE/)NAME-vN, such as a/b-v0")
    folder = root / dataset_id
    if folder.exists():
        raise UserError(f"{folder} exists: remove it, or choose another folder or id")
    scores = {"ref_min_score": ref_min_score, "ref_max_score": ref_max_score}
    known = [x for x in scores.values() if x is not None]
    if len(known) == 1 or (known and not known[0] < known[1]):
        raise UserError(
            f"ref_min_score={ref_min_score}, ref_max_score={ref_max_score}: expected neither, or "
            "two numbers of which the first is less"
        )
    steps = jax.tree.map(np.asarray, demos.steps)
    check(steps, spec, f"demonstrations of {demos.header.task}")
    lengths = minari_episodes.lengths(steps)
    metadata: dict[str, Any] = {
        "dataset_id": dataset_id,
        "minari_version": VERSION,
        "data_format": "hdf5",
        "total_episodes": len(lengths),
        "total_steps": int(lengths.sum()),
        "observation_space": json.dumps(minari_episodes.observation_space(spec)),
        "action_space": json.dumps(minari_episodes.action_space(spec)),
        "algorithm_name": demos.header.expert,
        "description": f"Demonstrations of {demos.header.task}, collected by imitbench.",
        "imitbench": dataclasses.asdict(demos.header),
    }
    metadata |= scores if known else {}
    writable_folder(folder.parent)
    with (
        write_errors(folder),
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as temporary,
    ):
        place = Path(temporary) / "whole" / "data"
        place.mkdir(parents=True)
        with h5py.File(place / ARRAYS, "w") as file:
            for k, n in enumerate(lengths):
                group = file.create_group(f"episode_{k}")
                group.attrs["id"], group.attrs["total_steps"] = k, int(n)
                episode = jax.tree.map(lambda x, k=k, n=n: x[k, :n], steps)
                for name, x in minari_episodes.write(episode, spec).items():
                    # A checksum of the bytes: damage is noticed when they are read.
                    group.create_dataset(name, data=x, chunks=x.shape, fletcher32=True)
        # What is damaged beside the bytes of arrays can leave zeros in their place.
        whole = _read(place / ARRAYS, len(lengths), spec, folder, ours=True)
        metadata[SEAL] = _checksum(whole, metadata["imitbench"])
        metadata["dataset_size"] = round((place / ARRAYS).stat().st_size / 1e6, 1)  # MB
        (place / METADATA).write_text(json.dumps(metadata, indent=1))
        os.rename(place.parent, folder)
    return folder


def load(folder: Path, task: str) -> Demos:
    """Reads one of Minari's data sets as demonstrations of a task.

    Args:
        folder: the data set's folder, ROOT/ID.

    Returns:
        Episodes [K, T, ...]. Those shorter than the horizon go on as in `rollout.episodes`: with
        weight 0, in their last state; their actions and poses are 0 then. What the header cannot
        know of another's data set is `unknown` or 0.

    Raises:
        UserError: h5py is missing, the folder is no such data set, is damaged, or does not fit
            the task.
    """
    library()
    spec = envs.make(task).spec
    place = folder / "data" if (folder / "data").is_dir() else folder
    if not (place / METADATA).is_file():
        raise UserError(f"{folder} is no data set of Minari's: it has no {METADATA}")
    metadata = read_json(place / METADATA, "Minari's metadata", "export it again")
    kinds = {"data_format": str, "total_episodes": int}
    check_fields(metadata, kinds, f"{place / METADATA} is not Minari's metadata", "export it again")
    kind, total = metadata["data_format"], metadata["total_episodes"]
    if kind != "hdf5":
        raise UserError(f"{folder} is stored as {kind!r}: only 'hdf5' can be read; convert it")
    if not (place / ARRAYS).is_file():
        raise UserError(f"{folder} is no data set of Minari's: it has no {ARRAYS}")
    steps = _read(place / ARRAYS, total, spec, folder, ours="imitbench" in metadata)
    check(steps, spec, str(folder))
    header = _header(metadata, task, steps, folder)
    if metadata.get(SEAL) not in (None, _checksum(steps, metadata.get("imitbench"))):
        raise UserError(
            f"{folder} is damaged: its sha256 is not the one in {METADATA}; make it again"
        )
    return Demos(steps, header)


def _read(path: Path, total: int, spec: Spec, folder: Path, *, ours: bool) -> Transition:
    """Episodes [K, T, ...] of an HDF5 file; with their poses where we wrote it."""
    try:
        with library().File(path, "r") as file:
            if len(file) != total or total < 1:
                raise UserError(
                    f"{folder} has {len(file)} episodes and {METADATA} says {total}: expected "
                    "the same number, 1 or more; export it again"
                )
            missing = [k for k in range(total) if f"episode_{k}" not in file]
            if missing:
                raise UserError(f"{folder} has no episode {missing[0]}; export it again")
            episodes = [
                minari_episodes.read(
                    file[f"episode_{k}"], spec, f"{folder}: episode {k}", poses=ours
                )
                for k in range(total)
            ]
            return jax.tree.map(lambda *x: np.stack(x), *episodes)
    except UserError:
        raise
    except Exception as error:  # a damaged HDF5 file raises OSError, RuntimeError and others
        raise UserError(f"{path} is damaged ({one_line(error)}); make it again") from None


def _checksum(steps: Transition, header: Any) -> str:
    return npz.checksum(step_arrays(steps), header)


def _header(metadata: dict[str, Any], task: str, steps: Transition, folder: Path) -> Header:
    """Ours where the data set has one, else what the episodes tell."""
    if "imitbench" in metadata:
        header = build_dataclass(
            Header, metadata["imitbench"], f"{folder}: bad header", "export it again"
        )
        if header.task != task:
            raise UserError(f"{folder} holds demonstrations of {header.task!r}, not of {task!r}")
        return header
    by_time = jax.tree.map(lambda x: np.swapaxes(x, 0, 1), steps)
    means = {k: float(np.mean(v)) for k, v in rollout.summarise(by_time).items()}
    return Header(
        task=task,
        expert=str(metadata.get("algorithm_name", "unknown")),
        engine="unknown",
        seed=0,
        episodes=len(steps.weight),
        attempted=len(steps.weight),
        noise=0.0,
        only_success=False,
        success_any=means["success_any"],
        success_final=means["success_final"],
        mean_return=means["return"],
        grade="unknown",
    )
