"""Data sets of any format: found, fitted to a task, converted, and used for training."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import imitbench as ib
from imitbench import data, envs
from imitbench.cli import main
from imitbench.core import rollout
from imitbench.data.demonstrations import hold_out
from imitbench.data.formats import lerobot_writing, robomimic
from imitbench.data.recordings import conversion, opening, sizes
from imitbench.data.recordings.recording import Episode, Recording
from imitbench.envs import recorded
from imitbench.results.cells import policies, store
from imitbench.utils.errors import UserError

TASK = "PointMass"


@pytest.fixture(scope="module")
def demos() -> data.Demos:
    env = ib.make_env(TASK)
    return ib.collect(env, episodes=6, noise=0.3)


@pytest.fixture
def files(demos, tmp_path) -> dict[str, Path]:
    """The same demonstrations in four formats."""
    found = {name: tmp_path / name for name in ("npz", "lerobot", "robomimic")}
    found["npz"] = tmp_path / "demos.npz"
    data.save(found["npz"], demos)
    recording = conversion.to_recording(demos, found["npz"])
    lerobot_writing.write(found["lerobot"], recording, task=TASK)
    robomimic.write(found["robomimic"], recording, env_name=TASK)
    found["minari"] = data.minari.save(tmp_path / "root", demos, envs.make(TASK).spec)
    return found


@pytest.mark.parametrize("name", ["npz", "lerobot", "robomimic", "minari"])
def test_every_format_gives_the_same_steps(files, demos, name):
    assert opening.find_format(files[name]) == name
    found = ib.load_data(files[name], TASK)
    for field in ("obs", "action", "next_obs", "reward", "success", "weight"):
        expected, got = getattr(demos.steps, field), getattr(found.steps, field)
        np.testing.assert_array_equal(got, expected, err_msg=field)
        assert got.dtype == expected.dtype
    assert found.header.task == TASK and found.header.success_final == 1.0
    if name != "minari":  # there the observation is a dictionary, in the order of its names
        unknown = ib.load_data(files[name], "none")
        np.testing.assert_array_equal(unknown.steps.obs, demos.steps.obs)


def recording(n: int = 3, **changes: Any) -> Recording:
    """An episode of n steps with two observations, whose successor of the last step is missing."""
    obs = {"a": np.arange(2.0 * n).reshape(n, 2), "b": np.arange(float(n)) + 100}
    episode = Episode(obs, np.linspace(-2, 4, n)[:, None], **changes)
    low, high = np.array([-2.0]), np.array([4.0])
    return Recording("made", Path("made"), [episode], action_low=low, action_high=high)


def test_actions_are_scaled_from_their_bounds_and_observations_joined():
    r = recording()
    demos = conversion.to_demos(r, "none", sizes.spec_of(r))
    # The last step has no successor and no end: it is left out.
    assert demos.rows.weight.tolist() == [1, 1] and demos.lengths.tolist() == [2]
    np.testing.assert_allclose(demos.steps.action[0, :2, 0], [-1, 0])
    np.testing.assert_array_equal(demos.steps.obs[0, :2], [[0, 1, 100], [2, 3, 101]])
    np.testing.assert_array_equal(demos.steps.next_obs[0, 1], [4, 5, 102])
    assert demos.steps.truncated.tolist() == [[False, True]]
    assert sizes.spec_of(r).fields == {"a": slice(0, 2), "b": slice(2, 3)}


def test_observations_with_the_names_of_the_tasks_fields_are_in_its_order():
    """HDF5 sorts names: desired_goal, pos, vel. The task's order is pos, vel, desired_goal."""
    named = {"desired_goal": np.full((3, 2), 3.0), "pos": np.ones((3, 2)), "vel": np.zeros((3, 2))}
    spec = envs.make(TASK).spec
    made = Recording("made", Path("made"), [Episode(named, np.zeros((3, 2)))])
    demos = conversion.to_demos(made, TASK, spec)
    np.testing.assert_array_equal(demos.steps.obs[0, 0], [1, 1, 0, 0, 3, 3])
    named["pos"], named["vel"] = np.ones((3, 1)), np.zeros((3, 3))
    with pytest.raises(UserError, match="'pos' has 1 numbers a step, expected 2"):
        conversion.to_demos(made, TASK, spec)


