"""Seeds are added to a finished cell, and fewer seeds do not hide one."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import fake_results

from imitbench import algos
from imitbench.cli import main
from imitbench.core.types import Traits
from imitbench.results.cells import policy_files, store
from imitbench.runs import finished, plan, runner, stale
from imitbench.runs.plan import Job
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell
from imitbench.training.progress import Progress
from imitbench.utils import machine
from imitbench.utils.errors import UserError

TOY = str(Path(__file__).parents[1] / "helpers" / "toy_suite.py")


def jobs(seeds: int) -> list[Job]:
    cell = load_suite(TOY).profiles["smoke"][0]
    return plan.prepare("toy", "smoke", [dataclasses.replace(cell, seeds=seeds)])


@pytest.fixture
def trained(monkeypatch) -> list[int]:
    """The numbers of seeds that are trained, in order."""
    counts: list[int] = []
    train = runner.resumable.train_resumable

    def counted(folder, algo, demos, keys, progress, **options):
        counts.append(len(keys))
        return train(folder, algo, demos, keys, progress, **options)

    monkeypatch.setattr(runner.resumable, "train_resumable", counted)
    return counts


def model_card(r) -> list[str]:
    """The lines of the model card that do not say when the cell was finished."""
    path = r.folder / policy_files.FOLDER / policy_files.MODEL_CARD
    return [line for line in path.read_text().splitlines() if "Finished" not in line]


def test_the_missing_seeds_alone_are_trained_and_the_cell_is_the_same(tmp_path, trained):
    few, whole = tmp_path / "few", tmp_path / "whole"
    assert runner.run(jobs(1), few) == []
    (line,) = runner.run(jobs(3), few)
    assert line.endswith("seeds 0 are finished, the others are added")
    assert runner.run(jobs(3), whole) == [] and trained == [1, 2, 3]
    (grown,), (straight,) = store.read_all(few), store.read_all(whole)
    assert grown.folder.name == straight.folder.name
    pd.testing.assert_frame_equal(grown.curve, straight.curve)
    pd.testing.assert_frame_equal(grown.episodes, straight.episodes)
    assert grown.info["diverged_seeds"] == [] and grown.info["seconds"]["train"] > 0
    cards = [policy_files.read_card(r.folder) for r in (grown, straight)]
    page, other_page = (model_card(r) for r in (grown, straight))
    assert page == other_page and len([x for x in page if "safetensors" in x]) == 3
    for seed in range(3):
        own, other = (
            policy_files.read_arrays(r.folder, card, seed)
            for r, card in zip((grown, straight), cards, strict=True)
        )
        assert own.keys() == other.keys()
        for name in own:
            np.testing.assert_array_equal(own[name], other[name])


@pytest.mark.slow
@pytest.mark.parametrize("older_evaluates_first", [True, False])
def test_curves_of_one_evaluation_are_joined_where_both_have_one(
    tmp_path, monkeypatch, older_evaluates_first
):
    def once(seeds: int) -> list[Job]:
        cell = dataclasses.replace(jobs(seeds)[0].cell, num_evals=1)
        return plan.prepare("toy", "smoke", [cell])

    with monkeypatch.context() as older:
        older.setattr(Cell, "evaluated_first", older_evaluates_first)
        runner.run(once(1), tmp_path)
    (before,) = store.read_all(tmp_path)
    assert len(before.curve) == 1 + older_evaluates_first
    monkeypatch.setattr(Cell, "evaluated_first", not older_evaluates_first)
    runner.run(once(2), tmp_path)
    (r,) = store.ordering.newest_cells(store.read_all(tmp_path))
    assert r.curve["seed"].tolist() == [0, 1] and r.curve["evaluation"].tolist() == [0, 0]
    assert r.curve["updates"].tolist() == [once(2)[0].num_updates] * 2
    assert r.score("return")[0] == before.score("return")[0]


@pytest.mark.slow
@pytest.mark.parametrize(("after_training", "in_all"), [(1, 1), (2, 3)])
def test_one_evaluation_needs_none_before_training(tmp_path, after_training, in_all):
    cell = dataclasses.replace(jobs(1)[0].cell, num_evals=after_training)
    prepared = plan.prepare("toy", "smoke", [cell])
    assert f"{in_all * cell.eval_episodes} evaluation episodes" in plan.workload(prepared)
    runner.run(prepared, tmp_path)
    (r,) = store.read_all(tmp_path)
    assert len(r.curve) == in_all


def test_fewer_seeds_are_skipped_and_hide_nothing(tmp_path, trained):
    runner.run(jobs(2), tmp_path)
    (line,) = runner.run(jobs(1), tmp_path)
    assert line.endswith("finished before with more seeds, skipped") and trained == [2]
    fewer = fake_results.cell("a", [0.5] * 2)
    more = fake_results.cell("a", [0.5] * 5)
    fewer.info["finished_at"], more.info["finished_at"] = "2026-02-01", "2026-01-01"
    assert store.ordering.newest_cells([fewer, more]) == [more]
    fewer.identity["grad_steps"] = 7  # with other settings the newest counts
    assert store.ordering.newest_cells([fewer, more]) == [fewer]


@pytest.mark.slow
def test_other_settings_are_not_extended(tmp_path, trained):
    runner.run(jobs(1), tmp_path)
    (job,) = jobs(2)
    cell = dataclasses.replace(job.cell, grad_steps=2 * job.cell.grad_steps)
    assert runner.run(plan.prepare("toy", "smoke", [cell]), tmp_path) == []
    assert trained == [1, 2]


@pytest.mark.slow
def test_a_cell_of_another_physics_is_set_aside_and_named(tmp_path, trained, capsys):
    runner.run(jobs(1), tmp_path)
    (cell,) = store.read_all(tmp_path)
    fake_results.rewrite(cell.folder, lambda info: info.update(environment_digest="other"))
    lines = runner.run(jobs(1), tmp_path)
    assert len(lines) == 1 and "digest other, here" in lines[0] and "set aside in" in lines[0]
    assert lines[0] in capsys.readouterr().err
    assert trained == [1, 1] and (tmp_path / "aside" / cell.folder.name / "cell.json").is_file()
    assert [r.info["environment_digest"] for r in store.read_all(tmp_path)] != ["other"]
    assert finished.find_unfinished(jobs(1), tmp_path)[0] == []


def test_stale_cells_are_named_with_what_differs(tmp_path, trained, monkeypatch):
    runner.run(jobs(1), tmp_path)
    assert stale.stale_cells(jobs(2), tmp_path) == []
    (job,) = jobs(1)
    config = dataclasses.replace(job.cell.config, lr=7.0)
    cell = dataclasses.replace(job.cell, config=config)
    changed = plan.prepare("toy", "smoke", [cell])
    ((found, line),) = stale.stale_cells(changed, tmp_path)
    assert found == changed[0]
    assert line.startswith(job.key) and line.endswith("config.lr 0.001, now 7.0")
    monkeypatch.setattr(algos.ALGOS["bc"], "TRAITS", Traits(version=2), raising=False)
    ((_, line),) = stale.stale_cells(jobs(1), tmp_path)
    assert line.endswith(": version 1, now 2")


@pytest.mark.slow
def test_stale_cells_alone_are_shown_and_run(tmp_path, capsys, monkeypatch):
    words = ["run", TOY, "--results", str(tmp_path)]
    assert main.main([*words, "--only", "bc"]) == 0
    assert main.main([*words, "--stale", "show"]) == 0
    assert "no cell is stale" in capsys.readouterr().err
    monkeypatch.setattr(algos.ALGOS["bc"], "TRAITS", Traits(version=2), raising=False)
    assert main.main([*words, "--stale", "show"]) == 0
    out = capsys.readouterr().out
    assert re.search("stale +PointMass-4-bc-.*: version 1, now 2\n$", out) and "dagger" not in out
    assert len(store.read_all(tmp_path / "toy", every=True)) == 1
    assert main.main([*words, "--stale", "rerun"]) == 0
    labels = [r.identity["label"] for r in store.read_all(tmp_path / "toy", every=True)]
    assert labels == ["bc", "bc"]  # dagger was never run, and is not run now
    capsys.readouterr()
    assert main.main([*words, "--stale", "show"]) == 0
    assert capsys.readouterr() == ("", "no cell is stale\n")


@pytest.mark.slow
def test_checkpoints_of_another_version_are_named_and_left(tmp_path, capsys, monkeypatch):
    """A run that was cut off goes on only where the method is the one that began."""
    words = ["run", TOY, "--only", "bc", "--results", str(tmp_path)]

    def cut(self, ev):
        if ev.updates[-1] > 0:
            raise UserError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "update", cut)
        assert main.main(words) == 2
    assert "begun" not in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "update", cut)
        patch.setattr(machine, "git_commit", lambda: "another")
        assert main.main(words) == 2
    assert re.search(
        "PointMass-4-bc-.*: its checkpoint was begun by other code "
        r"\(commit .*, now another\); to start anew delete ", capsys.readouterr().err
    )  # fmt: skip
    monkeypatch.setattr(algos.ALGOS["bc"], "TRAITS", Traits(version=2), raising=False)
    assert main.main(words) == 0
    err = capsys.readouterr().err
    assert re.search(
        "starts anew; .*partial/PointMass-4-bc-.* holds checkpoints with other settings "
        r"\(version 1, now 2\): delete it", err
    )  # fmt: skip
    assert "resumed" not in err
    (kept,) = (tmp_path / "toy" / "partial").iterdir()
    assert any(path.name.isdigit() for path in kept.iterdir())


@pytest.mark.slow
def test_finished_cells_run_again_when_asked_and_are_kept(tmp_path, capsys):
    words = ["run", TOY, "--profile", "smoke", "--results", str(tmp_path)]
    assert main.main(words) == 0
    (cell,) = store.read_all(tmp_path / "toy.smoke")
    assert main.main([*words, "--rerun"]) == 0
    out = capsys.readouterr()
    assert "set aside" in out.err and "finished before" not in out.out
    assert (tmp_path / "toy.smoke" / "aside" / cell.folder.name / "cell.json").is_file()
    assert main.main([*words, "--seeds", "3", "--dry-run"]) == 0
    assert "stale" not in capsys.readouterr().out


@pytest.mark.slow
def test_seeds_are_joined_to_the_cell_that_they_were_trained_beside(tmp_path, trained):
    """Another process finishes more seeds meanwhile: they are not taken for the ones trained."""
    runner.run(jobs(1), tmp_path)
    (job,) = jobs(3)
    with Progress(job.cell.num_evals) as progress:
        progress.start("PointMass", "bc", job.num_updates, job.cell.num_evals)
        outcome = runner.compute(
            job, tmp_path / "partial" / job.key, progress, done=[0], store_experience=False
        )
    runner.run(jobs(2), tmp_path)
    runner.finish(job, outcome, tmp_path)
    runner.run(jobs(3), tmp_path / "whole")
    (grown,), (straight,) = store.read_all(tmp_path), store.read_all(tmp_path / "whole")
    pd.testing.assert_frame_equal(grown.curve, straight.curve)
