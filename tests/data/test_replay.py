"""Data of grade replay: the experience of a learner, cut into episodes."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from imitbench import data, envs
from imitbench.algos.common import off_policy
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.rl import ddpg, sac
from imitbench.cli import main
from imitbench.core.types import Spec
from imitbench.data import make_header
from imitbench.data.rows import join
from imitbench.data.sources import replay
from imitbench.utils.errors import UserError
from imitbench.utils.machine import cache_dir

REPLAY = off_policy.Config(envs=2, rounds=10, warmup=20, batch=8)
LEARNERS = {
    "goals": ("ddpg", ddpg.Config(hidden=(8,), replay=dataclasses.replace(REPLAY, her=4.0))),
    "returns": ("sac", sac.Config(hidden=(8,), replay=REPLAY)),
}


@pytest.fixture
def small_learners(monkeypatch, no_cache):
    monkeypatch.setattr(replay, "REPLAY_LEARNERS", LEARNERS)


def test_episodes_are_cut_where_they_end():
    """Two environments: an end at step 1, a time limit, one that is not finished."""
    spec = Spec(obs_size=1, action_size=1, horizon=3, fields={})
    t: Any = np.array([[0, 0], [1, 1], [0, 2], [1, 0], [2, 1]])
    terminated: Any = np.zeros((5, 2), bool)
    terminated[1, 0] = True
    number: Any = np.arange(10.0).reshape(5, 2)
    rows = Experience(
        obs=number[..., None],
        action=number[..., None] / 10,
        reward=number,
        next_obs=number[..., None] + 100,
        terminated=terminated,
        t=t,
    )
    episodes = replay.whole_episodes(rows, spec)
    assert [len(e.weight) for e in episodes] == [2, 3, 3]  # without padding
    steps = join(
        episodes, make_header("x", [0.0] * 3, None, expert="x", engine="x", grade="x")
    ).steps
    # In the order in which they began: environment 0 and 1 at slot 0, environment 0 at slot 2.
    np.testing.assert_array_equal(steps.weight, [[1, 1, 0], [1, 1, 1], [1, 1, 1]])
    np.testing.assert_array_equal(steps.reward, [[0, 2, 0], [1, 3, 5], [4, 6, 8]])
    np.testing.assert_array_equal(steps.obs[0, :, 0], [0, 2, 102])
    np.testing.assert_array_equal(steps.next_obs[0, :, 0], [100, 102, 102])
    np.testing.assert_array_equal(steps.terminated, [[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(steps.truncated, [[0, 0, 0], [0, 0, 1], [0, 0, 1]])
    assert not steps.success.any()
    unfinished = jax.tree.map(lambda x: x[:1], rows)
    with pytest.raises(UserError, match="no episode was finished"):
        replay.whole_episodes(unfinished, spec)


@pytest.mark.slow
def test_the_data_are_the_whole_experience_of_the_learner(small_learners, monkeypatch, tmp_path):
    env = envs.make("PointMass")
    demos = data.load_pool("PointMass", "native", data.DemoSource(pool=6, grade="replay", seed=1))
    steps, h = demos.steps, demos.header
    assert (h.grade, h.expert, h.seed, h.episodes) == ("replay", "ddpg", 1, 6)
    assert steps.weight.shape == (6, env.spec.horizon) and steps.weight.all()
    np.testing.assert_array_equal(steps.obs[:, 1:], steps.next_obs[:, :-1])
    goal, fields = env.spec.goal, env.spec.fields
    assert goal is not None
    achieved, desired = (steps.next_obs[..., fields[x]] for x in (goal.achieved, goal.desired))
    np.testing.assert_allclose(steps.reward, goal.reward(achieved, desired))
    assert steps.truncated[:, -1].all() and not steps.truncated[:, :-1].any()
    # Without the cache the same again.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    again = replay.load_replay("PointMass", "native", 6, seed=1)
    jax.tree.map(np.testing.assert_array_equal, demos.steps, again.steps)
    assert not list(cache_dir("replay").iterdir())


@pytest.mark.parametrize(
    "left",
    [1, 0],
    ids=["before the last evaluation", "after it"],
)
@pytest.mark.slow
def test_an_interrupted_replay_ends_with_the_same_data(small_learners, monkeypatch, tmp_path, left):
    whole = replay.load_replay("ProbeWalk", "auto", 8)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    update = replay.Progress.update

    def stop(self, ev):
        update(self, ev)
        if self._total - len(ev.updates) == left:
            raise KeyboardInterrupt

    monkeypatch.setattr(replay.Progress, "update", stop)
    with pytest.raises(KeyboardInterrupt):
        replay.load_replay("ProbeWalk", "auto", 8)
    monkeypatch.setattr(replay.Progress, "update", update)
    resumed = replay.load_replay("ProbeWalk", "auto", 8)
    jax.tree.map(np.testing.assert_array_equal, whole.steps, resumed.steps)
    assert whole.header.expert == "sac"
    other = replay.load_replay("ProbeWalk", "auto", 8, seed=2)
    assert not np.array_equal(whole.steps.obs, other.steps.obs)


@pytest.mark.slow
def test_the_command_writes_a_file(small_learners, capsys, tmp_path):
    out = tmp_path / "d.npz"
    words = ["demos", "ProbeWalk", "--grade", "replay", "--episodes", "8", "--out", str(out)]
    assert main.main(words) == 0
    assert "grade replay" in capsys.readouterr().out
    assert data.load(out, envs.make("ProbeWalk").spec).header.grade == "replay"


def test_mistakes_raise_before_any_work(small_learners):
    with pytest.raises(UserError, match="grade 'replay' keeps all episodes"):
        data.load_pool("PointMass", "native", data.DemoSource(pool=4, grade="replay", noise=0.1))
    with pytest.raises(UserError, match="episodes=0: expected 1 or more"):
        replay.load_replay("PointMass", "native", 0)
    with pytest.raises(UserError, match="ProbePolicy has discrete actions"):
        replay.load_replay("ProbePolicy", "auto", 1)
