"""LeRobotDataset folders of v3.0 and v2.1, read as recordings without their images and videos.

Layout (huggingface/lerobot, `src/lerobot/datasets`): meta/info.json has the version, the rate, the
totals, and the type and shape of each feature. Frames are rows of data/chunk-*/file-*.parquet
(v3.0, many episodes a file, their lengths in meta/episodes/) or of data/chunk-*/episode_*.parquet
(v2.1, lengths in meta/episodes.jsonl). The path templates of info.json are not used.

The numeric features `observation.NAME` are the observations NAME; `action`, `next.reward`,
`next.success` and `timestamp` are what they say; others are left out. The format has no observation
after the last step; `lerobot_writing` stores successors as `next.observation.NAME`. A step is
terminated where `next.terminated` says so; without that feature, where `next.done` is true and
`next.truncated` is not; without both, in the last frame if its `next.done` and `next.success` are
true. Else it is not known: LeRobot sets `next.done` in the last frame for any reason.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imitbench.data.recordings.recording import Episode, Recording, check_recording
from imitbench.utils import json_schema
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import check_fields, one_line, read_json

INFO = "meta/info.json"
FRAMES = {"v3.0": "data/chunk-*/file-*.parquet", "v2.1": "data/chunk-*/episode_*.parquet"}
OBSERVATION, NEXT_OBSERVATION = "observation.", "next.observation."
FLAGS = ("next.done", "next.terminated", "next.truncated", "next.success")
SINGLE = ("next.reward", *FLAGS, "timestamp")  # one number a frame
INDICES = ("episode_index", "frame_index")
LENGTHS = ("episode_index", "length")
NUMBERS = re.compile(r"bool|u?int(8|16|32|64)|float(32|64)")
STORED_NUMBERS = {"BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE"}  # physical types of Parquet
LISTS = r"(\.(list|bag)\.(element|item|array|array_element))*"  # how Parquet names nested lists
MAX_FPS = 10**6
MAX_DIMENSIONS = 5  # of a feature; those of LeRobot
# A few bytes of Parquet can stand for any number of equal values, so the size of a file bounds
# nothing. Bounds come from the totals and shapes in info.json, at 8 bytes a number: MAX_BYTES in
# all. A column may take twice as much, with its dictionary, and OVERHEAD a row group.
MAX_BYTES = 2**33
OVERHEAD = 2**12
REMEDY = "export the data set again"

Columns = dict[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]


def is_lerobot(folder: Path) -> bool:
    """Returns whether a folder has a meta/info.json with a `codebase_version`.

    Args:
        folder: any path.
    """
    try:
        return "codebase_version" in read_json(_inside(folder, folder / INFO), "LeRobot's", REMEDY)
    except UserError:
        return False


def read(folder: Path) -> Recording:
    """Reads the numeric features of a LeRobotDataset, each file once.

    Args:
        folder: the folder that has meta/ and data/. No file outside of it is opened, but for the
            blobs of the Hub's cache, to which the files of a folder snapshots/REVISION are links.

    Returns:
        The episodes in the order of their index, with the types of the files. Integer actions of
        one number are [n].

    Raises:
        UserError: the folder is no LeRobotDataset, is of another version, has images alone, is
            damaged or incomplete, or its parts do not agree.
    """
    path = _inside(folder, folder / INFO)
    info = read_json(path, "LeRobot's", REMEDY)
    check_fields(info, {"codebase_version": str}, str(path), REMEDY)
    version, known = info["codebase_version"], " and ".join(FRAMES)
    if version not in FRAMES:
        raise UserError(
            f"{path}: codebase_version is {version!r:.60}, expected {known}; convert it"
        )
    kinds = {"fps": float, "total_episodes": int, "total_frames": int, "features": dict[str, Any]}
    check_fields(info, kinds, str(path), REMEDY)
    episodes, frames, fps = info["total_episodes"], info["total_frames"], info["fps"]
    if not 0 < fps <= MAX_FPS:
        raise UserError(f"{path}: fps is {fps!r:.20}, expected above 0, up to {MAX_FPS}; {REMEDY}")
    shapes = _shapes(info["features"], path)
    needed = 8 * frames * sum(map(math.prod, shapes.values()))
    if not 1 <= episodes <= frames or needed > MAX_BYTES:
        raise UserError(
            f"{path}: {episodes!r:.20} episodes of {frames!r:.20} frames together: expected 1 or "
            f"more frames an episode, and at most {MAX_BYTES:,} bytes of features; split it"
        )
    table = _read_columns(folder, FRAMES[version], shapes, frames)
    if version == "v3.0":
        pattern = "meta/episodes/chunk-*/file-*.parquet"
        lengths = _read_columns(folder, pattern, dict.fromkeys(LENGTHS, ()), episodes)
    else:
        lengths = _old_lengths(_inside(folder, folder / "meta/episodes.jsonl"))
    parts = _split(table, [x.tolist() for x in lengths.values()], episodes, folder)
    recording = Recording(f"lerobot {version}", folder, [_to_episode(x) for x in parts])
    return check_recording(recording._replace(fps=float(fps)))


def _inside(folder: Path, path: Path) -> Path:
    """The path, if it is a file inside of the folder."""
    root, target = Path(os.path.realpath(folder)), Path(os.path.realpath(path))
    blobs = [root.parent.parent / "blobs"] if root.parent.name == "snapshots" else []
    if not any(target.is_relative_to(place) for place in (root, *blobs)):
        raise UserError(f"{path} is a link to outside of {folder}: put the file itself there")
    if not target.is_file():
        raise UserError(f"no such file: {path}; download the whole data set, or export it again")
    return path


def _shapes(features: dict[str, Any], path: Path) -> Shapes:
    """The shape of one frame of each feature that is read."""
    shapes: Shapes = {}
    for name, values in features.items():
        where = f"{path}: feature {name!r}"
        check_fields(values, {"dtype": str}, where, REMEDY)
        wanted = name in ("action", *SINGLE) or name.startswith((OBSERVATION, NEXT_OBSERVATION))
        if not wanted or not NUMBERS.fullmatch(values["dtype"]):
            continue
        check_fields(values, {"shape": list[int]}, where, REMEDY)
        shape = shapes[name] = tuple(values["shape"])
        single = name in SINGLE and shape not in ((), (1,))
        if single or len(shape) > MAX_DIMENSIONS or not all(1 <= n <= MAX_BYTES for n in shape):
            expected = "one number" if single else f"up to {MAX_DIMENSIONS} positive sizes"
            raise UserError(f"{where} has shape {shape!r:.60}, expected {expected}; {REMEDY}")
    there = ", ".join(f"{k!r} ({v['dtype']!r:.20})" for k, v in list(features.items())[:20])
    if not any(name.startswith(OBSERVATION) for name in shapes):
        raise UserError(
            f"{path} has no numeric feature {OBSERVATION}* beside {there or 'none'}: images are "
            "not supported; choose a data set with states"
        )
    if "action" not in shapes:
        raise UserError(f"{path} has no numeric feature 'action' beside {there}; {REMEDY}")
    return shapes | dict.fromkeys(INDICES, ())


def _read_columns(folder: Path, pattern: str, shapes: Shapes, rows: int) -> Columns:
    """Columns [rows, *shape] of all files of a pattern; their sizes are checked before."""
    paths = [_inside(folder, path) for path in sorted(folder.glob(pattern))]
    found, parts = 0, []
    for path in paths:
        with _damage(path):
            found += _check_file(path, shapes)
    if found != rows:
        raise UserError(
            f"{folder}: {len(paths)} files {pattern} have {found:,} rows, expected {rows:,} as in "
            f"{INFO}; download the whole data set, or export it again"
        )
    for path in paths:
        with _damage(path):
            parts.append(_read_file(path, shapes))
    return {name: np.concatenate([part[name] for part in parts]) for name in shapes}


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{path} is damaged ({one_line(error)}); {REMEDY}") from None


class _DataReached(Exception):
    pass


class _WithoutData(io.FileIO):
    """A file that cannot be read beyond its metadata."""

    def read(self, *_: Any) -> bytes:
        raise _DataReached


def _check_file(path: Path, shapes: Shapes) -> int:
    """The number of rows of a Parquet file; its metadata must fit the shapes."""
    metadata = pq.read_metadata(path)
    # pyarrow ends the process when it is asked about a column whose metadata is damaged. A reader
    # that prepares to read all columns raises an error instead.
    with suppress(_DataReached), _WithoutData(path) as file:
        reader = pq.ParquetFile(file, metadata=metadata, pre_buffer=True)
        next(reader.iter_batches(columns=list(shapes)), None)
    leaves = [metadata.schema.column(i) for i in range(metadata.num_columns)]
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    for name, shape in shapes.items():
        at = [i for i, x in enumerate(leaves) if re.fullmatch(re.escape(name) + LISTS, x.path)]
        if len(at) != 1 or leaves[at[0]].physical_type not in STORED_NUMBERS:
            raise UserError(f"{path}: expected one column {name!r} of numbers; {REMEDY}")
        chunks = [group.column(at[0]) for group in groups]
        count, expected = sum(x.num_values for x in chunks), metadata.num_rows * math.prod(shape)
        if count != expected:
            raise UserError(
                f"{path}: {name!r} has {count:,} numbers in {metadata.num_rows:,} rows, expected "
                f"{expected:,}, of shape {shape} in each; {REMEDY}"
            )
        stored, limit = sum(x.total_uncompressed_size for x in chunks), 16 * expected
        if stored > limit + OVERHEAD * (1 + len(chunks)):
            needed = f"about {limit // 2:,} for {expected:,} numbers"
            raise UserError(
                f"{path}: {name!r} unpacks to {stored:,} bytes, expected {needed}; {REMEDY}"
            )
    return int(metadata.num_rows)


def _read_file(path: Path, shapes: Shapes) -> Columns:
    options: dict[str, Any] = {"partitioning": None, "page_checksum_verification": True}
    table = pq.read_table(path, columns=list(shapes), **options)
    return {k: _to_array(table.column(k), x, f"{path}: {k!r}") for k, x in shapes.items()}


def _to_array(column: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """[n, *shape] of a column of nested lists; one number a frame may stand without a list."""
    values = column.combine_chunks()
    rows = len(values)
    for size in () if shape == (1,) and not values.type.num_fields else shape:
        sizes = pc.call_function("list_value_length", [values]) if values.type.num_fields else [0]
        other = [x for x in pc.call_function("unique", [sizes]).to_pylist() if x != size]
        if other:
            found = f"a list of {other[0]}" if other[0] else "no list"
            raise UserError(f"{where}: {found} in a frame, expected shape {shape}; {REMEDY}")
        values = values.flatten()
    kind = np.dtype(values.type.to_pandas_dtype()).kind
    if values.null_count or kind not in ("biuf" if shape else "iu"):
        expected = "numbers" if shape else "integers"
        raise UserError(
            f"{where} is of type {values.type} with {values.null_count} values missing, expected "
            f"{expected} and none missing; {REMEDY}"
        )
    return values.to_numpy(zero_copy_only=False).reshape(rows, *shape)


def _old_lengths(path: Path) -> Columns:
    """The index and length of each episode, as v2.1 stores them."""
    try:
        if path.stat().st_size > json_schema.MAX_BYTES:
            raise ValueError(f"it has more than {json_schema.MAX_BYTES:,} bytes")
        lines = [json.loads(x) for x in path.read_text(encoding="utf-8").split("\n") if x.strip()]
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({one_line(error)}); {REMEDY}") from None
    for values in lines:
        check_fields(values, dict.fromkeys(LENGTHS, int), f"{path}: a line", REMEDY)
    return {name: np.array([x[name] for x in lines], object) for name in LENGTHS}


def _split(frames: Columns, lengths: list[list[int]], total: int, folder: Path) -> list[Columns]:
    """The frames of each episode in their order; the metadata must name the same numbers."""
    order = np.lexsort([frames[name] for name in reversed(INDICES)])
    index, start = np.unique(frames["episode_index"][order], return_index=True)
    parts = dict(zip(index.tolist(), np.split(order, start[1:]), strict=True))
    named = dict(zip(*lengths, strict=True))
    for k in sorted(parts.keys() | named.keys()):
        at, said = parts.get(k, order[:0]), named.get(k)
        if len(at) != said:
            raise UserError(
                f"{folder}: episode {k} has {len(at)} rows in data/ and length {said} in meta/: "
                f"expected the same; {REMEDY}"
            )
        if not np.array_equal(frames["frame_index"][at], np.arange(len(at))):
            raise UserError(f"{folder}: frame_index of episode {k} has gaps or repeats; {REMEDY}")
    if len(parts) != total:
        raise UserError(f"{folder}: {len(parts)} episodes, expected {total} as in {INFO}; {REMEDY}")
    return [{name: x[at] for name, x in frames.items()} for at in parts.values()]


def _to_episode(x: Columns) -> Episode:
    """An episode from its columns [n, ...]."""

    def named(prefix: str) -> Columns:
        return {k.removeprefix(prefix): v for k, v in x.items() if k.startswith(prefix)}

    single = {name: x[name].reshape(-1) for name in SINGLE if name in x}
    flags = {name: single[name].astype(bool) for name in FLAGS if name in single}
    done, truncated = flags.get("next.done"), flags.get("next.truncated")
    success, terminated = flags.get("next.success"), flags.get("next.terminated")
    if terminated is None and done is not None:
        if truncated is not None:
            terminated = done & ~truncated
        elif success is not None and done[-1] and success[-1]:
            terminated = np.zeros_like(done)
            terminated[-1] = True
    actions = x["action"]
    if actions[0].size == 1 and actions.dtype.kind in "iu":
        actions = actions.reshape(-1)
    ends = terminated, truncated, success, single.get("timestamp")
    successors = named(NEXT_OBSERVATION) or None
    return Episode(named(OBSERVATION), actions, successors, single.get("next.reward"), *ends)
