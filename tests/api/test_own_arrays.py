"""A user's own arrays: mistakes are named before any work, with field, shape and expectation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import imitbench as ib
from imitbench.data import Demos, step_arrays


@pytest.fixture(scope="module")
def env():
    return ib.make_env("PointMass")


@pytest.fixture(scope="module")
def demos(env) -> Demos:
    return ib.collect(env, episodes=4)


def at(value: float, array: np.ndarray) -> np.ndarray:
    array = np.array(array)
    array[0, 5] = value
    return array


MISTAKES: dict[str, tuple[Any, str]] = {
    "NaN action": (lambda s: {"action": at(np.nan, s.action)}, "'action' has a non-finite number"),
    "NaN reward": (lambda s: {"reward": at(np.nan, s.reward)}, "'reward' has a non-finite number"),
    "beyond float32": (lambda s: {"obs": s.obs.astype(float) + 1e300}, "'obs' has a non-finite"),
    "beyond bounds": (lambda s: {"action": s.action * 3}, "magnitude 3, expected at most 1"),
    "no labels": (lambda s: {"intended_action": None}, "'intended_action' is missing, expected"),
    "too short": (
        lambda s: {"obs": s.obs[..., :-1]},
        "'obs' has shape (80, 5), expected (rows, 6) with 80 rows",
    ),
    "fewer": (
        lambda s: {"reward": s.reward[:3]},
        "(3, 20) and the weights have (4, 20): expected (episodes,",
    ),
    "n + 1": (
        lambda s: {"obs": np.concatenate([s.obs, s.next_obs[:, -1:]], 1)},
        "'obs' has shape (4, 21, 6) and the weights have (4, 20): expected (episodes, steps, ...)",
    ),
    "ragged": (lambda s: {"obs": [s.obs[0], s.obs[1][:5]]}, "give episodes of several lengths to"),
    "text": (lambda s: {"obs": s.obs.astype(str)}, "'obs' is of type <U32, expected numbers"),
    "weights": (lambda s: {"weight": s.weight * 7}, "'weight' has other numbers than 0 and 1"),
    "flags": (lambda s: {"success": s.reward}, "'success' has other numbers than 0 and 1"),
    "flattened": (
        lambda s: {k: v.reshape(-1, *v.shape[2:]) for k, v in vars(s).items() if v is not None},
        "the weights have (80,): expected (episodes, steps, ...) in both",
    ),
    "longer": (
        lambda s: {k: np.concatenate([v, v], 1) for k, v in vars(s).items() if v is not None},
        "episode 0 has 40 steps, those of the task have 1 to 20",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_arrays_is_named(env, demos, mistake, tmp_path):
    change, text = MISTAKES[mistake]
    steps = demos.steps.replace(**change(demos.steps))
    uses: list[Callable[[Demos], Any]] = [
        lambda bad: ib.train("bc", env, bad),
        lambda bad: ib.save_data(tmp_path / "x.npz", bad),
    ]
    for use in uses:
        with pytest.raises(ib.UserError, match=re.escape(text)):
            use(demos.replace(steps=steps))


def test_other_things_than_data_sets_are_named(env, demos):
    for thing in (demos.steps, {"obs": 1}, "demos.npz", Demos(demos.steps, None)):  # type: ignore
        with pytest.raises(ib.UserError, match="demos is of type .*, expected a data set, as"):
            ib.train("bc", env, thing)  # type: ignore[arg-type]


def test_other_types_become_the_usual_ones(demos, tmp_path):
    """Lists, float64, whole numbers as rewards and flags are what users have."""
    s = demos.steps
    own = s.replace(
        obs=s.obs.tolist(), action=s.action.astype(float), reward=s.reward.astype(int),
        success=s.success.astype(float), weight=s.weight > 0,
    )  # fmt: skip
    got = ib.load_data(ib.save_data(tmp_path / "x.npz", demos.replace(steps=own))).steps
    for name, value in step_arrays(s).items():
        assert step_arrays(got)[name].dtype == value.dtype
        np.testing.assert_array_equal(step_arrays(got)[name], value)


@pytest.mark.parametrize(
    "options",
    [
        {"seeds": 2.5}, {"seeds": 0}, {"seeds": [0, 1]}, {"num_demos": 9}, {"num_demos": "2"},
        {"grad_steps": 100.0}, {"env_steps": -5}, {"evals": 1.5}, {"eval_episodes": 0},
        {"stride": 0}, {"label": 5}, {"config": "bc"}, {"folder": 5}, {"hidden": 0},
    ],
)  # fmt: skip
def test_arguments_of_train_are_checked_before_any_work(env, demos, options):
    (name,) = options
    word = {"evals": "num_evals", "folder": "5 is no path"}.get(name, name)
    with pytest.raises(ib.UserError, match=f"{word}.*expected"):
        ib.train("bc", env, demos, **options)


def test_numbers_and_names_of_other_types_are_refused(env, demos):
    options: Any
    for options in (
        {"episodes": 2.5},
        {"episodes": 2, "seed": 2**40},
        {"episodes": 2, "seed": 0.5},
    ):
        with pytest.raises(ib.UserError, match=r"=.*: expected"):
            ib.collect(env, **options)
    calls: list[Any] = [
        lambda: ib.make_env(5),  # type: ignore[arg-type]
        lambda: ib.train(5, env, demos),  # type: ignore[arg-type]
        lambda: ib.load_data(5),  # type: ignore[arg-type]
        lambda: ib.compare(5, 6),  # type: ignore[arg-type]
        lambda: ib.compare("nowhere/a", "nowhere/b"),
    ]
    for call in calls:
        with pytest.raises(ib.UserError, match="expected"):
            call()


def test_episodes_of_several_lengths_become_a_data_set(env):
    rng = np.random.default_rng(0)
    episodes = []
    for n in (3, 20, 7):
        path = rng.normal(size=(n + 1, 6))
        path[:, 4:] = path[0, 4:]  # the goal stays
        own = {"obs": path, "action": rng.uniform(-2, 2, (n, 2)), "terminated": n == 7}
        episodes.append(own)
    demos = ib.make_demos(episodes, "PointMass", action_low=-2, action_high=2, expert="me")
    s = demos.steps
    assert s.weight.sum(1).tolist() == [3, 20, 7] and demos.header.expert == "me"
    np.testing.assert_array_equal(s.obs[2, :7], episodes[2]["obs"][:7].astype(np.float32))
    np.testing.assert_array_equal(s.next_obs[0, 2], episodes[0]["obs"][3].astype(np.float32))
    np.testing.assert_allclose(s.action[1], episodes[1]["action"] / 2, rtol=1e-6)
    assert np.argwhere(s.terminated).tolist() == [[2, 6]]
    assert np.argwhere(s.truncated).tolist() == [[0, 2], [1, 19]]


@pytest.mark.parametrize(
    ("episode", "text"),
    [
        ({"obs": np.zeros((4, 5)), "action": np.zeros((3, 2))}, "observation [5], expected 6 num"),
        ({"obs": np.zeros((4, 6)), "actions": 0}, "did you mean action"),
        ({"obs": np.zeros((4, 6))}, "episode 0: 'action' is missing"),
        ({"obs": np.zeros((9, 6)), "action": np.zeros((3, 2))}, "(9, 6), expected 3 or 4 rows"),
        ({"obs": np.zeros((4, 6)), "action": 3 * np.ones((3, 2))}, "magnitude 3, expected at most"),
        ({"obs": [[1], [2, 3]], "action": np.zeros((1, 2))}, "'obs' is no array"),
        ({"obs": np.zeros((4, 6)), "action": np.zeros((3, 2)), "success": [1, 2, 0]}, "0 or 1 for"),
    ],
)
def test_a_mistake_in_an_episode_is_named(episode, text):
    with pytest.raises(ib.UserError, match=re.escape(text)):
        ib.make_demos([episode], "PointMass")
