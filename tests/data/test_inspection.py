"""Summaries of recordings, and traps: each is found alone in a recording that has no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imitbench.data.recordings import measuring, variety
from imitbench.data.recordings.inspection import (
    Ends,
    Rewards,
    Success,
    describe,
    summarise,
)
from imitbench.data.recordings.measuring import measure
from imitbench.data.recordings.recording import Episode, Recording, check_recording
from imitbench.data.recordings.traps import check
from imitbench.data.recordings.variety import ActionVariety, StateVariety

LENGTHS = 20, 20, 20, 20, 14, 17  # the time limit is 20 steps; the last two episodes reach the goal
Change = Callable[[Recording], Recording]


def clean() -> Recording:
    rng = np.random.default_rng(0)

    def episode(n: int) -> Episode:
        last, random = np.arange(n) == n - 1, rng.normal(size=(n + 1, 5)).astype(np.float32)
        return Episode(
            observations={"arm": random[:, :3], "goal": random[:, 3:]},
            actions=rng.uniform(-1, 1, (n, 2)).astype(np.float32),
            rewards=(last & (n < 20)).astype(np.float32),
            terminated=last & (n < 20),
            truncated=last & (n == 20),
            success=last & (n < 20),
            timestamps=np.arange(n) / 10,
        )

    return Recording("test", Path("x"), [*map(episode, LENGTHS)], fps=10.0)


def each(**fields: Callable[[Episode], Any]) -> Change:
    """Changes fields of all episodes."""
    return lambda r: r._replace(
        episodes=[e._replace(**{k: f(e) for k, f in fields.items()}) for e in r.episodes]
    )


def one(k: int, **fields: Callable[[Episode], Any]) -> Change:
    """Changes fields of episode k."""

    def change(r: Recording) -> Recording:
        changed = each(**fields)(r).episodes[k]
        return r._replace(episodes=[*r.episodes[:k], changed, *r.episodes[k + 1 :]])

    return change


def put(name: str, index: Any, value: float) -> dict[str, Callable[[Episode], Any]]:
    """Replaces numbers of a field."""

    def change(e: Episode) -> np.ndarray:
        x = np.array(getattr(e, name))
        x[index] = value
        return x

    return {name: change}


def arm(f: Callable[[np.ndarray], np.ndarray]) -> dict[str, Callable[[Episode], Any]]:
    return {"observations": lambda e: {**e.observations, "arm": f(e.observations["arm"])}}


def times(*factors: float) -> dict[str, Callable[[Episode], Any]]:
    return arm(lambda x: x * np.array(factors, np.float32))


def cut(e: Episode, start: int, stop: int, flag: str = "truncated") -> Episode:
    """Steps of an episode, with the observation after the last; one flag alone marks the end."""
    rest = [None if x is None else x[start:stop] for x in e[3:]]
    observations = {k: x[start : stop + 1] for k, x in e.observations.items()}
    e = Episode(observations, e.actions[start:stop], None, *rest)
    last = np.arange(e.length) == e.length - 1
    return e._replace(terminated=last & False, truncated=last & False)._replace(**{flag: last})


def more(f: Callable[[list[Episode]], list[Episode]]) -> Change:
    return lambda r: r._replace(episodes=f(r.episodes))


def ends(lengths: tuple[int, ...], flag: str) -> Change:
    return more(lambda e: [cut(e[k], 0, n, flag) for k, n in enumerate(lengths)])


def pieces(e: list[Episode]) -> list[Episode]:
    return [*(cut(e[0], i, j) for i, j in ((0, 6), (6, 12), (12, 18), (18, 20))), *e[4:]]


def paid(shift: int) -> Change:
    """Success from step 10 on, and rewards of 1 from `shift` steps later on."""
    reward = {"rewards": lambda e: 1.0 * (np.arange(e.length) >= 10 + shift)}
    return each(success=lambda e: np.arange(e.length) >= 10, **reward)


def bounds(low: list[float], high: list[float]) -> Change:
    return lambda r: r._replace(action_low=np.array(low), action_high=np.array(high))


def fill(name: str, value: Any) -> Change:
    return each(**{name: lambda e: np.full(e.length, value)})


TRAPS: list[tuple[str, Change, str]] = [
    ("not-finite", one(2, **arm(lambda x: np.where(x == x[3], np.nan, x))), ": 3, .* 3 of"),
    ("not-finite", one(5, **put("rewards", 9, np.inf)), "rewards: .* 1, .* row 9 of episode 5"),
    ("action-bounds-size", bounds([-1] * 3, [1] * 3), "bounds have 3 and 3 .* actions 2"),
    ("action-out-of-bounds", one(1, **put("actions", (4, 1), -3)), "1: from -3 .* -1 and 1"),
    ("action-out-of-bounds", bounds([0, -9], [1, 9]), "component 0 .* bounds 0 and 1"),
    ("action-scale", each(actions=lambda e: e.actions / 50), r"actions reach 0\.02 times"),
    ("observation-scale", each(**times(1e4, 1, 1e-8)), "0, 2 .*: 9.75e.03 and 9.63e-09"),
    ("observation-constant", each(**times(1, 0, 0)), "'arm'.* components 1, 2 of 3"),
    ("action-constant", each(**put("actions", np.s_[:, 0], 0.5)), "component 0 of 2"),
    ("limit-as-end", ends(LENGTHS, "terminated"), "4 of 6 .* after 20 steps"),
    ("end-as-limit", ends((10, 12, 12, 20, 14, 17), "truncated"), "6 of 6 .* 5 .* 10 to 20:"),
    ("ends-unknown", one(3, **put("truncated", -1, False)), r"1 of 6 .* \(episode 3\)"),
    ("ends-unknown", each(terminated=lambda e: None), r"2 of 6 .* \(episode 4, 5\)"),
    ("duplicate-episodes", more(lambda e: [*e, e[1], e[4]]), "2, such as 1 and 6, 4 and 7$"),
    ("single-step-episodes", more(lambda e: [*e, cut(e[0], 9, 10)]), r"1 of 7 .* \(episode 6\)"),
    ("last-observation-missing", one(4, **arm(lambda x: x[:-1])), r"1 of 6 .* \(episode 4\)"),
    ("reward-shift", paid(1), "6 of 6 episodes .* reward of 1 comes one step after success"),
    ("reward-shift", paid(-1), "6 of 6 episodes .* reward of 1 comes one step before success"),
    ("reward-constant", fill("rewards", 0.0), "every reward is 0:"),
    ("reward-constant", fill("rewards", -1), "every reward is -1:"),
    ("goal-never-reached", fill("success", False), "no step of the 6 episodes"),
    ("float64", each(actions=lambda e: e.actions * np.float64(1)), r"actions \(1,776 bytes\)"),
    ("timestamps-order", one(1, **put("timestamps", 7, 0.55)), ": 1, .* row 7 of episode 1"),
    ("timestamps-rate", lambda r: r._replace(fps=20.0), r"is 0\.1 s, .* 0\.05 s apart at 20 a"),
    ("episodes-continue", more(pieces), "3 of 5 episodes begin where the one before ends"),
]
HARMLESS: dict[str, Change] = {
    "a clean recording": lambda r: r,
    "bounds of its own": bounds([-5, -np.inf], [5, np.inf]),
    "rounding beyond a bound": one(0, **put("actions", (0, 0), 1 + 0.9e-5)),
    "discrete actions": each(actions=lambda e: np.arange(e.length) % 4),
    "rewards with success": paid(0),
    "a shift of one episode": one(4, **put("rewards", -2, 1)),
    "dense rewards, of which a shift cannot be known": more(
        lambda _: [x._replace(rewards=np.arange(x.length)) for x in paid(1)(clean()).episodes]
    ),
    "true successors": each(
        next_observations=lambda e: {k: x[1:] for k, x in e.observations.items()},
        observations=lambda e: {k: x[:-1] for k, x in e.observations.items()},
    ),
    "no more than must be": each(rewards=lambda e: None, success=lambda e: None),
}


@pytest.mark.parametrize(("name", "change", "text"), TRAPS)
def test_each_trap_is_found_alone(name, change, text):
    (found,) = check(check_recording(change(clean())))
    assert found.name == name
    errors = "not-finite", "action-bounds-size", "action-out-of-bounds"
    assert found.severity == ("error" if name in errors else "warning")
    assert re.search(text, found.text), found.text
    assert found.remedy


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_good_recordings_have_no_finding(change):
    assert check(check_recording(change(clean()))) == []


def test_errors_come_first_and_the_bound_is_the_callers():
    pixels = each(actions=lambda e: e.actions * np.float64(256), **times(1, 0, 1))(clean())
    names = ["action-out-of-bounds", "action-scale", "observation-constant", "float64"]
    found = check(pixels)
    assert [f.name for f in found] == names
    assert [f.severity for f in found] == ["error"] + 3 * ["warning"]
    assert "actions reach 256 times" in found[1].text
    for bound in (256, None):
        assert [f.name for f in check(pixels, action_bound=bound)] == names[2:]


def tiny() -> Recording:
    def x(*values: float) -> dict[str, np.ndarray]:
        return {"x": np.array([(v, 1) for v in values], np.float32)}

    yes, no, still = np.array([True]), np.array([False]), np.zeros((1, 1))
    end, first, reward = np.array([False, True]), np.array([True, False]), np.array([0, 2])
    episodes = [
        Episode(x(0, 2, 4), np.array([[1.0], [-1.0]]), None, reward, end, end, first),
        Episode(x(6, 8), still, terminated=no, truncated=yes, success=no),
        Episode(x(0, 8), still, rewards=np.array([-3])),
    ]
    return check_recording(Recording("npz", Path("x"), episodes, env_id="Toy-v0"))


def test_a_summary_by_hand():
    s = summarise(tiny())
    assert (s.format, s.episodes, s.steps, s.lengths) == ("npz", 3, 4, (1, 1.0, 2))
    assert s.ends == Ends(terminated=1, truncated=1, unknown=1)
    assert s.rewards == Rewards(2, -3.0, 2.0, 2 / 3, -3.0, -0.5, -0.5, 2.0)
    assert s.success == Success(2, any=0.5, last=0.0)
    (x,) = s.fields.values()  # 0, 2, 4, 6, 8, 0, 8 of mean 4
    assert (x.shape, x.dtype, x.nonfinite) == ((2,), "float32", 0)
    np.testing.assert_array_equal([x.min, x.max, x.mean], [[0, 1], [8, 1], [4, 1]])
    np.testing.assert_allclose(x.std, [np.sqrt(72 / 7), 0], rtol=1e-15)
    # Actions 1, -1, 0, 0; observations 0, 2, 6 and 0 again.
    assert s.action_variety == ActionVariety(3 / 4, None, saturated=2 / 4, repeated=0.0)
    assert s.state_variety == StateVariety(3 / 4, resting=0.0)
    assert describe(s).splitlines() == [
        "format           npz",
        "origin           environment Toy-v0, demonstrator unknown",
        "rate             unknown",
        "size             3 episodes, 4 steps",
        "lengths          from 1 to 2, median 1",
        "ends             1 terminated, 1 truncated, 1 unknown",
        "observation 'x'  (2,) float32: from 0 to 8, mean from 1 to 4, std from 0 to 3.207",
        "actions          (1,) float64: from -1 to 1, mean 0, std 0.7071",
        "                 75.0% distinct, 50.0% of components at a bound, 0.0% repeat the one "
        "before",
        "states           75.0% distinct, 0.0% of steps at rest",
        "rewards          from -3 to 2, 66.7% not 0 (of the 2 episodes that have them)",
        "returns          from -3 to 2, median -0.5, mean -0.5",
        "success          50.0% of episodes at some step, 0.0% after the last one (of the 2 "
        "episodes that have them)",
    ]


def test_rest_and_repeats_by_hand():
    """Two components rest where neither moves; one of noise alone moves without end."""
    big = np.array([0, 0, 5, 5, 9], float)
    noise = 1e-9 * np.array([1, -1, 1, -1, 1])
    actions = np.array([[0.5], [0.5], [1.5], [2.0]])
    r = Recording("x", Path("x"), [Episode({"a": np.stack([big, big, noise], 1)}, actions)])
    s = summarise(check_recording(r))
    assert s.state_variety.resting == 2 / 4
    assert s.action_variety.repeated == 1 / 3 and s.action_variety.saturated is None
    bounds = {"action_low": np.array([0.5]), "action_high": np.array([2.0])}
    assert summarise(r._replace(**bounds)).action_variety.saturated == 3 / 4


def test_what_a_recording_lacks_is_unknown():
    s = summarise(HARMLESS["discrete actions"](HARMLESS["no more than must be"](clean())))
    assert s.rewards is s.success is s.action_variety.saturated is None
    lines = dict(re.split("  +", line) for line in describe(s).splitlines())
    assert lines["rewards"] == lines["success"] == "unknown"
    choices = s.action_variety.choices
    assert choices is not None and f"{choices} choices used" in describe(s)
    assert lines["states"] == "100.0% distinct, 0.0% of steps at rest"


def test_numbers_do_not_depend_on_blocks_and_leave_out_what_is_not_finite(monkeypatch):
    monkeypatch.setattr(measuring, "BLOCK", 6 * 7)  # rows of 6 numbers
    x = np.random.default_rng(1).normal(5, 3, (50, 2, 3))
    r = measure([x[:3], x[3:40], x[40:]])
    for name in ("min", "max", "mean", "std"):
        np.testing.assert_allclose(getattr(r, name), getattr(x, name)(axis=0), rtol=1e-14)
    r = measure([np.array([[1, np.inf], [3, np.nan]]), np.full((1, 2), -np.inf, np.float32)])
    assert (r.nonfinite, r.dtype) == (4, "float32, float64")
    np.testing.assert_array_equal(
        [r.min, r.max, r.mean, r.std], [[v, np.nan] for v in (1, 3, 2, 1)]
    )


def test_coverage_of_a_sample(monkeypatch):
    monkeypatch.setattr(variety, "SAMPLE", 50)
    assert summarise(clean()).state_variety.distinct == 1
    signs = each(observations=lambda e: {"x": np.sign(e.observations["arm"][:, :1])})
    assert summarise(signs(clean())).state_variety.distinct == 2 / 50
