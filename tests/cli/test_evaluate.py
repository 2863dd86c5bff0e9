"""`imitbench evaluate`: stored policies on new episodes."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import message

from imitbench import envs
from imitbench.api.evaluation import evaluate, load_policy
from imitbench.cli.evaluate import Evaluate
from imitbench.envs.registry import TaskEntry
from imitbench.envs.toys.point_mass import PointMass
from imitbench.report import video
from imitbench.results import scores, stats
from imitbench.results.cells import policy_files, store
from imitbench.results.cells.finding import cells_with_policies
from imitbench.results.tables.formatting import format_estimate
from imitbench.utils.errors import UserError


def test_every_stored_policy_is_evaluated(finished, tmp_path, capsys):
    out = tmp_path / "episodes.csv"
    Evaluate(finished, episodes=4, seed=2, out=out)()
    cells = [r.folder for r in store.read_all(finished)]
    frame = pd.read_csv(out)
    assert len(frame) == len(cells) * 2 * 4
    text = capsys.readouterr().out
    assert all(f"{cell.name}, seed {seed}: return" in text for cell in cells for seed in (0, 1))
    one = evaluate(load_policy(cells[0], seed=1), episodes=4, seed=2)
    part = frame.query("cell == @cells[0].name and policy == 1")
    np.testing.assert_allclose(part["return"], one["return"], rtol=1e-4)


def test_intervals_are_those_of_the_house(finished, capsys):
    """One policy: t and Wilson over episodes. Two seeds: crossed with the states they share."""
    cell = cells_with_policies(finished, "bc")[0]
    Evaluate(cell, episodes=12, seed=3)()
    table = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert [line.split()[1] for line in table[1:]] == ["0", "1", "all"]
    frames = [evaluate(load_policy(cell, seed=s), episodes=12, seed=3) for s in (0, 1)]
    x = np.stack([f["return"] for f in frames])
    hits = np.stack([f["success_final"] for f in frames]).astype(float)
    low, high = stats.wilson(hits[1].sum(), 12)
    expected = {
        1: (stats.over_seeds(x[0]).interval(), None),
        2: (None, stats.Estimate(hits[1].mean(), low, high)),
        3: (stats.crossed(x).interval(), stats.rate_interval(stats.crossed(hits), 24)),
    }
    for row, (returns, rates) in expected.items():
        if returns is not None:
            assert format_estimate(returns, 1, 2) in table[row]
        if rates is not None:
            assert table[row].endswith(format_estimate(rates, 100, 1))


def test_estimates_from_single_episodes():
    rng = np.random.default_rng(0)
    returns, hits = rng.normal(size=(2, 30)), (rng.random((2, 30)) < 0.8).astype(float)
    one, two = hits[:1], scores.outcome_estimate(hits, "success_any")
    assert scores.outcome_estimate(returns[:1], "return") == stats.over_seeds(returns[0]).interval()
    assert scores.outcome_estimate(returns, "return") == stats.crossed(returns).interval()
    assert scores.outcome_estimate(one, "success_any")[1:] == stats.wilson(one.sum(), 30)
    assert two == stats.rate_interval(stats.crossed(hits), 60)
    assert np.isnan(scores.outcome_estimate(returns[:1, :1], "return").low)
    assert scores.outcome_estimate(np.ones((1, 9)), "success_any").high == 1.0


def test_another_task_with_the_same_sizes(finished, tmp_path, monkeypatch):
    def wide(engine: str, model: str) -> PointMass:
        env = PointMass("WidePointMass", "native")
        env.spec = dataclasses.replace(env.spec, horizon=7)
        return env

    monkeypatch.setitem(envs.TASKS, "WidePointMass", TaskEntry("seven steps", wide))
    Evaluate(finished, env="WidePointMass", cell="bc", seed_of_policy=1, episodes=3,
             out=tmp_path / "x.csv")()  # fmt: skip
    frame = pd.read_csv(tmp_path / "x.csv")
    assert set(frame["length"]) == {7} and set(frame["policy"]) == {1} and len(frame) == 3
    words = "ProbeGoal has 4 observations and 2 actions, .* PointMass 6 observations and 2 actions"
    with pytest.raises(UserError, match=words) as error:
        Evaluate(finished, env="ProbeGoal")()
    message(error)
    with pytest.raises(UserError, match="unknown task 'PointMas'"):
        Evaluate(finished, env="PointMas")()


def test_a_video(finished, tmp_path, capsys, monkeypatch):
    cell = cells_with_policies(finished, "bc")[0]
    for command, words in (
        (Evaluate(finished, video=tmp_path / "x.mp4"), "shows one policy, and these are 4"),
        (Evaluate(cell, seed_of_policy=0, video=tmp_path / "x.gif"), ".webm or .mp4"),
        (Evaluate(cell, seed_of_policy=0, video=tmp_path / "no" / "x.mp4"), "there is no folder"),
    ):
        with pytest.raises(UserError, match=words) as error:
            command()
        message(error)
    monkeypatch.setattr(video, "drawable", lambda env: None)
    with pytest.raises(UserError, match="PointMass has no MuJoCo model to draw"):
        Evaluate(cell, seed_of_policy=0, video=tmp_path / "x.mp4")()
    assert "return" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_a_video_shows_the_first_episodes(finished, tmp_path, suffix):
    imageio = pytest.importorskip("imageio_ffmpeg")
    cell, path = cells_with_policies(finished, "bc")[0], tmp_path / f"x.{suffix}"
    Evaluate(cell, seed_of_policy=0, episodes=4, video=path)()
    frames, seconds = imageio.count_frames_and_secs(str(path))
    # Four episodes of 21 states, ten frames a second, and a pause of ten frames after each.
    assert frames == 4 * 31 and seconds == pytest.approx(12.4, abs=0.2)


def test_what_has_no_policies_is_named(finished, tmp_path):
    shipped = tmp_path / "shipped"
    shutil.copytree(finished, shipped, ignore=shutil.ignore_patterns(policy_files.FOLDER))
    for command, words in (
        (Evaluate(shipped), "stores policies"),
        (Evaluate(tmp_path), "is no folder of results"),
        (Evaluate(finished, episodes=0), "episodes=0"),
        (Evaluate(finished, out=tmp_path / "none" / "x.csv"), "there is no folder"),
    ):
        with pytest.raises(UserError, match=words) as error:
            command()
        message(error)
