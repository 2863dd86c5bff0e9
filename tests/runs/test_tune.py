"""The search for settings: the draws, the programs, and the stored trials."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from imitbench.algos.adversarial import gail
from imitbench.algos.cloning import bc
from imitbench.algos.common import off_policy
from imitbench.algos.offline import td3_bc
from imitbench.algos.rl import ddpg_demos
from imitbench.cli import console, main
from imitbench.data import loading
from imitbench.data.sources.source import DemoSource
from imitbench.experts import reference_scores
from imitbench.runs import search_space, tune
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError

CONFIG = bc.Config(hidden=(8,), batch=16, validation=0.0, steps=20)
CELL = Cell(
    "ProbeTarget", 20, "bc", CONFIG, grad_steps=40, seeds=2, num_evals=1, eval_episodes=50,
    source=DemoSource(pool=40), validation=True,
)  # fmt: skip


def test_draws_lie_in_their_ranges():
    ranges = [
        search_space.parse(w) for w in ("lr=log:1e-4:1e-2", "l2=uniform:0.1:0.2", "batch=8/32")
    ]
    words = search_space.trials(ranges, 200, seed=3)
    assert words[0] == () and len(words) == 200
    drawn = [dict(w.split("=") for w in trial) for trial in words[1:]]
    lr = np.array([float(d["lr"]) for d in drawn])
    assert lr.min() >= 1e-4 and lr.max() <= 1e-2 and 0.4 < np.mean(lr < 1e-3) < 0.6
    assert all(0.1 <= float(d["l2"]) <= 0.2 for d in drawn)
    assert {d["batch"] for d in drawn} == {"8", "32"}
    assert (
        search_space.trials(ranges, 200, seed=3)
        == words
        != search_space.trials(ranges, 200, seed=4)
    )


def test_the_grid_begins_with_unchanged_settings():
    ranges = [search_space.parse("lr=1e-3/1e-2"), search_space.parse("hidden=8,8/16")]
    assert search_space.trials(ranges, 0, 0) == [
        (), ("lr=1e-3", "hidden=8,8"), ("lr=1e-3", "hidden=16"), ("lr=1e-2", "hidden=8,8"),
        ("lr=1e-2", "hidden=16"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("lr", "expected field=log:LOW:HIGH"),
        ("lr=normal:0:1", "expected field=log:LOW:HIGH"),
        ("lr=log:0:1", "above 0 for log"),
        ("lr=uniform:2:1", "expected LOW below HIGH"),
        ("lr=log:a:b", "expected numbers, not a:b"),
    ],
)
def test_bad_ranges_are_refused(word, text):
    with pytest.raises(UserError, match=text):
        search_space.parse(word)


def test_bad_numbers_of_trials_are_refused():
    with pytest.raises(UserError, match="trials=-1"):
        search_space.trials([], -1, 0)
    with pytest.raises(UserError, match="lr is an interval, which has no grid"):
        search_space.trials([search_space.parse("lr=log:1e-4:1e-2")], 0, 0)


def test_trials_that_differ_in_floats_share_a_program():
    words = [(), ("lr=0.01", "batch=16"), ("lr=0.1", "batch=32"), ("lr=0.2", "batch=32")]
    assert tune.group_trials(CONFIG, words) == [words[:2], words[2:]]
    with pytest.raises(UserError, match="did you mean lr"):
        tune.group_trials(CONFIG, [("lrr=0.01",)])
    with pytest.raises(UserError, match="lr=-1"):
        tune.group_trials(CONFIG, [("lr=-1",)])


WORDS = [(), ("lr=0.0001",), ("lr=0.03",)]


@pytest.mark.slow
def test_one_program_scores_trials_as_separate_programs_do(tmp_path):
    _, together = tune.search(CELL, WORDS, tmp_path / "together")
    assert [t.words for t in together] == WORDS
    for trial in together:
        _, (alone,) = tune.search(CELL, [trial.words], tmp_path / "alone")
        np.testing.assert_allclose(trial.scores, alone.scores, rtol=1e-3, atol=1e-3)
    assert len({tuple(t.scores) for t in together}) == 3


def test_finished_trials_are_kept(tmp_path, monkeypatch):
    path, first = tune.search(CELL, WORDS, tmp_path)
    assert len(json.loads(path.read_text(encoding="utf-8"))) == 3 and not list(
        path.parent.glob("partial/*")
    )

    def fail(*args: Any) -> Any:
        raise AssertionError("trained again")

    monkeypatch.setattr(tune, "_train", fail)
    assert tune.search(CELL, WORDS, tmp_path) == (path, first)
    with pytest.raises(AssertionError, match="trained again"):  # another budget is another search
        tune.search(dataclasses.replace(CELL, grad_steps=80), WORDS, tmp_path)


APART = [(), ("batch=8",), ("batch=32",)]  # a program for each
LOST, LOW, HIGH = [1000, 1001], [-9.0, -7.0], [-5.0, -3.0]


def searched(monkeypatch, root, returns: dict[Any, Any], diverged: dict[Any, Any], **random: Any):
    """A search on a task of negative returns, whose training is made up."""
    ends: Any = {"ProbeTarget": random} if random else {}
    monkeypatch.setattr(reference_scores, "table", lambda: ends)
    monkeypatch.setattr(tune.rollout, "has_success", lambda env: False)

    def train(job: Any, rows: Any, group: Any, *_: Any) -> Any:
        (words,) = group
        last = np.array([[-50.0, x] for x in returns[words]])
        lost = np.isin(job.seeds, diverged.get(words, []))
        ev: Any = SimpleNamespace(returns=np.where(lost[:, None], np.nan, last), diverged=lost)
        return tune._score_trials(group, job.seeds, job.env, ev)

    monkeypatch.setattr(tune, "_train", train)
    return tune.search(CELL, APART, root)[1]


def test_a_diverged_seed_has_the_random_policys_return(monkeypatch, tmp_path, capsys):
    returns, diverged = dict(zip(APART, (LOW, LOW, HIGH), strict=True)), {(): LOST}
    trials = searched(monkeypatch, tmp_path, returns, diverged, random=-43.0)
    assert [t.scores for t in trials] == [[-43.0, -43.0], LOW, HIGH]
    assert [t.diverged for t in trials] == [LOST, [], []]
    (path,) = tmp_path.rglob("trials.json")
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["[]"]["scores"] == [-43.0, -43.0]
    stored["[]"]["scores"] = [0.0, 0.0]  # as an older version stored it
    path.write_text(json.dumps(stored), encoding="utf-8")
    again = searched(monkeypatch, tmp_path, returns, diverged, random=-43.0)
    assert again == trials
    console.print_trials(trials, CELL)
    out = capsys.readouterr().out
    assert "best: --set batch=32" in out and out.index("batch=8") < out.index("as given")
    console.print_trials(searched(monkeypatch, tmp_path, returns, diverged, random=-4.0), CELL)
    assert "best: --set batch=32" in capsys.readouterr().out  # though random actions are better


def test_without_a_reference_a_diverged_seed_has_the_lowest_return_of_all(
    monkeypatch, tmp_path, capsys
):
    returns = dict(zip(APART, (LOW, LOW, HIGH), strict=True))
    lost: dict[Any, Any] = {(): LOST, ("batch=32",): [1001]}
    trials = searched(monkeypatch, tmp_path / "some", returns, lost)
    assert [t.scores for t in trials] == [[-9.0, -9.0], LOW, [-5.0, -9.0]]
    all_lost = searched(monkeypatch, tmp_path / "all", returns, dict.fromkeys(APART, LOST))
    assert np.isnan([t.scores for t in all_lost]).all()
    assert searched(monkeypatch, tmp_path / "all", returns, {})[0].diverged == LOST  # stored
    console.print_trials(trials, CELL)
    assert "best: --set batch=32" in capsys.readouterr().out
    console.print_trials(all_lost, CELL)
    assert "best: none, because every seed of every trial diverged" in capsys.readouterr().out
    equal = [tune.Trial((), [0.0, 0.0], [1000]), tune.Trial(("batch=8",), [0.0, 0.0], [])]
    console.print_trials(equal, CELL)
    assert "best: --set batch=8" in capsys.readouterr().out


@pytest.mark.slow
def test_settings_that_change_the_program_are_trained_apart(tmp_path):
    """A weight of 0 leaves a part of the program out."""
    config = bc.Config(hidden=(8,), batch=16, validation=0.25, steps=20)
    words = [(), ("validation=0.5",)]
    _, trials = tune.search(dataclasses.replace(CELL, config=config), words, tmp_path)
    assert [t.words for t in trials] == words and all(np.isfinite(t.scores).all() for t in trials)


@pytest.mark.slow
def test_resets_can_be_tried(tmp_path):
    """Resets to demonstrated states change the program too."""
    replay = off_policy.Config(envs=4, length=10, rounds=2, warmup=40, capacity=200, batch=8)
    config = ddpg_demos.Config(replay=replay, hidden=(8,), demo_batch=8)
    cell = dataclasses.replace(
        CELL, task="PointMass", method="ddpg_demos", config=config, env_steps=80, grad_steps=0
    )
    words = [(), ("replay.resets=0.5",)]
    _, trials = tune.search(cell, words, tmp_path)
    assert [t.words for t in trials] == words and all(np.isfinite(t.scores).all() for t in trials)


@pytest.mark.slow
def test_nested_settings_and_rewards(tmp_path):
    config = td3_bc.Config(hidden=(8,))
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, batch=8, steps=5))
    cell = dataclasses.replace(CELL, method="td3_bc", config=config, grad_steps=10)
    with pytest.raises(UserError, match="has no rewards"):  # the probe's expert gets 0 throughout
        tune.search(cell, [()], tmp_path)
    cell = dataclasses.replace(cell, source=DemoSource(pool=40, noise=0.3))
    _, trials = tune.search(cell, [(), ("lr=0.1",), ("lr=0.03",)], tmp_path)
    assert len({tuple(t.scores) for t in trials}) > 1


def test_the_command_names_the_best(tmp_path, capsys):
    options = "--task ProbeTarget --demos 20 --pool 40 --seeds 2 --grad-steps 600 --evals 1"
    options += " --eval-episodes 10 --set validation=0 --set steps=20 --set hidden=8"
    words = ["tune", "bc", *options.split(), "--range", "lr=1e-6/1e-2", "--trials", "0"]
    assert main.main([*words, "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "3 trials of bc on ProbeTarget, 2 validation seeds x 10 episodes" in out
    assert "best: --set lr=1e-2" in out
    assert main.main(["tune", "bc", "--task", "ProbeTarget"]) == 2


def test_warnings_about_settings_come_before_training(capsys, monkeypatch, tmp_path):
    def begins(*_: object, **__: object) -> None:
        err = capsys.readouterr().err
        assert err.count("negative rewards where episodes end with failure") == 1
        raise UserError("training began")

    monkeypatch.setattr(loading, "load_demonstrations", begins)
    cell = Cell(
        "Hopper", 1, "gail", gail.Config(), env_steps=2048, seeds=2, num_evals=1,
        source=DemoSource(pool=1), validation=True,
    )  # fmt: skip
    with pytest.raises(UserError, match="training began"):
        tune.search(cell, [(), ("discriminator.reward=negative",)], tmp_path)
