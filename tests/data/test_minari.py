"""Minari data sets: round trips, the package `minari` itself, and damaged files."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from typing import Any

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import imitbench as ib
from imitbench import data, envs, experts
from imitbench.core.types import Spec, Transition
from imitbench.data.formats import minari as ours
from imitbench.utils.errors import UserError


def same(a: Transition, b: Transition) -> None:
    def check(x, y):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)

    jax.tree.map(check, a, b)


@pytest.fixture(scope="module")
def exported(demos, env, tmp_path_factory):
    """Folder of data sets with one of PointMass in it."""
    root = tmp_path_factory.mktemp("minari")
    assert ours.save(root, demos, env.spec) == root / "imitbench/PointMass/expert-12-3-v0"
    return root


@pytest.fixture
def copy(exported, tmp_path):
    return shutil.copytree(exported / "imitbench/PointMass/expert-12-3-v0", tmp_path / "x")


@pytest.fixture
def minari(monkeypatch, exported):
    """The package, with the exported folder as its own."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(exported))
    import minari

    return minari


def test_a_round_trip_keeps_steps_and_header(demos, exported):
    (folder,) = exported.glob("*/*/*")
    got = ours.load(folder, "PointMass")
    same(got.steps, demos.steps)
    assert got.header == demos.header
    same(ours.load(folder / "data", "PointMass").steps, demos.steps)


def test_intended_actions_stay_apart_from_noisy_actions(env, tmp_path):
    noisy = data.collect(env, experts.load("PointMass"), 4, noise=0.3, only_success=False)
    got = ours.load(ours.save(tmp_path, noisy, env.spec), "PointMass")
    same(got.steps, noisy.steps)
    assert (got.steps.intended_action != got.steps.action).any()


def made_up(task: str, lengths: tuple[int, ...], spec: Spec) -> data.Demos:
    """Made-up episodes, padded as rollouts pad them."""
    rng = np.random.default_rng(0)
    total, shape = len(lengths), (len(lengths), spec.horizon)
    real = np.arange(spec.horizon) < np.array(lengths)[:, None]
    path = rng.normal(size=(total, spec.horizon + 1, spec.obs_size)).astype(np.float32)
    for k, n in enumerate(lengths):
        path[k, n:] = path[k, n]
    action = rng.uniform(-1, 1, (*shape, spec.action_size)).astype(np.float32)
    action *= real[..., None]
    last = np.eye(spec.horizon, dtype=bool)[np.array(lengths) - 1]
    full = np.array(lengths)[:, None] == spec.horizon
    steps = {
        "obs": path[:, :-1],
        "action": action,
        "intended_action": action + np.float32(0.1) * real[..., None],
        "reward": (rng.normal(size=shape) * real).astype(np.float32),
        "next_obs": path[:, 1:],
        "terminated": last & ~full,
        "truncated": last & full,
        "success": np.zeros(shape, bool),
        "weight": real.astype(np.float32),
    }
    header = data.Header(task, "made", "none", 0, total, total, 0.0, False, 0.0, 0.0, 1.0)
    return data.Demos(Transition(**steps), header)


def test_short_episodes_are_padded_as_rollouts_are(tmp_path):
    spec = envs.make("Hopper").spec
    made = made_up("Hopper", (1, 7, 1000), spec)
    folder = ours.save(tmp_path, made, spec)
    with h5py.File(folder / "data" / "main_data.hdf5") as file:
        shapes = [np.shape(file[f"episode_{k}/observations"]) for k in range(3)]  # type: ignore
    assert shapes == [(2, 11), (8, 11), (1001, 11)]
    same(ours.load(folder, "Hopper").steps, made.steps)


def test_discrete_actions_and_a_rollout_that_ends_early(tmp_path):
    for task in ("ProbePolicy", "ProbeDiscount"):
        env = envs.make(task)
        act = experts.load(task) if task == "ProbePolicy" else lambda k, obs: jnp.zeros_like(obs)
        demos = data.collect(env, act, 5, only_success=False)
        same(ours.load(ours.save(tmp_path, demos, env.spec), task).steps, demos.steps)


