"""A user's data set on workers: read where it is, sent where it is missing or another one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.toy_runs import far

import imitbench as ib
from imitbench import data
from imitbench.results.cells import store
from imitbench.runs import distributed, executors, plan, runner, worker
from imitbench.suites.registry import load_suite

SUITE = """
from imitbench.algos import bc
from imitbench.data import DemoSource
from imitbench.suites.schema import Cell, Suite

CONFIG = bc.Config(hidden=(8,), batch=8, steps=2, validation=0.0)
CELLS = tuple(
    Cell("none", demos, "bc", CONFIG, grad_steps=2, seeds=2, num_evals=1, eval_episodes=2,
         source=DemoSource(path="own.npz"))
    for demos in (2, 4)
)
SUITE = Suite(name="own", about="Own data.", profiles={"cpu": CELLS})
"""


@pytest.fixture(scope="module")
def demos() -> data.Demos:
    return ib.collect(ib.make_env("PointMass"), episodes=6, noise=0.1)


@pytest.fixture(scope="module")
def folder(demos, tmp_path_factory) -> Path:
    """A suite, its data, and its results in this process."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "suite.py").write_text(SUITE)
    data.save(folder / "own.npz", demos)
    runner.run(jobs_of(folder), folder / "here")
    return folder


def jobs_of(folder: Path) -> list[plan.Job]:
    suite = load_suite(str(folder / "suite.py"))
    return plan.prepare(suite.name, "cpu", suite.profiles["cpu"])


def assert_same(root: Path, straight: Path) -> None:
    mine, theirs = store.read_all(root), store.read_all(straight)
    assert len(mine) == len(theirs) == 2
    for a, b in zip(mine, theirs, strict=True):
        assert a.identity == b.identity and a.expert == b.expert == "data own"
        pd.testing.assert_frame_equal(a.curve, b.curve)


def keep(folder: Path, demos: data.Demos) -> None:
    pass


def remove(folder: Path, demos: data.Demos) -> None:
    (folder / "own.npz").unlink()


def change(folder: Path, demos: data.Demos) -> None:
    steps = demos.steps.replace(obs=np.asarray(demos.steps.obs) + 1)
    data.save(folder / "own.npz", demos.replace(steps=steps))


@pytest.mark.slow
@pytest.mark.parametrize("before", [change, keep, remove])
def test_workers_get_the_data_that_they_lack(folder, tmp_path, demos, capsys, before):
    shutil.copytree(folder, tmp_path / "suite", ignore=shutil.ignore_patterns("here"))
    jobs, calls = jobs_of(tmp_path / "suite"), []
    before(tmp_path / "suite", demos)
    ref = worker.SuiteRef(str(tmp_path / "suite/suite.py"), "cpu", None)
    assert distributed.run_distributed(jobs, tmp_path / "far", ref, far(calls)) == []
    assert_same(tmp_path / "far", folder / "here")
    sent = [[task.dataset is not None for task in call] for call in calls]
    assert sent == ([[False] * 2] if before is keep else [[False] * 2, [True] * 2])
    output = capsys.readouterr().err
    assert ("workers do not see the data" in output) == (before is not keep)
    assert "2 of 2: none-" in output


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_slurm_jobs_get_the_data_that_they_lack(folder, tmp_path, demos):
    shutil.copytree(folder, tmp_path / "suite", ignore=shutil.ignore_patterns("here"))
    jobs = jobs_of(tmp_path / "suite")
    remove(tmp_path / "suite", demos)
    ref = worker.SuiteRef(str(tmp_path / "suite/suite.py"), "cpu", None)
    local = executors.slurm(tmp_path / "slurm", cluster="local")
    assert distributed.run_distributed(jobs, tmp_path / "far", ref, local) == []
    assert_same(tmp_path / "far", folder / "here")
