"""Modes from training to evaluation: stored with each episode, and shown."""

from __future__ import annotations

import numpy as np
import pytest

import imitbench as ib
from imitbench.cli.evaluate import Evaluate
from imitbench.results import stats
from imitbench.results.cells import store
from imitbench.utils.errors import UserError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two seeds of BC on Forks, which have learned enough to pass the rows sometimes."""
    env = ib.make_env("Forks")
    demos = ib.collect(env, episodes=48)
    run = ib.train(
        "bc", env, demos, num_demos=48, seeds=2, grad_steps=1000, evals=1, eval_episodes=40,
        steps=100, hidden=(64, 64), lr=3e-3,
    )  # fmt: skip
    return run.save(tmp_path_factory.mktemp("modes") / "run")


@pytest.mark.slow
def test_a_cell_stores_the_mode_of_each_episode(folder):
    (cell,) = store.read_all(folder)
    modes = cell.episodes["mode"].to_numpy()
    assert cell.info["modes"] == 24 and modes.min() >= -1 and modes.max() <= 23
    assert (modes[cell.episodes["success_final"].to_numpy()] >= 0).all()
    entropies = cell.mode_entropies()
    assert entropies is not None and entropies.shape == (2,)
    assert np.nanmax(np.append(entropies, 0.0)) <= 1.0


@pytest.mark.slow
def test_a_deterministic_policy_has_one_mode_for_each_start(folder, capsys):
    frame = ib.evaluate(ib.load_policy(folder), episodes=60, starts=6)
    assert frame["start"].tolist() == list(range(6)) * 10
    modes, start = frame["mode"].to_numpy(), frame["start"].to_numpy()
    assert all(len(np.unique(modes[start == s])) == 1 for s in range(6))
    given = stats.mode_entropy_given_start(modes, frame["success_final"].to_numpy(), start, 24)
    assert given == 0.0 or np.isnan(given)
    Evaluate(folder, seed_of_policy=0, episodes=12, starts=3)()
    text = capsys.readouterr().out
    assert "mode entropy " in text and "given the start " in text


def test_starts_out_of_range(folder):
    policy = ib.load_policy(folder)
    for starts in (0, 11):
        with pytest.raises(UserError, match=f"starts={starts}: expected 1 to 10"):
            ib.evaluate(policy, episodes=10, starts=starts)
