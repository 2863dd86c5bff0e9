"""Whether a recording is of a task: its environment, its ends, and states in which it fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import imitbench as ib
from imitbench import data, envs
from imitbench.data.recordings.conversion import to_demos
from imitbench.data.recordings.opening import task_of
from imitbench.data.recordings.recording import FLAT, Episode, Recording
from imitbench.envs.registry import task_name
from imitbench.utils.errors import UserError

UPRIGHT, FALLEN = 1.25, 0.3  # m, heights of the Hopper


def hopper(falls: int, n: int = 6, count: int = 3, **flags) -> Recording:
    """Episodes of n steps of the Hopper, which has fallen from observation `falls` on."""
    episodes = []
    for k in range(count):
        obs = np.random.default_rng(k).normal(scale=0.01, size=(n + 1, 11))
        obs[:, 0] += np.where(np.arange(n + 1) < falls, UPRIGHT, FALLEN)
        ends = {name: np.arange(n) == n - 1 for name, value in flags.items() if value}
        episodes.append(
            Episode(
                {FLAT: obs}, np.full((n, 3), 0.1 * k), rewards=np.arange(n, dtype=float), **ends
            )
        )
    return Recording("made", Path("made"), episodes)


def test_episodes_that_go_on_after_a_failure_are_of_another_task():
    """Such as those of terminate_when_unhealthy=False, or of the HalfCheetah, of equal sizes."""
    spec = envs.make("Hopper").spec
    with pytest.raises(
        UserError, match=r"3 of 3 episodes go on .* \(episode 0, step 3\).*Hopper-fh"
    ):
        to_demos(hopper(falls=3, truncated=True), "Hopper", spec)
    fixed = to_demos(hopper(falls=3, truncated=True), "Hopper-fh", envs.make("Hopper-fh").spec)
    assert fixed.steps.weight.sum() == 18
    to_demos(hopper(falls=6, terminated=True), "Hopper", spec)  # the last state: all is well


def test_ends_without_a_mark_give_a_warning():
    spec = envs.make("Hopper").spec
    demos = to_demos(hopper(falls=6, truncated=True), "Hopper", spec)
    (line,) = data.warnings(demos, spec, rewards=True)
    assert line.startswith("3 of 3 episodes of Hopper stop in a state in which it has failed")
    demos = to_demos(hopper(falls=9), "Hopper", spec)
    (line,) = data.warnings(demos, spec, rewards=True)
    assert "3 of 3 episodes (episode 0, 1, 2) are neither terminated nor truncated" in line
    demos = to_demos(hopper(falls=6, terminated=True), "Hopper", spec)
    assert data.warnings(demos, spec, rewards=True) == []


def test_repeated_episodes_give_a_warning(demos, env):
    steps = demos.steps
    twice = steps.replace(obs=steps.obs.copy(), action=steps.action.copy())
    twice.obs[5], twice.action[5] = twice.obs[2], twice.action[2]
    (line,) = data.warnings(demos.replace(steps=twice), env.spec, rewards=True)
    assert line.startswith("1 of 12 episodes of PointMass repeat an earlier one, such as 5 and 2")


def test_other_versions_and_other_environments_are_named():
    spec = envs.make("Hopper").spec
    own = hopper(falls=6, terminated=True)
    with pytest.raises(UserError, match="made is of Walker2d-v5, not of Hopper"):
        to_demos(own._replace(env_id="Walker2d-v5"), "Hopper", spec)
    (line,) = to_demos(own._replace(env_id="Hopper-v4"), "Hopper", spec).warnings
    assert line.startswith("made is of Hopper-v4, Hopper has the semantics of Hopper-v5")
    assert to_demos(own._replace(env_id="Hopper-v5"), "Hopper", spec).warnings == ()


def test_gymnasium_ids_name_the_task_with_their_semantics():
    assert task_name("FetchPush-v4") == "FetchPush" and task_name("Hopper-v5") == "Hopper"
    assert task_name("Hopper-v2") == "Hopper-v2" and task_name("x") == "x"
    assert task_of("Reacher-v5") == "Reacher" and task_of("FetchPushDense-v4") is None
    assert ib.make_env("Hopper-v5").name == "Hopper"
    with pytest.raises(UserError, match="unknown task 'Hopper-v2': did you mean Hopper"):
        ib.make_env("Hopper-v2")


def test_healthy_states_of_an_environment_have_not_failed():
    import jax

    for task in ("Hopper", "Walker2d", "Ant", "Humanoid"):
        env = envs.make(task)
        assert env.spec.failed is not None
        obs = np.asarray(jax.jit(env.reset)(jax.random.key(0)).obs)
        assert not env.spec.failed(obs)
        assert env.spec.failed(np.where(np.arange(len(obs)) == 0, -5.0, obs))
        assert envs.make(f"{task}-fh").spec.failed is None