def test_the_package_opens_an_export(minari, demos):
    name = "imitbench/PointMass/expert-12-3-v0"
    assert list(minari.list_local_datasets()) == [name]
    found = minari.load_dataset(name)
    assert found.total_episodes == 12 and found.total_steps == 12 * 20
    assert set(found.observation_space.spaces) == {"observation", "achieved_goal", "desired_goal"}
    assert found.action_space.shape == (2,) and found.action_space.high.tolist() == [1, 1]
    found.set_seed(0)
    for episode in found.sample_episodes(5):
        steps = jax.tree.map(lambda x, k=int(episode.id): x[k], demos.steps)
        obs = episode.observations
        np.testing.assert_array_equal(obs["observation"][:-1], steps.obs[:, :4])
        np.testing.assert_array_equal(obs["desired_goal"][:-1], steps.obs[:, 4:])
        np.testing.assert_array_equal(obs["achieved_goal"][1:], steps.next_obs[:, :2])
        first = {k: v[0] for k, v in obs.items()}
        assert found.observation_space.contains(first)
        assert found.action_space.contains(episode.actions[0])
        np.testing.assert_array_equal(episode.actions, steps.action)
        np.testing.assert_array_equal(episode.infos["label"][1:], steps.intended_action)
        assert not episode.terminations.any() and episode.truncations.tolist() == [False] * 19 + [
            True
        ]
    kept = found.filter_episodes(lambda e: e.infos["success"][-1])
    assert kept.total_episodes == 12


def test_reference_scores_normalise_returns(minari, demos, env, exported):
    ours.save(
        exported, demos, env.spec, dataset_id="scored-v1", ref_min_score=-20, ref_max_score=-5
    )
    try:
        scored = minari.load_dataset("scored-v1")
        assert minari.get_normalized_score(scored, np.array([-20.0, -5.0])).tolist() == [0, 1]
    finally:
        shutil.rmtree(exported / "scored-v1")
    for low, high in ((1.0, None), (None, 1.0), (2.0, 1.0)):
        with pytest.raises(UserError, match=f"ref_min_score={low}, ref_max_score={high}: expected"):
            ours.save(
                exported, demos, env.spec, dataset_id="z-v0", ref_min_score=low, ref_max_score=high
            )


@pytest.mark.parametrize(
    ("task", "env_id", "kwargs", "bound"),
    [
        ("Hopper", "Hopper-v5", {}, 1.0),
        ("Hopper-fh", "Hopper-v5", {"terminate_when_unhealthy": False}, 1.0),
        ("Humanoid", "Humanoid-v5", {}, 0.4),
    ],
)
def test_exports_recover_their_environment_with_its_actions(
    monkeypatch, tmp_path, task, env_id, kwargs, bound
):
    """The Humanoid's actions lie in [-0.4, 0.4]: an export of ours has these, bit by bit."""
    import minari

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    spec = envs.make(task).spec
    made = made_up(task, (2, 5), spec)
    name = str(ours.save(tmp_path, made, spec).relative_to(tmp_path))
    found = minari.load_dataset(name)
    recovered: Any = found.recover_environment()
    assert recovered.spec.id == env_id and recovered.spec.kwargs == kwargs
    assert recovered.action_space.high.max() == np.float32(bound)
    episode = next(iter(found))
    assert found.action_space.contains(episode.actions[0])
    np.testing.assert_allclose(episode.actions, bound * made.steps.action[0, :2], rtol=1e-6)
    same(ours.load(tmp_path / name, task).steps, made.steps)
    assert minari.get_normalized_score(found, np.array([0.0]))[0] < 0.1


