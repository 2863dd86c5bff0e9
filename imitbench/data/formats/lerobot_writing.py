"""LeRobotDataset folders, written from recordings.

The layout is that of v3.0; see `lerobot`, which reads it. All frames are in one data file, with a
row group for each episode, as LeRobot itself writes them. Features have the types of the recording;
one number a frame is no list. LeRobot adds `timestamp`, `frame_index`, `episode_index`, `index` and
`task_index`, and statistics of each feature, for each episode and for all of them.

What the format has no place for has features of its own, which LeRobot keeps and its policies leave
out: `next.observation.NAME` is the observation after each step, `next.terminated` and
`next.truncated` are how episodes end. The bounds of actions, the name of the environment and that
of the demonstrator are not written.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from imitbench.data.formats.lerobot import (
    MAX_FPS,
    NEXT_OBSERVATION,
    NUMBERS,
    OBSERVATION,
    SINGLE,
)
from imitbench.data.formats.lerobot_parquet import INFO, Columns
from imitbench.data.recordings.recording import (
    FLAT,
    Episode,
    Recording,
    check_recording,
    require_actions,
)
from imitbench.utils.errors import UserError
from imitbench.utils.files import sync, writable_folder, write_errors

VERSION = "v3.0"
STATE = "state"  # the name of an observation that is one vector in LeRobot
DEFAULT_FPS = 20.0
TOLERANCE = 0.05  # of the mean step of the timestamps, relative to 1 / fps
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
INDICES = ("frame_index", "episode_index", "index", "task_index")
PLACES = ("data", "meta/episodes")  # of files PLACE
PLACE = "chunk-000/file-000.parquet"
TEMPLATE = "chunk-{chunk_index:03d}/file-{file_index:03d}"


def write(folder: Path, recording: Recording, *, task: str, fps: float | None = None) -> Path:
    """Writes a recording as a LeRobotDataset v3.0. It is written whole or not at all.

    Args:
        folder: the new folder.
        recording: the recording. The observation `observation` is written as `observation.state`,
            every other one as `observation.NAME`. An observation of n + 1 rows is written as its
            first n and as `next.observation.NAME`, its last n.
        task: what the demonstrator does, in words, such as "Push the block to the target."
        fps: steps a second; None: those of the recording, else 20, for LeRobot needs a number.
            Timestamps that the recording lacks are frame / fps.

    Returns:
        The folder.

    Raises:
        UserError: the folder exists or cannot be written, `task` or `fps` is invalid, timestamps
            do not fit `fps`, or the format cannot hold the recording: names clash, arrays are
            no booleans, integers, float32 or float64, or episodes differ in what they have.
    """
    check_recording(recording)
    require_actions(recording, "lerobot")
    if os.path.lexists(folder):
        raise UserError(f"{folder} exists: remove it, or choose another folder")
    if not task.strip() or not task.isprintable():
        raise UserError(f"task={task!r}: expected a line of text that says what is done")
    if fps is None:
        fps = DEFAULT_FPS if recording.fps is None else recording.fps
    if not 0 < fps <= MAX_FPS:
        raise UserError(f"fps={fps}: expected steps a second, above 0 and at most {MAX_FPS}")
    where = f"{recording.path}: episode"
    episodes = [_columns(e, fps, f"{where} {k}") for k, e in enumerate(recording.episodes)]
    features = _features(episodes, recording.path)
    start = 0
    for k, columns in enumerate(episodes):
        frame = np.arange(len(columns["action"]))
        columns |= dict(zip(INDICES, (frame, 0 * frame + k, start + frame, 0 * frame), strict=True))
        start += len(frame)
    features |= {name: {"dtype": "int64", "shape": [1], "names": None} for name in INDICES}
    writable_folder(folder.parent)
    with (
        write_errors(folder),
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as temporary,
    ):
        whole = Path(temporary) / "whole"
        _write_files(whole, episodes, features, task, fps)
        for path in (*whole.rglob("*"), whole):
            sync(path)
        os.rename(whole, folder)
        sync(folder.parent)
    return folder


def _columns(episode: Episode, fps: float, where: str) -> Columns:
    """Arrays [n, ...] by feature of one episode, without the indices."""
    n, columns = episode.length, {}
    successors = dict(episode.next_observations or {})
    for name, x in episode.observations.items():
        columns[_feature(OBSERVATION, name, columns, where)] = x[:n]
        if len(x) > n and not np.array_equal(
            successors.setdefault(name, x[1:])[-1], x[n], equal_nan=True
        ):
            raise UserError(
                f"{where}: next observation {name!r} does not end with the last observation: "
                "expected the same numbers; leave one of them out"
            )
    for name, x in successors.items():
        columns[_feature(NEXT_OBSERVATION, name, columns, where)] = x
    columns["action"] = episode.actions
    if episode.rewards is not None:
        columns["next.reward"] = episode.rewards
    for name in ("terminated", "truncated", "success"):
        flags = getattr(episode, name)
        if flags is not None:
            columns[f"next.{name}"] = flags.astype(bool).reshape(-1)
    if episode.terminated is not None:  # without it, `next.done` would say more than is known
        ends = columns["next.terminated"] | columns.get("next.truncated", False)
        columns["next.done"] = ends | (np.arange(len(ends)) == n - 1)
    columns["timestamp"] = _timestamps(episode, fps, where)
    for name, x in columns.items():
        if x.size == 0 or (name in SINGLE and x.size != n):
            raise UserError(f"{where}: {name!r} has shape {x.shape}, expected one number a step")
    return columns


def _feature(prefix: str, name: str, taken: Columns, where: str) -> str:
    """The name of an observation's feature."""
    feature = prefix + (STATE if name == FLAT else name)
    if feature in taken or "/" in name or not name or not name.isprintable():
        raise UserError(
            f"{where}: observation {name!r} would be the feature {feature!r}: expected a name "
            "without '/', and one feature for each; rename it"
        )
    return feature


