"""Rows of peers: the protocol, what is kept of an interrupted run, and the cell that results."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import messages, run, seeds
from benchmarks.peers.process import Peer
from benchmarks.peers.rows import ROWS, PeerRow
from imitbench.data import loading
from imitbench.results import tables
from imitbench.results.cells import store
from imitbench.runs import plan

WORKER = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
import serving

class Constant:
    '''Learns the mean action of its data, after the first gradient step.'''

    def __init__(self, words, arrays):
        print("a line that no answer may be mixed up with")
        assert words["gymnasium_id"] == "Hopper-v5" and words["settings"] == {{"hidden": [4]}}
        self.mean, self.learned = arrays["action"].mean(axis=0), False

    def train(self, steps):
        assert steps == 4
        self.learned = True

    def act(self, obs):
        return np.tile(self.mean * self.learned, (len(obs), 1))

serving.serve("numpy", Constant)
"""
ROW = PeerRow("offline", "Hopper", 25, "bc", "numpy-mean", "numpy", "mean", "stochastic-medium",
              {"hidden": [4]})  # fmt: skip


def test_messages_arrive_as_they_were_sent():
    stream = io.BytesIO()
    messages.send(stream, {"do": "act", "seed": 3}, obs=np.eye(2, dtype=np.float32))
    messages.send(stream, {})
    stream.seek(0)
    first, second = messages.receive(stream), messages.receive(stream)
    assert first is not None and first.words == {"do": "act", "seed": 3}
    np.testing.assert_array_equal(first.arrays["obs"], np.eye(2))
    assert second == ({}, {}) and messages.receive(stream) is None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_stands_beside_a_cell_of_the_cpu_profile(row):
    cell = run.find_cell(row, "cpu")
    assert (cell.task, cell.demos, cell.name) == (row.task, row.demos, row.beside)
    assert row.name.split("-", 1)[1] == row.beside, "tables find our row by this name"
    assert Path(run.__file__).with_name(f"{row.package}_worker.py").exists()


@pytest.mark.slow
def test_a_row_is_trained_on_our_data_and_becomes_a_cell(tmp_path):
    script = tmp_path / "numpy_worker.py"
    script.write_text(WORKER.format(folder=str(Path(run.__file__).parent)))
    peer = Peer(script, sys.executable)
    folder = run.run_row(ROW, "smoke", tmp_path / "offline", peer)
    result = store.read(folder)
    job = plan.prepare("offline", "smoke", [run.find_cell(ROW, "smoke")])[0]
    version = np.__version__
    assert result.identity == run.identity_of(ROW, job, version)
    assert result.peer == {"package": "numpy", "version": version}
    assert set(result.info["seconds"]) == {"compile", "train", "evaluate"}
    assert result.curve["grad_steps"].tolist() == 2 * [0, 4, 8]
    # Each seed acts with the mean of its own data, from its own initial states.
    loaded = loading.load_demonstrations(
        job.cell.data, job.env, job.seeds, configs=[job.cell.config]
    )
    rows = run.rows_by_seed(job, loaded.rows)
    for seed, key in enumerate(plan.eval_keys(job.seeds, validation=False)):
        peer.ask("begin", {"gymnasium_id": "Hopper-v5", "settings": {"hidden": [4]}},
                     **rows[seed])  # fmt: skip
        peer.ask("train", {"steps": 4})
        expected = seeds.evaluator(job.env, peer, 1)(key)["return"].mean()
        assert result.final("return")[seed] == pytest.approx(expected)
    peer.close()
    assert not (tmp_path / "offline" / "partial").exists() or not list(
        (tmp_path / "offline" / "partial").glob("*/*.npz")
    )
    assert "numpy-mean" in tables.markdown(store.read_all(tmp_path / "offline"))


def test_finished_seeds_are_kept(tmp_path):
    result = seeds.SeedResult([{"return": np.arange(3.0)}, {"return": np.ones(3)}], 1.5, 0.5)
    seeds.store_seed(tmp_path / "a" / "seed-0.npz", result)
    again = seeds.load_seed(tmp_path / "a" / "seed-0.npz")
    assert again[1:] == (1.5, 0.5)
    for e in range(2):
        np.testing.assert_array_equal(again.episodes[e]["return"], result.episodes[e]["return"])


def test_a_peer_that_is_not_installed_or_dies_is_named(tmp_path):
    with pytest.raises(SystemExit, match="run `make peers`"):
        Peer(tmp_path / "x.py", str(tmp_path / "python"))
    (tmp_path / "dead.py").write_text("raise SystemExit(1)")
    with pytest.raises(SystemExit, match="the peer's process ended"):
        Peer(tmp_path / "dead.py", sys.executable)