def test_a_data_set_of_the_package_is_read_as_it_was_filtered(minari, demos):
    found = minari.load_dataset("imitbench/PointMass/expert-12-3-v0")
    same(ib.load_data(found).steps, demos.steps)
    some = ib.load_data(found.filter_episodes(lambda e: e.id in (2, 7)))
    same(some.steps, jax.tree.map(lambda x: x[[2, 7]], demos.steps))
    assert some.header.episodes == 2
    unknown = ib.load_data(found.filter_episodes(lambda e: e.id == 7), "none")
    np.testing.assert_array_equal(unknown.steps.action[0], demos.steps.action[7])


def foreign(
    minari, name: str, observation_space, episodes, low: Any = -1.0, high: Any = 1.0
) -> None:
    """A data set that the package wrote."""
    from gymnasium import spaces
    from minari.data_collector import EpisodeBuffer

    box = spaces.Box(np.full(2, low, np.float32), np.full(2, high, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for an author
        minari.create_dataset_from_buffers(
            name, [EpisodeBuffer(**e) for e in episodes], action_space=box,
            observation_space=observation_space, algorithm_name="theirs", data_format="hdf5",
        )  # fmt: skip


def goal_episode(n: int, success: bool) -> dict:
    rng = np.random.default_rng(n)
    obs = rng.normal(size=(n + 1, 4))
    goal = np.repeat(obs[-1:, :2] if success else obs[-1:, :2] + 3, n + 1, axis=0)
    return {
        "observations": {"observation": obs, "achieved_goal": obs[:, :2], "desired_goal": goal},
        "actions": rng.uniform(-1, 1, (n, 2)),
        "rewards": [-1.0] * n,
        "terminations": [False] * n,
        "truncations": [False] * (n - 1) + [True],
    }


def test_data_sets_of_the_package_are_read(minari, monkeypatch, tmp_path):
    from gymnasium import spaces

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    box = lambda n: spaces.Box(-np.inf, np.inf, (n,), np.float64)  # noqa: E731
    space = spaces.Dict({"observation": box(4), "achieved_goal": box(2), "desired_goal": box(2)})
    episodes = [goal_episode(20, True), goal_episode(6, False)]
    foreign(minari, "goal-v0", space, episodes)
    got = ours.load(tmp_path / "goal-v0", "PointMass")
    steps, theirs = got.steps, episodes[0]
    assert steps.obs.shape == (2, 20, 6) and steps.obs.dtype == np.float32
    whole = np.concatenate(
        [theirs["observations"]["observation"], theirs["observations"]["desired_goal"]], 1
    )
    np.testing.assert_array_equal(steps.next_obs[0], whole[1:].astype(np.float32))
    np.testing.assert_array_equal(steps.intended_action, steps.action)
    assert steps.success[0, -1] and not steps.success[1].any()
    assert steps.weight.sum(axis=1).tolist() == [20, 6] and steps.truncated[1, 5]
    np.testing.assert_array_equal(steps.obs[1, 6:], np.repeat(steps.next_obs[1, 5:6], 14, axis=0))
    h = got.header
    assert (h.task, h.expert, h.engine, h.grade, h.episodes) == (
        "PointMass",
        "theirs",
        "unknown",
        "unknown",
        2,
    )
    assert h.success_final == 0.5 and h.mean_return == -13.0
    # Gymnasium-Robotics' own signal goes before the goal's reward; a flat observation is one, too.
    # A pose of theirs is not ours.
    infos = {"is_success": np.zeros(21), "pose": np.zeros((21, 7))}
    flat = {**theirs, "observations": whole, "infos": infos}
    foreign(minari, "flat-v0", box(6), [flat])
    again = ours.load(tmp_path / "flat-v0", "PointMass").steps
    np.testing.assert_array_equal(again.obs[0], steps.obs[0])
    assert not again.success.any() and again.pose is None


def test_actions_of_other_bounds_are_scaled(minari, monkeypatch, tmp_path):
    """Humanoid's lie in [-0.4, 0.4]; as they are, a clone would push with 0.4 of its force."""
    from gymnasium import spaces

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    n, low, high = 20, np.array([-0.4, 0.0]), np.array([0.4, 2.0])
    share = np.random.default_rng(0).uniform(size=(n, 2))  # of the way from low to high
    share[0], share[1] = 0.0, 1.0
    episode = {
        "observations": np.tile([0.0, 0.0, 0.0, 0.0, 1.0, 1.0], (n + 1, 1)),
        "actions": low + share * (high - low),
        "rewards": [-1.0] * n,
        "terminations": [False] * n,
        "truncations": [False] * (n - 1) + [True],
    }
    space = spaces.Box(-np.inf, np.inf, (6,), np.float64)
    foreign(minari, "bounds-v0", space, [episode], low, high)
    found = ours.load(tmp_path / "bounds-v0", "PointMass").steps
    np.testing.assert_allclose(found.action[0], 2 * share - 1, atol=1e-6)
    assert found.action[0, 0].tolist() == [-1, -1] and found.action[0, 1].tolist() == [1, 1]


def drop(name):
    def change(file, metadata):
        del file[f"episode_2/{name}"]

    return change


def put(name, value):
    def change(file, metadata):
        group = file["episode_2"]
        old = group[name][()]
        del group[name]
        group[name] = value(old)

    return change


def forget_header(file, metadata):
    metadata.pop("imitbench")
    metadata.pop(ours.CHECKSUM)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (drop("actions"), "episode 2: array 'actions' is missing"),
        (drop("rewards"), "episode 2: array 'rewards' is missing"),
        (drop("observations"), "episode 2: array 'observations/observation' is missing"),
        (drop("observations/desired_goal"), "array 'observations/desired_goal' is missing"),
        (put("actions", lambda x: x[:, :1]), r"'actions' has shape \(20, 1\), expected \(20, 2\)"),
        (put("actions", lambda x: x[:-1]), r"'actions' has shape \(19, 2\), expected \(20, 2\)"),
        (put("actions", lambda x: np.full((20, 2), b"a")), "'actions' is of type .S1, expected"),
        (put("rewards", lambda x: 3.0), "'rewards' has shape"),
        (put("rewards", lambda x: x[:0]), "has 0 steps, those of the task have 1 to 20"),
        (put("rewards", lambda x: np.zeros(33)), "has 33 steps, those of the task have 1 to 20"),
        (put("observations/observation", lambda x: x[:-1]), r"has shape \(20, 4\), expected \(21"),
        (put("observations/achieved_goal", lambda x: x + 1), "'achieved_goal' is not the observ"),
        (put("observations/observation", lambda x: x * np.nan), "'obs' has a non-finite number"),
        (put("actions", lambda x: x / 2), "is damaged: its sha256 is not the one in metadata.json"),
        (put("actions", lambda x: x * np.inf), "array 'action' has a non-finite number"),
        (put("terminations", lambda x: ~x), "goes on for 20 steps, but ends at step 1: cut it"),
        (put("infos/label", lambda x: x[1:]), r"'infos/label' has shape \(20, 2\), expected \(21"),
        (put("infos/success", lambda x: x[2:]), r"'infos/success' has shape \(19,\), expected"),
        (put("infos/pose", lambda x: x[1:]), r"'infos/pose' has shape \(20, 6\), expected \(21"),
        (put("infos/pose", lambda x: x[:, :5]), "is damaged"),
        (drop("infos/pose"), "is damaged"),
        (lambda f, m: f.move("episode_2", "other"), "has no episode 2"),
        (lambda f, m: f.pop("episode_2"), "has 11 episodes and metadata.json says 12"),
        (lambda f, m: m.pop("total_episodes"), "metadata: 'total_episodes' is missing"),
        (lambda f, m: m.update(data_format="arrow"), "stored as 'arrow': only 'hdf5' can be read"),
        (lambda f, m: m["imitbench"].update(colour="red"), "bad header"),
        (lambda f, m: m["imitbench"].update(task="FetchPush"), "demonstrations of 'FetchPush'"),
    ],
)  # fmt: skip
def test_the_array_that_does_not_fit_is_named(copy, change, expected):
    path = copy / "data" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    with h5py.File(copy / "data" / "main_data.hdf5", "a") as file:
        change(file, metadata)
    path.write_text(json.dumps(metadata))
    with pytest.raises(UserError, match=expected) as error:
        ours.load(copy, "PointMass")
    assert "\n" not in str(error.value) and str(copy) in str(error.value)


