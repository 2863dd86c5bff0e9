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

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.data.formats.lerobot_parquet import (
    INFO,
    MAX_BYTES,
    REMEDY,
    Columns,
    Shapes,
    inside,
    read_columns,
)
from imitbench.data.recordings.recording import (
    Episode,
    Recording,
    are_choices,
    check_recording,
    no_actions,
)
from imitbench.utils import json_schema
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import check_fields, one_line, read_json

FRAMES = {"v3.0": "data/chunk-*/file-*.parquet", "v2.1": "data/chunk-*/episode_*.parquet"}
OBSERVATION, NEXT_OBSERVATION = "observation.", "next.observation."
FLAGS = ("next.done", "next.terminated", "next.truncated", "next.success")
SINGLE = ("next.reward", *FLAGS, "timestamp")  # one number a frame
INDICES = ("episode_index", "frame_index")
LENGTHS = ("episode_index", "length")
NUMBERS = re.compile(r"bool|u?int(8|16|32|64)|float(32|64)")
MAX_FPS = 10**6
MAX_DIMENSIONS = 5  # of a feature; those of LeRobot


def is_lerobot(folder: Path) -> bool:
    """Returns whether a folder has a meta/info.json with a `codebase_version`.

    Args:
        folder: any path.
    """
    try:
        return "codebase_version" in read_json(inside(folder, folder / INFO), "LeRobot's", REMEDY)
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
    path = inside(folder, folder / INFO)
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
    table = read_columns(folder, FRAMES[version], shapes, frames)
    if version == "v3.0":
        pattern = "meta/episodes/chunk-*/file-*.parquet"
        lengths = read_columns(folder, pattern, dict.fromkeys(LENGTHS, ()), episodes)
    else:
        lengths = _old_lengths(inside(folder, folder / "meta/episodes.jsonl"))
    parts = _split(table, [x.tolist() for x in lengths.values()], episodes, folder)
    recording = Recording(f"lerobot {version}", folder, [_to_episode(x) for x in parts])
    return check_recording(recording._replace(fps=float(fps)))


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
    if "action" in features and "action" not in shapes:
        raise UserError(f"{path} has no numeric feature 'action' beside {there}; {REMEDY}")
    return shapes | dict.fromkeys(INDICES, ())


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
    actions = x.get("action", no_actions(len(x["frame_index"])))
    if actions[0].size == 1 and are_choices(actions.reshape(-1)):
        actions = actions.reshape(-1)
    ends = terminated, truncated, success, single.get("timestamp")
    successors = named(NEXT_OBSERVATION) or None
    return Episode(named(OBSERVATION), actions, successors, single.get("next.reward"), *ends)
