"""Data sets that lerobot itself reads and writes, number for number.

lerobot runs in an environment of its own, for its requirements exclude ours; `make test-reference`
makes it.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imitbench.data.formats import lerobot, lerobot_writing
from imitbench.data.recordings.recording import Episode, Recording

PEER = Path(__file__).parents[3] / ".venv" / "lerobot" / "bin" / "python"
LENGTHS, FPS, TASK = (5, 2, 4), 10, "Push it."  # lerobot 0.4.4 fails to write one of a single frame
STATISTICS = ("min", "max", "mean", "std", "count")  # lerobot's quantiles come from histograms

pytestmark = pytest.mark.skipif(
    not PEER.exists(), reason="needs lerobot: run `make test-reference`"
)


def run(command: str, folder: Path, file: Path) -> None:
    worker = Path(__file__).with_name("lerobot_datasets.py")
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder.parent / "hub")}
    words = [str(PEER), str(worker), command, str(folder), str(file)]
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """Frames of all episodes; the first one succeeds, the others reach their time limit."""
    n, rng = sum(LENGTHS), np.random.default_rng(0)
    last = np.isin(np.arange(n), np.cumsum(LENGTHS) - 1)
    success = last & (np.arange(n) < LENGTHS[0])

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=(n, *shape)).astype(np.float32)

    return {
        "observation.state": normal(3),
        "observation.force": normal(1),
        "observation.pose": normal(2, 2),
        "action": np.tanh(normal(2)),
        "next.reward": normal(1),
        "next.success": success[:, None],
        "next.terminated": success[:, None],
        "next.truncated": (last & ~success)[:, None],
        "next.done": last[:, None],
    }


@pytest.fixture(scope="module")
def recording(arrays: dict[str, np.ndarray]) -> Recording:
    """The same frames as a recording of ours."""
    episodes = []
    for end, n in zip(np.cumsum(LENGTHS), LENGTHS, strict=True):
        part = {name: x[end - n : end] for name, x in arrays.items()}
        flags = [part[f"next.{name}"][:, 0] for name in ("terminated", "truncated", "success")]
        observations = {
            k.removeprefix("observation."): x for k, x in part.items() if k.startswith("obs")
        }
        reward = part["next.reward"][:, 0]
        episodes.append(Episode(observations, part["action"], None, reward, *flags))
    return Recording("made", Path("made"), episodes, fps=float(FPS))


@pytest.fixture(scope="module")
def theirs(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lerobot") / "theirs"
    np.savez(folder.parent / "in.npz", lengths=np.array(LENGTHS), **arrays)  # type: ignore[arg-type]
    run("write", folder, folder.parent / "in.npz")
    return folder


@pytest.fixture(scope="module")
def ours(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lerobot") / "ours"
    return lerobot_writing.write(folder, recording, task=TASK)


def test_lerobot_reads_what_we_write(ours: Path, arrays: dict[str, np.ndarray]):
    run("read", ours, ours.parent / "out.npz")
    found = dict(np.load(ours.parent / "out.npz"))
    assert found["lengths"].tolist() == list(LENGTHS)
    for name, x in arrays.items():
        flat = x[:, 0] if x.shape[1:] == (1,) else x  # lerobot hands out numbers without an axis
        np.testing.assert_array_equal(found[name].reshape(flat.shape), flat, err_msg=name)
        assert found[name].dtype == x.dtype, name
    index = np.concatenate([np.arange(n) for n in LENGTHS])
    np.testing.assert_array_equal(found["frame_index"], index)
    np.testing.assert_array_equal(found["timestamp"], (index / FPS).astype(np.float32))
    ends = np.repeat(np.cumsum(LENGTHS), LENGTHS) - 1  # an episode's last action stands after it
    after = np.minimum(np.arange(len(ends)) + 1, ends)
    np.testing.assert_array_equal(
        found["chunks"], arrays["action"][np.stack([ends * 0 + np.arange(len(ends)), after], 1)]
    )
    np.testing.assert_array_equal(found["padded"][:, 1], np.arange(len(ends)) == ends)


def test_we_read_what_lerobot_writes(theirs: Path, recording: Recording):
    found = lerobot.read(theirs)
    assert found.fps == FPS and len(found.episodes) == len(LENGTHS)
    for mine, other in zip(recording.episodes, found.episodes, strict=True):
        assert set(other.observations) == set(mine.observations)
        for name, x in mine.observations.items():
            np.testing.assert_array_equal(other.observations[name], x, err_msg=name)
        for name in ("actions", "rewards", "terminated", "truncated", "success"):
            np.testing.assert_array_equal(getattr(other, name), getattr(mine, name), err_msg=name)
        assert other.actions.dtype == np.float32


def test_both_folders_have_one_layout(ours: Path, theirs: Path):
    infos = [json.loads((f / "meta/info.json").read_text()) for f in (ours, theirs)]
    for name in (
        "codebase_version",
        "fps",
        "total_episodes",
        "total_frames",
        "data_path",
        "splits",
    ):
        assert infos[0][name] == infos[1][name], name
    assert infos[0]["features"] == infos[1]["features"]
    for name in ("data/chunk-000/file-000.parquet", "meta/episodes/chunk-000/file-000.parquet"):
        tables = [pd.read_parquet(f / name) for f in (ours, theirs)]
        assert set(tables[0]) <= set(tables[1]), name
        extra = set(tables[1]) - set(tables[0])
        assert all(x.startswith("stats/") or "meta/" in x for x in extra), extra
    stats = [json.loads((f / "meta/stats.json").read_text()) for f in (ours, theirs)]
    for name in infos[0]["features"]:
        for measure in STATISTICS:
            x, y = (s[name][measure] for s in stats)
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-7, err_msg=f"{name} {measure}")