def test_other_tasks_are_refused(copy):
    path = copy / "data" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata.pop("imitbench")
    metadata.pop(ours.CHECKSUM)
    path.write_text(json.dumps(metadata))
    with pytest.raises(UserError, match="achieved_goal .*expected 11 numbers: .*another"):
        ours.load(copy, "Hopper")
    with pytest.raises(UserError, match="has shape|those of the task|numbers a step"):
        ours.load(copy, "FetchReach")
    with pytest.raises(UserError, match="unknown task"):
        ours.load(copy, "Fetch")


def test_damage_is_noticed(copy, demos):
    path = copy / "data" / "main_data.hdf5"
    good = path.read_bytes()
    row = np.asarray(demos.steps.action[5]).tobytes()
    at = good.index(row)
    flipped = bytearray(good)
    flipped[at + 3] ^= 0x10
    for bad in (bytes(flipped), good[: len(good) // 2], good[:7], b"", b"no HDF5 " * 50):
        path.write_bytes(bad)
        with pytest.raises(UserError, match="main_data.hdf5 is damaged") as error:
            ours.load(copy, "PointMass")
        assert "\n" not in str(error.value)
    path.unlink()
    with pytest.raises(UserError, match="has no main_data.hdf5"):
        ours.load(copy, "PointMass")
    for text in ("", "[1]", "{", '"x"', '{"data_format": "hdf5", "total_episodes": "many"}'):
        (copy / "data" / "metadata.json").write_text(text)
        with pytest.raises(
            UserError, match="metadata.json (cannot be read|is not Minari's metadata)"
        ):
            ours.load(copy, "PointMass")
    with pytest.raises(UserError, match="is no Minari data set: it has no metadata.json"):
        ours.load(copy / "nowhere", "PointMass")


def test_mistakes_of_an_export_are_refused(demos, env, tmp_path, exported, monkeypatch):
    with pytest.raises(UserError, match="exists: remove it"):
        ours.save(exported, demos, env.spec)
    for bad in ("../up-v0", "no version", "a/b", "a.b-v0", "/abs-v1"):
        with pytest.raises(UserError, match=r"expected \(NAMESPACE/\)NAME-vN"):
            ours.save(tmp_path, demos, env.spec, dataset_id=bad)
    torn = demos.steps.replace(next_obs=demos.steps.next_obs + np.float32(1))
    holes = demos.steps.weight.copy()
    holes[4, 3] = 0
    for steps, k in ((torn, 0), (demos.steps.replace(weight=holes), 4)):
        with pytest.raises(UserError, match=f"episode {k} is not whole"):
            ours.save(tmp_path, data.Demos(steps, demos.header), env.spec)
    with pytest.raises(UserError, match="has shape"):
        ours.save(tmp_path, demos, envs.make("Hopper").spec)
    monkeypatch.setitem(sys.modules, "h5py", None)
    for call in (
        lambda: ours.save(tmp_path, demos, env.spec),
        lambda: ours.load(tmp_path, "Hopper"),
    ):
        with pytest.raises(UserError, match=r"pip install 'imitbench\[minari\]'"):
            call()
    assert list(tmp_path.iterdir()) == [], "nothing is written after a mistake"


def test_the_command_writes_a_data_set(capsys, tmp_path, no_cache):
    from imitbench.cli import main

    words = [
        "demos",
        "PointMass",
        "--episodes",
        "3",
        "--format",
        "minari",
        "--out",
        str(tmp_path / "d"),
    ]
    assert main.main(words) == 0
    folder = tmp_path / "d/imitbench/PointMass/expert-3-0-v0"
    assert f"written to {folder}" in capsys.readouterr().out
    assert ours.load(folder, "PointMass").header.episodes == 3
    assert main.main(words) == 2 and "exists: remove it" in capsys.readouterr().err
