"""Opens data sets in any format: the format is found by looking, unless it is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast, get_args

from imitbench import envs
from imitbench.core.types import Spec
from imitbench.data.formats import (
    d4rl,
    lerobot,
    minari,
    minari_metadata,
    minari_recording,
    npz,
    ogbench,
    robomimic,
)
from imitbench.data.formats.hdf5 import has_signature, opened
from imitbench.data.recordings.conversion import to_demos, to_recording
from imitbench.data.recordings.recording import Recording
from imitbench.data.recordings.sizes import spec_of
from imitbench.data.recordings.task_checks import environment_warnings
from imitbench.data.rows import Demos
from imitbench.data.validate import check_steps
from imitbench.envs.recorded import NO_TASK
from imitbench.envs.registry import TASKS, task_name
from imitbench.utils.errors import UserError, pick
from imitbench.utils.files import user_path

Format = Literal["auto", "npz", "minari", "lerobot", "robomimic", "d4rl", "ogbench"]
FORMATS: tuple[str, ...] = get_args(Format)[1:]
READERS: dict[str, Callable[[Path], Recording]] = {
    "npz": lambda path: to_recording(npz.load(path), path),
    "minari": minari_recording.read,
    "lerobot": lerobot.read,
    "d4rl": d4rl.read,
    "ogbench": ogbench.read,
}


def locate(name: Any) -> Path:
    """Finds a data set.

    Args:
        name: a path, a `MinariDataset`, or a Minari identifier such as "mujoco/hopper/expert-v0",
            which is looked up in MINARI_DATASETS_PATH or, by default, in Minari's folder in the
            home directory.

    Raises:
        UserError: there is no such file or folder.
    """
    path = minari.folder_of(name) or user_path(name)
    if path.exists():
        return path
    root = Path(os.environ.get("MINARI_DATASETS_PATH") or Path.home() / ".minari" / "datasets")
    if minari.ID.fullmatch(str(name)) and (root / str(name)).is_dir():
        return root / str(name)
    raise UserError(
        f"no data set {str(name)!r}: expected a file, a folder, or a Minari identifier below {root}"
    )


def find_format(path: Path) -> Format:
    """Finds the format of a data set by looking at it.

    Args:
        path: a file or a folder.

    Raises:
        UserError: it has none of the formats, or is a damaged HDF5 file.
    """
    if path.is_dir():
        if lerobot.is_lerobot(path):
            return "lerobot"
        if (path / "data" / minari_metadata.METADATA).is_file() or (
            path / minari_metadata.METADATA
        ).is_file():
            return "minari"
    elif has_signature(path):
        with opened(path) as file:
            if robomimic.is_robomimic(file):
                return "robomimic"
            if d4rl.is_d4rl(file):
                return "d4rl"
    elif ogbench.is_ogbench(path):
        return "ogbench"
    elif path.suffix == ".npz":
        return "npz"
    raise UserError(
        f"{path} has none of the formats {', '.join(FORMATS)}: convert it, or use "
        "imitbench.make_demos"
    )


def resolve(name: Any, format: str = "auto", filter_key: str | None = None) -> tuple[Path, Format]:
    """Finds a data set and its format.

    Args:
        name: a path, a Minari identifier or a `MinariDataset`, see `locate`.
        format: how to read it; auto: as `find_format` finds.
        filter_key: of robomimic: the list of episodes to read.

    Returns:
        The path, and the format, which is not auto.

    Raises:
        UserError: there is no such data set or format, it has none of the formats, or a filter key
            is given for another format than robomimic.
    """
    pick("format", format, ("auto", *FORMATS))
    path = locate(name)
    found = find_format(path) if format == "auto" else cast(Format, format)
    if filter_key is not None and found != "robomimic":
        raise UserError(f"filter key {filter_key!r}: {path} is {found}, only robomimic has them")
    return path, found


def open_recording(name: Any, format: Format = "auto", filter_key: str | None = None) -> Recording:
    """Reads a data set, whatever its task.

    Args:
        name: as for `resolve`, and so are `format` and `filter_key`.

    Raises:
        UserError: there is no such data set, it is damaged, or of another format.
    """
    path, found = resolve(name, format, filter_key)
    if found == "robomimic":
        return robomimic.read(path, filter_key)
    recording, chosen = READERS[found](path), minari.chosen_episodes(name)
    if chosen is None:
        return recording
    return recording._replace(episodes=[recording.episodes[k] for k in chosen])


def open_demos(
    name: Any,
    task: str | None = None,
    format: Format = "auto",
    filter_key: str | None = None,
) -> Demos:
    """Reads demonstrations and checks them against their task.

    Args:
        name: as for `resolve`.
        task: the task that they belong to; "none" for one that imitbench does not know. None: as
            the data set says, by the task or the environment that it names.
        format: as for `resolve`.
        filter_key: as for `resolve`.

    Returns:
        The data set.

    Raises:
        UserError: there is no such data set, it is damaged, does not name its task, or does not
            fit it.
    """
    path, found = resolve(name, format, filter_key)
    if found == "npz":
        demos = npz.load(path)
        known = task or demos.header.task
        environment_warnings(path, demos.header.task, known)
        if known != NO_TASK:
            check_steps(demos, envs.make(known).spec, str(path))
        return demos
    if found == "minari":
        task = task or _minari_task(path)
        if task is not None and task != NO_TASK:
            return minari.load(path, task, minari.chosen_episodes(name))
    recording = open_recording(name, found, filter_key)
    task = task or task_of(recording.env_id)
    if task is None:
        raise UserError(
            f"{path} does not name a task of imitbench (environment "
            f"{recording.env_id or 'unknown'}): give one, such as Hopper, or none"
        )
    return to_demos(recording, task, task_spec(recording, task))


def task_of(env_id: str | None) -> str | None:
    """Returns the task of an environment that a data set names.

    Args:
        env_id: a task, or the Gymnasium id of the environment whose semantics a task has; None
            where the data set names none.

    Returns:
        The task; None for another environment.
    """
    name = task_name(env_id or "")
    return name if name in TASKS else None


def task_spec(recording: Recording, task: str) -> Spec:
    """Describes the task of a recording.

    Args:
        recording: the recording.
        task: its task, or none.

    Raises:
        UserError: there is no such task; for none: an observation or the actions are no vectors.
    """
    return spec_of(recording) if task == NO_TASK else envs.make(task).spec


def _minari_task(folder: Path) -> str | None:
    """The task that imitbench wrote into a Minari data set's metadata, or that of `env_spec`."""
    _, metadata = minari_metadata.read_metadata(folder)
    header = metadata.get("imitbench")
    task = header.get("task") if isinstance(header, dict) else None
    return task if isinstance(task, str) else task_of(minari_recording.env_id(metadata))
