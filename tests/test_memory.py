"""Small files that declare or unpack to gigabytes are refused in a process that has no room."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from imitbench.results.cells import store

EPISODES = 400
REWARDS = 2**24
ROOM = 2**28  # bytes that a child process may take beyond what it starts with


def hdf5_bomb(folder: Path) -> Path:
    """Arrays of the right shapes, never written: a few hundred kilobytes for gigabytes."""
    place = folder / "bomb" / "data"
    place.mkdir(parents=True)
    metadata = {"data_format": "hdf5", "total_episodes": EPISODES}
    (place / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    with h5py.File(place / "main_data.hdf5", "w") as file:
        for k in range(EPISODES):
            group = file.create_group(f"episode_{k}")
            for name, shape in (
                ("observations", (1001, 348)), ("actions", (1000, 17)), ("rewards", (1000,)),
                ("terminations", (1000,)), ("truncations", (1000,)),
            ):  # fmt: skip
                group.create_dataset(name, shape, np.float32)
    return folder / "bomb"


def rewards_bomb(folder: Path) -> Path:
    """One episode with many rewards that were never written."""
    with h5py.File(folder / "main_data.hdf5", "w") as file:
        for k in range(3):
            file.create_group(f"episode_{k}").create_dataset("rewards", (REWARDS,), np.float64)
    return folder


def parquet_bomb(folder: Path, finished: Path) -> Path:
    """A cell whose curve unpacks to gigabytes of one number."""
    cell = next(store.cells_folder(finished).iterdir())
    shutil.copytree(cell, folder / "cell")
    table = pa.table({"seed": pa.array(np.zeros(2**26, np.int8))})
    pyarrow.parquet.write_table(table, folder / "cell" / "curve.parquet", compression="zstd")
    info = json.loads((folder / "cell" / "cell.json").read_text(encoding="utf-8"))
    del info["sha256"]
    (folder / "cell" / "cell.json").write_text(json.dumps(info), encoding="utf-8")
    return folder / "cell"


def peak_and_error(code: str) -> tuple[int, str]:
    """Runs code that must raise a UserError; the memory that it took, and the message."""
    child = f"""
import resource
from pathlib import Path
import imitbench.envs, imitbench.data.formats.minari as minari
from imitbench.results import policy_trials
from imitbench.results.cells import store
from imitbench.utils.errors import UserError
imitbench.envs.make("Humanoid")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    {code}
except UserError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", child], capture_output=True, text=True, check=True, timeout=120
    )
    peak, _, message = done.stdout.partition(" ")
    assert peak, done.stderr
    return 1024 * int(peak), message


@pytest.mark.parametrize(
    "kind",
    ["demonstrations", "rollouts", "cell"],
)
@pytest.mark.slow
def test_a_bomb_takes_little_memory(tmp_path, finished, kind):
    if kind == "demonstrations":
        path = hdf5_bomb(tmp_path)
        code, words = f"minari.load(Path({str(path)!r}), 'Humanoid')", "of which 0 are stored"
    elif kind == "rollouts":
        path = rewards_bomb(tmp_path)
        code, words = f"policy_trials.read_trials({str(path)!r})", "of which 0 are stored"
    else:
        path = parquet_bomb(tmp_path, finished)
        code, words = f"store.read(Path({str(path)!r}))", "rows"
    assert sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) < 2**23
    taken, message = peak_and_error(code)
    assert words in message
    assert taken < ROOM, f"{taken:,} bytes"