def _timestamps(episode: Episode, fps: float, where: str) -> np.ndarray:
    """[n] seconds, in the 32 bits of the format."""
    n = episode.length
    if episode.timestamps is None:
        return (np.arange(n) / fps).astype(np.float32)
    x = episode.timestamps.astype(np.float32)
    rate = (n - 1) / fps / float(x[-1] - x[0]) if n > 1 and x[-1] > x[0] else 1.0
    if not (np.diff(x) > 0).all() or abs(rate - 1) > TOLERANCE:
        raise UserError(
            f"{where}: timestamps {x[0]:g} to {x[-1]:g} s of {n} steps do not fit fps={fps:g}, or "
            "do not increase in 32 bits; give their fps, and seconds since the episode's start"
        )
    return x


def _features(episodes: list[Columns], path: Path) -> dict[str, Any]:
    """Types and shapes for info.json; they must be the same in all episodes."""
    first, *others = (
        {name: (x.dtype.name, x.shape[1:]) for name, x in columns.items()} for columns in episodes
    )
    for k, found in enumerate(others):
        if found != first:
            names = ", ".join(sorted({repr(name) for name, _ in found.items() ^ first.items()}))
            raise UserError(
                f"{path}: episodes 0 and {k + 1} differ in {names}: expected the same features, "
                "types and shapes in all; add what is missing, or leave it out everywhere"
            )
    for name, (dtype, _) in first.items():
        if not NUMBERS.fullmatch(dtype):
            raise UserError(f"{path}: {name!r} is of type {dtype}, expected float32 or the like")
    return {
        name: {"dtype": dtype, "shape": list(shape) or [1], "names": None}
        for name, (dtype, shape) in first.items()
    }


def _write_files(
    whole: Path, episodes: list[Columns], features: dict[str, Any], task: str, fps: float
) -> None:
    """Writes all files into a new folder."""
    frames, table = (whole / place / PLACE for place in PLACES)
    for path in (frames, table):
        path.parent.mkdir(parents=True)
    groups = ({name: _column(x[name]) for name in features} for x in episodes)
    first = pa.table(next(groups))
    with pq.ParquetWriter(frames, first.schema, write_page_checksum=True) as writer:
        writer.write_table(first)
        for group in groups:
            writer.write_table(pa.table(group))
    rows = [_episode_row(columns, task) for columns in episodes]
    pq.write_table(pa.Table.from_pylist(rows), table, write_page_checksum=True)
    tasks = pd.DataFrame({"task_index": [0]}, index=pd.Index([task], name="task"))
    tasks.to_parquet(whole / "meta/tasks.parquet")
    stats = {name: _stats(np.concatenate([x[name] for x in episodes])) for name in features}
    info = {
        "codebase_version": VERSION,
        "robot_type": None,
        "total_episodes": len(episodes),
        "total_frames": sum(row["length"] for row in rows),
        "total_tasks": 1,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": int(fps) if fps == int(fps) else fps,
        "splits": {"train": f"0:{len(episodes)}"},
        "data_path": f"data/{TEMPLATE}.parquet",
        "video_path": None,
        "features": features,
    }
    for name, values in ((INFO, info), ("meta/stats.json", stats)):
        (whole / name).write_text(json.dumps(values, indent=4), encoding="utf-8")


def _column(x: np.ndarray) -> Any:
    """A column of nested lists of [n, ...]; of numbers, where it is one a frame."""
    values = pa.array(np.ascontiguousarray(x, x.dtype.newbyteorder("=")).reshape(-1))
    for size in () if x.shape[1:] == (1,) else reversed(x.shape[1:]):
        values = pa.ListArray.from_arrays(
            np.arange(0, len(values) + 1, size, dtype=np.int32), values
        )
    return values


def _episode_row(columns: Columns, task: str) -> dict[str, Any]:
    """The metadata of an episode."""
    index = columns["index"]
    files = {f"{place}/{kind}_index": 0 for place in PLACES for kind in ("chunk", "file")}
    return {
        "episode_index": int(columns["episode_index"][0]),
        "tasks": [task],
        "length": len(index),
        "dataset_from_index": int(index[0]),
        "dataset_to_index": int(index[-1]) + 1,
        **files,
        **{f"stats/{name}/{k}": v for name, x in columns.items() for k, v in _stats(x).items()},
    }


def _stats(x: np.ndarray) -> dict[str, list[Any]]:
    """Statistics over the frames [n, ...], of each component of the last axis, as lists: LeRobot
    reduces all other axes."""
    frames = len(x)
    x = x.reshape(-1, *(x.shape[1:] or (1,))[-1:]).astype(np.float64)
    with np.errstate(all="ignore"):  # infinite numbers are written as they are
        stats = {"min": x.min(0), "max": x.max(0), "mean": x.mean(0), "std": x.std(0)}
        quantiles = np.quantile(x, QUANTILES, axis=0)
    stats |= {f"q{round(100 * q):02}": v for q, v in zip(QUANTILES, quantiles, strict=True)}
    return {name: v.tolist() for name, v in stats.items()} | {"count": [frames]}
