"""Two runs into one folder: one of them finishes what the other one has begun to look at."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from helpers import fake_results
from helpers.toy_runs import TOY, far, jobs

from imitbench.results.cells import store
from imitbench.runs import distributed, finished, more_seeds, plan, runner, worker
from imitbench.utils.files import lock_folder, lock_if_free

FEWER = worker.SuiteRef(TOY, "cpu", 1)


@pytest.fixture
def late(monkeypatch) -> plan.Job:
    """A job of one seed, not finished when a run began; another one then finishes two seeds."""
    (job,) = plan.prepare("toy", "cpu", [dataclasses.replace(jobs()[0].cell, seeds=1)])
    monkeypatch.setattr(finished, "find_unfinished", lambda *_: ([job], []))
    two_seeds = fake_results.cell("bc", [0.5, 0.6])
    monkeypatch.setattr(more_seeds, "finished_seeds", lambda *_: two_seeds)
    return job


def task_for(job: plan.Job, root: Path, **changes: Any) -> worker.CellTask:
    return worker.CellTask(
        suite_ref=FEWER, code=worker.code_version(), owner_pid=os.getpid(), key=job.key,
        engine=job.env.engine, index=job.index, root=root, store_experience=False, **changes,
    )  # fmt: skip


def test_a_cell_that_has_more_seeds_meanwhile_is_skipped(tmp_path, late):
    (line,) = runner.run([late], tmp_path)
    assert line == f"{late.key}: another process finished it with more seeds, skipped"
    assert store.read_all(tmp_path) == [] and list((tmp_path / "partial").iterdir()) == []


def test_workers_skip_it_too(tmp_path, late):
    root = tmp_path / "toy"
    lines = distributed.run_distributed([late], root, FEWER, far([]))
    assert lines == [f"{late.key}: another process finished it, skipped"]
    with lock_folder(worker.coordination(root)):
        by_itself = worker.work(task_for(late, root))
    assert not store.partial_folder(root, late.key).exists()
    does_not_see_root = worker.work(task_for(late, tmp_path / "elsewhere", done=(0, 1)))
    for answer in (by_itself, does_not_see_root):
        assert isinstance(answer, worker.FinishedElsewhere)


def test_cells_of_another_physics_are_read_and_moved_under_one_lock(tmp_path, monkeypatch):
    locked = []

    def read_all(root: Path, every: bool) -> list[Any]:
        with lock_if_free(root) as owner:
            locked.append(owner is not None)
        return []

    monkeypatch.setattr(store, "read_all", read_all)
    assert finished.find_unfinished([], tmp_path) == ([], []) and locked == [True]
