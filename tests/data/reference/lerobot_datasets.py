"""Reads and writes data sets with lerobot itself; test_lerobot.py runs it in lerobot's environment.

    python lerobot_datasets.py read FOLDER OUT.npz
    python lerobot_datasets.py write FOLDER IN.npz

`IN.npz` and `OUT.npz` hold each feature by its name, the frames of all episodes one after another,
and `lengths`, those of the episodes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset  # type: ignore[import-not-found]

NAME, TASK, FPS = "own/data", "Push it.", 10


def read(folder: Path, out: Path) -> None:
    """Every frame as lerobot hands it to a policy, and the actions of two steps at once."""
    dataset = LeRobotDataset(NAME, root=folder)
    frames = [dataset[i] for i in range(len(dataset))]
    arrays = {
        name: np.stack([np.asarray(frame[name]) for frame in frames])
        for name in frames[0]
        if name != "task"
    }
    arrays["lengths"] = np.array(dataset.meta.episodes["length"])
    assert {frame["task"] for frame in frames} == {TASK}
    assert dataset.num_episodes == len(arrays["lengths"]) and dataset.fps == FPS
    chunks = LeRobotDataset(NAME, root=folder, delta_timestamps={"action": [0, 1 / FPS]})
    arrays["chunks"] = np.stack([np.asarray(chunks[i]["action"]) for i in range(len(chunks))])
    arrays["padded"] = np.stack(
        [np.asarray(chunks[i]["action_is_pad"]) for i in range(len(chunks))]
    )
    np.savez(out, **arrays)  # type: ignore[arg-type]


def write(folder: Path, source: Path) -> None:
    """Frame by frame, as a robot's recorder does."""
    arrays = dict(np.load(source))
    lengths = arrays.pop("lengths")
    features = {
        name: {"dtype": str(x.dtype), "shape": x.shape[1:], "names": None}
        for name, x in arrays.items()
    }
    dataset = LeRobotDataset.create(NAME, FPS, features, root=folder, use_videos=False)
    start = 0
    for length in lengths:
        for i in range(start, start + length):
            dataset.add_frame({name: x[i] for name, x in arrays.items()} | {"task": TASK})
        dataset.save_episode()
        start += length
    dataset.finalize()
    assert json.loads((folder / "meta/info.json").read_text())["total_frames"] == start


if __name__ == "__main__":
    command, folder, file = sys.argv[1:]
    {"read": read, "write": write}[command](Path(folder), Path(file))