def test_a_last_step_that_ends_the_task_is_kept():
    r = recording(rewards=np.array([0, 0, 1.0]), terminated=np.array([False, False, True]))
    demos = conversion.to_demos(r, "none", sizes.spec_of(r))
    assert demos.steps.weight.tolist() == [[1, 1, 1]] and demos.header.mean_return == 1.0
    assert demos.steps.terminated.tolist() == [[False, False, True]]
    np.testing.assert_allclose(demos.steps.action[0, :, 0], [-1, 0, 1])


def change(**fields: Any):
    def apply(r: Recording) -> Recording:
        return r._replace(episodes=[e._replace(**fields) for e in r.episodes])

    return apply


@pytest.mark.parametrize(
    ("apply", "words"),
    [
        (lambda r: r._replace(env_id="FetchReach-v4"), "is of FetchReach-v4, not of PointMass"),
        (lambda r: r._replace(action_low=-np.ones(3), action_high=2 * np.ones(3)), "has 3 numbers"),
        (change(rewards=np.zeros(20, "f4")), "5.% of the rewards differ from the task's own"),
        (change(actions=np.zeros((20, 3))), "actions have 3 numbers, expected 2"),
        (change(actions=np.full((20, 2), 3.0)), "magnitude 3, expected at most 1"),
        (change(observations={"o": np.zeros((21, 7))}), r"observations o \[7\], expected 6"),
        (change(terminated=np.arange(20) == 4), "goes on for 20 steps, but ends at step 5"),
        (change(observations={"o": np.zeros((31, 6))}, actions=np.zeros((30, 2)), rewards=None,
                terminated=None, truncated=None, success=None), "has 30 steps, those of the task"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_task_is_named(demos, apply, words):
    r = apply(conversion.to_recording(demos, Path("made")))
    with pytest.raises(UserError, match=words):
        conversion.to_demos(r, TASK, envs.make(TASK).spec)


def test_a_task_must_be_named_and_a_format_known(files, tmp_path):
    with pytest.raises(UserError, match="does not name a task of imitbench .*: give one"):
        ib.load_data(files["lerobot"])
    assert ib.load_data(files["npz"]).header.task == TASK
    assert ib.load_data(files["minari"]).header.task == TASK
    with pytest.raises(UserError, match="no data set 'nowhere': expected a file, a folder"):
        ib.load_data("nowhere", TASK)
    (tmp_path / "text.txt").write_text("x")
    with pytest.raises(UserError, match="has none of the formats npz, minari, lerobot"):
        ib.load_data(tmp_path / "text.txt", TASK)
    with pytest.raises(UserError, match="filter key 'train': .* is npz, only robomimic"):
        opening.open_recording(files["npz"], filter_key="train")


def test_a_robomimic_filter_key_selects_episodes(files):
    with h5py.File(files["robomimic"], "a") as file:
        file["mask/train"] = np.array([b"demo_1", b"demo_4"])
    found = ib.load_data(files["robomimic"], TASK, filter_key="train")
    whole = ib.load_data(files["robomimic"], TASK)
    np.testing.assert_array_equal(found.steps.obs, whole.steps.obs[[1, 4]])


def test_held_out_episodes_are_apart_and_the_same_each_time(demos):
    train, held = hold_out(demos, 0.3)
    assert len(train.steps.weight) == 4 and len(held.steps.weight) == 2
    both = np.concatenate([train.steps.obs, held.steps.obs])
    assert sorted(map(bytes, both)) == sorted(map(bytes, np.asarray(demos.steps.obs)))
    np.testing.assert_array_equal(hold_out(demos, 0.3)[1].steps.obs, held.steps.obs)
    one = jax.tree.map(lambda x: x[:1], demos.steps)
    with pytest.raises(UserError, match="has one episode"):
        hold_out(demos.replace(steps=one))


def test_recorded_episodes_measure_the_error_of_actions(demos):
    short = np.asarray(demos.steps.weight).copy()
    short[:, 10:] = 0  # half as long
    cut = demos.replace(steps=demos.steps.replace(weight=short))
    assert (cut.lengths == 10).all()
    env = recorded.RecordedEpisodes(cut.rows, cut.lengths, sizes.demo_spec(demos))
    off = jnp.asarray(demos.steps.action).at[..., 0].add(0.2)  # may leave [-1, 1]: clipped

    def act(key, obs):
        same = (jnp.asarray(demos.steps.obs)[:, :, None] == obs).all(-1)  # [K, T, B]
        flat = same.reshape(-1, same.shape[-1]).argmax(0)
        return off.reshape(-1, 2)[flat]

    steps = rollout.episodes(env, act, jax.random.key(0), 8)
    assert np.asarray(steps.weight).sum(0).tolist() == [10] * 8
    returns = np.asarray(steps.reward).sum(0)
    error = np.abs(np.clip(off, -1, 1) - demos.steps.action)[:, :10].mean((1, 2)) / 2 * 100
    for value in returns:
        assert np.abs(value + error).min() < 1e-4  # that of the episode which was drawn
    assert len(np.unique(returns.round(3))) > 1


@pytest.mark.slow
def test_training_without_a_task(files, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--task", "none", "--data", str(files["lerobot"]), "--seeds", "2", "--evals", "2"]
    words += ["--eval-episodes", "4", "--results", "own"]
    fast = ["--set", "hidden=16", "--set", "steps=20", "--set", "validation=0"]
    assert main.main(["train", "bc", *words, "--grad-steps", "400", *fast]) == 0
    out = capsys.readouterr()
    assert re.search(r"data: .*lerobot \(lerobot\), 5 episodes, 1 held out for evaluation", out.err)
    assert "minus the error of the actions on held-out episodes, in percent" in out.out
    (cell,) = store.read_all(tmp_path / "own" / "train")
    first = cell.curve.loc[cell.curve["evaluation"] == 0, "return"]
    assert (cell.final("return") > first.mean()).all() and (cell.final("return") < 0).all()
    policy = policies.load(cell.folder, 0)
    action = policy.actor.act(jax.random.key(0), (), policy.env.reset(jax.random.key(0)))
    assert policy.env.spec.obs_size == 6 and np.isfinite(np.asarray(action[0])).all()
    assert main.main(["train", "gail", *words, "--env-steps", "10"]) == 2
    assert "gail needs the task's environment, which is not known" in capsys.readouterr().err
    assert main.main(["train", "bc", "--task", "none"]) == 2
    assert "task none: expected a data set of your own" in capsys.readouterr().err
    for option, value in (("--grade", "medium"), ("--noise", "0.1"), ("--pool", "5")):
        assert main.main(["train", "bc", *words, option, value]) == 2
        assert f"{option} {value}" in capsys.readouterr().err


def test_the_commands_about_data(files, tmp_path, capsys, demos):
    npz, lerobot = str(files["npz"]), str(files["lerobot"])
    assert main.main(["data", "info", lerobot]) == 0
    out = capsys.readouterr().out
    assert "lerobot v3.0" in out and "6 episodes, 120 steps" in out
    assert main.main(["data", "check", npz]) == 0
    assert "0 errors" in capsys.readouterr().out
    bad = demos.replace(steps=demos.steps.replace(action=demos.steps.action * 30))
    data.save(tmp_path / "bad.npz", bad)
    assert main.main(["data", "check", str(tmp_path / "bad.npz")]) == 1
    assert "error: action-out-of-bounds" in capsys.readouterr().out
    one, two, whole = (str(tmp_path / f"{x}.npz") for x in ("one", "two", "whole"))
    assert main.main(["data", "slice", npz, "--episodes", ":2", "--task", TASK, "--out", one]) == 0
    assert main.main(["data", "slice", npz, "--episodes", "2:", "--task", TASK, "--out", two]) == 0
    assert main.main(["data", "merge", one, two, "--task", TASK, "--out", whole]) == 0
    np.testing.assert_array_equal(ib.load_data(whole).steps.obs, demos.steps.obs)
    again = str(tmp_path / "again")
    assert main.main(["data", "convert", lerobot, "--to", "lerobot", "--out", again]) == 0
    np.testing.assert_array_equal(ib.load_data(again, TASK).steps.action, demos.steps.action)
    capsys.readouterr()
    assert main.main(["data", "convert", npz, "--task", TASK, "--out", whole]) == 2
    assert "exists: remove it" in capsys.readouterr().err
    assert main.main(["data", "slice", npz, "--episodes", "4:2", "--out", "x.npz"]) == 2
    assert "episodes '4:2': expected FIRST:END with 0 <= FIRST < END <= 6" in (
        capsys.readouterr().err
    )
    other = dataclasses.replace(demos.header, task="FetchReach")
    data.save(tmp_path / "other.npz", demos.replace(header=other))
    assert main.main(["data", "merge", one, str(tmp_path / "other.npz"), "--out", "x.npz"]) == 2
    assert "expected data sets of one task" in capsys.readouterr().err
