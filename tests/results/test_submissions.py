"""Submissions: what is refused, that nothing changes unseen, and that a seed can be repeated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docs._generate import leaderboard
from imitbench.algos.cloning import bc
from imitbench.cli import main
from imitbench.cli import submit as command
from imitbench.data.sources.source import DemoSource
from imitbench.results import submissions
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.runs import plan, repeat_seed, runner
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError

CONFIG = bc.Config(hidden=(8,), batch=8, steps=2, validation=0.0)
ABOUT = {"name": "mine", "by": "A. Person", "about": "BC", "suite": "toy", "profile": "cpu"}


def cells(**changes: Any) -> list[Cell]:
    values: dict[str, Any] = {
        "grad_steps": 4, "seeds": 5, "num_evals": 1, "eval_episodes": 2, "label": "mine",
        "source": DemoSource(pool=4),
    }  # fmt: skip
    return [Cell("PointMass", 2, "bc", CONFIG, **(values | changes))]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    runner.run(plan.prepare("toy", "cpu", cells()), folder)
    return folder


@pytest.fixture
def results(root) -> list[Result]:
    return store.read_all(root)


@pytest.fixture
def toy(monkeypatch, root):
    """A suite `toy`, whose shipped cells are those of `root`."""
    suite = SimpleNamespace(profiles={"cpu": cells()})
    monkeypatch.setattr(repeat_seed, "load_suite", lambda name: suite)
    monkeypatch.setattr(command, "suite_names", lambda: ["toy"])
    monkeypatch.setattr(command, "shipped_folder", lambda name: root)


def changed(results: Sequence[Result], **changes: Any) -> Result:
    (r,) = results
    identity = {k: v for k, v in (r.identity | changes).items() if v is not None}
    return r._replace(info={**r.info, "identity": identity})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"label": "other", "config": {}, "grad_steps": 8}, ""),
        ({"seeds": [0, 1]}, "it has 2 seeds: expected at least 5"),
        ({"seeds": [1, 2, 3, 4, 5]}, "its seeds are 1, 2, 3, 4, 5: expected 0 to 4"),
        ({"initial_states": None}, "its seeds share their initial states"),
        ({"task": "Hopper"}, "the suite has no cell of Hopper with 2 demonstrations"),
        ({"demos": 3}, "the suite has no cell of PointMass with 3 demonstrations"),
        ({"eval_episodes": 3}, "its eval_episodes is none of the suite's"),
        ({"obs_noise": 0.1, "engine": "mjx"}, "its engine, obs_noise is none of the suite's"),
        ({"source": {"pool": 9}}, "its source is none of the suite's"),
    ],
)
def test_cells_that_fit_a_suite(results, changes, reason):
    assert submissions.problem(changed(results, **changes), results).startswith(reason)
    assert bool(submissions.problem(changed(results, **changes), results)) == bool(reason)


def test_a_cell_of_an_environment_that_differs_does_not_fit(results):
    (r,) = results
    other = r._replace(info=r.info | {"environment_digest": "other"})
    words = "its environment_digest is none of the suite's"
    assert submissions.problem(other, results) == words


def test_a_submission_is_read_as_it_was_written(results, tmp_path):
    submissions.submit(results, results, tmp_path, **ABOUT)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
    found, read = submissions.read(tmp_path / "mine")
    assert (found.label, found.by, len(read)) == ("mine", "A. Person", 1)
    assert not list((tmp_path / "mine").rglob("policy*"))
    assert [about for about, _ in submissions.read_all(tmp_path)] == [found]
    assert submissions.read_all(tmp_path / "none") == []
    with pytest.raises(UserError, match="is there already: choose another name"):
        submissions.submit(results, results, tmp_path, **ABOUT)
    with pytest.raises(UserError, match="does not fit the suite toy: it has 2 seeds"):
        submissions.submit(
            [changed(results, seeds=[0, 1])], results, tmp_path, **(ABOUT | {"name": "b"})
        )
    assert not (tmp_path / "b").exists()


def test_whatever_is_changed_is_seen(results, tmp_path):
    submissions.submit(results, results, tmp_path, **ABOUT)
    folder = tmp_path / "mine"
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        before = path.read_bytes()
        path.write_bytes(before[:-2] + bytes([before[-2] ^ 1]) + before[-1:])
        with pytest.raises(UserError, match="submit the run again"):
            submissions.read(folder)
        path.write_bytes(before)
    submissions.read(folder)
    extra = folder / "cells" / "more.json"
    extra.write_text("{}")
    with pytest.raises(UserError, match="more.json is not the file that was submitted"):
        submissions.read(folder)
    extra.unlink()
    values = json.loads((folder / submissions.FILE).read_text())
    (folder / submissions.FILE).write_text(json.dumps(values | {"schema": 2}))
    with pytest.raises(UserError, match="has schema 2, this version reads 1"):
        submissions.read(folder)
    (folder / submissions.FILE).unlink()
    with pytest.raises(UserError, match=r"has no submission.json"):
        submissions.read(folder)


def test_a_seed_trains_to_the_same_score(results, toy, tmp_path):
    found = repeat_seed.repeat(results[0], "toy", "cpu", tmp_path)
    assert found.agrees and found.far == 0.0
    assert found.now == found.before == results[0].score(found.measure)[0]


def test_what_cannot_be_repeated_is_named(results, toy):
    for changes, words in (
        ({"method": "unheard"}, "method 'unheard' is not in this version"),
        ({"version": 99}, "bc has version . here, and the cell 99"),
        ({"source": {"pool": 9}}, "no cell of the suite toy has the demonstrations"),
    ):
        with pytest.raises(UserError, match=words):
            repeat_seed.cell_of(changed(results, **changes), "toy", "cpu")


def test_how_far_two_runs_are_apart():
    near = repeat_seed.Repetition("return", 10.0, 13.0, 1.0)
    assert near.far == pytest.approx(3 / 2**0.5) and near.agrees
    assert not repeat_seed.Repetition("return", 10.0, 16.0, 1.0).agrees
    assert not repeat_seed.Repetition("return", 10.0, 10.1, 0.0).agrees


@pytest.mark.slow
def test_the_commands(root, toy, tmp_path, capsys):
    words = ["submit", str(root), "--suite", "toy", "--folder", str(tmp_path)]
    assert main.main(words) == 2
    assert "--by: expected who submits" in capsys.readouterr().err
    assert main.main([*words, "--by", "A. Person"]) == 0
    assert "1 cells of mine are in" in capsys.readouterr().out
    assert main.main(["submit", str(tmp_path / "mine"), "--check"]) == 0
    out = capsys.readouterr().out
    assert "files have their checksums" in out and out.endswith("it agrees\n")
    code = tmp_path / "method.py"
    code.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    check = ["submit", str(tmp_path / "mine"), "--check", "--code"]
    assert main.main([*check, str(tmp_path / "method.txt")]) == 2
    assert "expected a Python file, *.py" in capsys.readouterr().err
    assert main.main([*check, str(tmp_path / "other.py")]) == 2
    assert "no such file of a method" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()
    assert main.main([*check, str(code)]) == 0 and (tmp_path / "ran").exists()
    assert main.main([*words, "--by", "A", "--label", "mime"]) == 2
    assert "did you mean mine?" in capsys.readouterr().err


def test_submissions_stand_in_the_ranking(results, tmp_path, monkeypatch):
    submissions.submit(results, results, tmp_path, **ABOUT)
    found, read = submissions.read(tmp_path / "mine")
    shipped = [changed(results, label="bc"), changed(results, label="other")]
    monkeypatch.setattr(leaderboard, "COMMUNITY", tmp_path)
    monkeypatch.setattr(leaderboard.sources, "shipped_results", lambda suite: tuple(shipped))
    table = leaderboard.table("toy")
    assert "| `mine (mine)` | A. Person |" in table and "| `bc` | shipped |" in table
    assert leaderboard.table("quickstart").count("A. Person") == 0
    assert submissions.with_name(found, read)[0].identity["label"] == "mine (mine)"
    other = shipped[0]._replace(info=shipped[0].info | {"environment_digest": "other"})
    shipped[:] = [other, changed(results, label="other")]
    words = "Not ranked: the cells of PointMass ran in environments that behave differently"
    assert leaderboard.table("toy").startswith(words)
    shipped[:] = [changed(results, validation=True)]
    assert leaderboard.table("toy") == ""
