"""Files of robomimic, D4RL and OGBench: hand-made ones with known numbers, and damaged ones."""

from __future__ import annotations

import json
from typing import Any

import h5py
import numpy as np
import pytest

from imitbench.data.formats import d4rl, ogbench, robomimic
from imitbench.data.recordings.opening import find_format
from imitbench.data.recordings.recording import Episode, Recording
from imitbench.utils import npz
from imitbench.utils.errors import UserError

same = np.testing.assert_array_equal


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def hdf5(path, arrays, **attributes):
    """Writes arrays, and attributes of `data`; what is a shape becomes an array never filled."""
    with h5py.File(path, "w") as file:
        for name, x in arrays.items():
            if isinstance(x, tuple):
                file.create_dataset(name, shape=x, dtype=np.float32)
            else:
                file[name] = x
        file["data"].attrs.update(attributes) if attributes else None
    return path


def demo(k: int, start: float, n: int = 2, **other: Any) -> dict[str, Any]:
    """A demonstration in which the position grows by 1 a step."""
    at = np.arange(start, start + n + 1, dtype=np.float32)[:, None]
    arrays = {"actions": np.full((n, 2), 0.5), "rewards": np.eye(n)[-1], "dones": np.eye(n)[-1]}
    arrays |= {"states": np.zeros((n, 9)), "obs/pos": at[:-1], "next_obs/pos": at[1:]}
    arrays |= {"obs/agentview_image": np.zeros((n, 4, 4, 3), np.uint8)}
    return {f"data/demo_{k}/{name}": x for name, x in (arrays | other).items() if x is not None}


def refuses(read, path, message: str, *args) -> None:
    with pytest.raises(UserError, match=message) as found:
        read(path, *args)
    assert str(path) in str(found.value) and "\n" not in str(found.value)


def test_robomimic_demonstrations_by_number_with_success_from_sparse_rewards(tmp_path):
    arrays = demo(10, 100.0) | demo(2, 0.0, n=3) | {"data/other/x": np.zeros(1)}
    path = hdf5(tmp_path / "a.hdf5", arrays, env_args='{"env_name": "Lift", "type": 1}')
    assert find_format(path) == "robomimic"
    got: Any = robomimic.read(path)
    assert (got.format, got.env_id, got.path) == ("robomimic", "Lift", path)
    first, second = got.episodes
    assert list(first.observations) == ["pos"]
    same(first.observations["pos"], column(0, 1, 2))
    same(first.next_observations["pos"], column(1, 2, 3))
    same(second.observations["pos"], column(100, 101))
    assert first.success.tolist() == [False, False, True]
    assert first.terminated is None and first.truncated is None
    assert got.action_low.tolist() == [-1, -1] and got.action_high.tolist() == [1, 1]


def test_robomimic_what_is_not_known_is_none(tmp_path):
    wide = demo(0, 0.0, actions=np.full((2, 2), 1.5), rewards=np.array([0.3, 1.0]))
    got = robomimic.read(hdf5(tmp_path / "a.hdf5", wide))
    assert got.action_low is None and got.env_id is None and got.episodes[0].success is None
    change: Any = {"rewards": None, "next_obs/pos": None}
    path = hdf5(tmp_path / "b.hdf5", demo(0, 0.0, **change), env_args="{}")
    (episode,) = robomimic.read(path).episodes
    assert episode.rewards is None and episode.next_observations is None
    hdf5(path, demo(0, 0.0, rewards=np.zeros((2, 1))))
    (zero,) = list[Any](robomimic.read(path).episodes)
    assert zero.success is None and zero.rewards.shape == (2,)
    for last, known in ((1, False), (2, True)):  # D4RL's converter repeats the last observation
        change = {"obs/pos": None, "obs/flat": column(0, 1), "next_obs/flat": column(1, last)}
        (episode,) = robomimic.read(hdf5(path, demo(0, 0.0, **change))).episodes
        assert (episode.next_observations is not None) == known


def test_robomimic_filter_keys(tmp_path):
    masks: Any = {"train": [b"demo_11", b"demo_1"], "bad": [b"../x"], "gone": [b"demo_5"]}
    masks |= {"wide": [b"d" * 101], "ones": [1.0], "long": [b"demo_0"] * 4}
    arrays = demo(0, 0.0) | demo(1, 10.0) | demo(11, 20.0)
    arrays |= {f"mask/{k}": np.array(x) for k, x in masks.items()}
    path = hdf5(tmp_path / "a.hdf5", arrays)
    got = robomimic.read(path, "train").episodes
    assert [e.observations["pos"][0, 0] for e in got] == [10, 20]
    refuses(robomimic.read, path, "filter key 'x': .*: bad, gone, long, ones, train, wide$", "x")
    refuses(robomimic.read, path, "'../x', which is not in data/", "bad")
    refuses(robomimic.read, path, "mask/gone lists 'demo_5'", "gone")
    refuses(robomimic.read, path, "mask/wide is of type .S101", "wide")
    refuses(robomimic.read, path, "mask/ones is of type float64", "ones")
    refuses(robomimic.read, path, "shape \\(4,\\), expected 1 to 3 names", "long")
    refuses(robomimic.read, hdf5(path, demo(0, 0.0)), "key 'train': .*: none", "train")


def test_robomimic_bad_files(tmp_path):
    path = hdf5(tmp_path / "a.hdf5", demo(0, 0.0), env_args="[1")
    refuses(robomimic.read, path, "'env_args' of data is '\\[1', expected a JSON object")
    with h5py.File(path, "a") as file:
        file["data/demo_0"].attrs["num_samples"] = 7
    refuses(robomimic.read, path, "has 2 actions, expected num_samples = 7")
    other = tmp_path / "b.hdf5"
    other.write_bytes(path.read_bytes()[:800])
    for ask in (find_format, robomimic.read, d4rl.read):
        refuses(ask, other, "is damaged .*; download it again")
    refuses(robomimic.read, hdf5(other, {"data": np.zeros(3)}), "it has no groups data/demo_0")
    other.write_bytes(b"PK")
    refuses(robomimic.read, other, "is no HDF5 file")
    refuses(robomimic.read, tmp_path / "none", "no such file")
    for path in (other, tmp_path, tmp_path / "none"):
        assert not ogbench.is_ogbench(path)
        refuses(find_format, path, "has none of the formats")


def made(n: int, seed: int, **other: Any) -> Episode:
    """An episode that stores the last observation of `a` and the successors of `b`."""
    rng = np.random.default_rng(seed)
    obs = {"a": rng.normal(size=(n + 1, 3)).astype(np.float32), "b": rng.normal(size=(n, 1))}
    actions = rng.uniform(-1, 1, (n, 2)).astype(np.float32)
    return Episode(obs, actions, {"b": rng.normal(size=(n, 1))})._replace(**other)


def test_robomimic_a_round_trip_keeps_the_bits(tmp_path):
    before: Any = [made(n, n, success=np.arange(n) > 1) for n in (3, 5)]
    path, recording = tmp_path / "new" / "a.hdf5", Recording("made", tmp_path, before)
    assert robomimic.write(path, recording, env_name="Hopper-v4") == path
    with h5py.File(path) as opened:  # as any other reader
        file: Any = opened
        assert set(file) == {"data"} and list(file["data"]) == ["demo_0", "demo_1"]
        env_args = {"env_name": "Hopper-v4", "type": 2, "env_kwargs": {}}
        assert json.loads(file["data"].attrs["env_args"]) == env_args
        assert file["data"].attrs["total"] == 8
        for demo, episode in zip(file["data"].values(), before, strict=True):
            assert demo.attrs["num_samples"] == episode.length
            assert demo["actions"][()].tobytes() == episode.actions.tobytes()
            same(demo["rewards"][()], episode.success)
            same(demo["dones"][()], episode.success)
    got: Any = robomimic.read(path)
    assert got.env_id == "Hopper-v4"
    for a, b in zip(got.episodes, before, strict=True):
        same(a.success, b.success)
        obs, after = b.observations, b.next_observations
        found = [a.actions, *a.observations.values(), *a.next_observations.values()]
        expected = [b.actions, obs["a"][:-1], obs["b"], obs["a"][1:], after["b"]]
        for x, y in zip(found, expected, strict=True):
            assert x.dtype == y.dtype and x.tobytes() == y.tobytes()
    refuses(lambda x: robomimic.write(x, recording, env_name="x"), path, "exists: remove it")


def test_robomimic_writes_what_is_known_and_allowed(tmp_path):
    some = [made(2, 0), made(3, 1, next_observations=None, rewards=np.arange(3.0))]
    robomimic.write(tmp_path / "a", Recording("made", tmp_path, some), env_name="x")
    with h5py.File(tmp_path / "a") as opened:
        file: Any = opened
        assert set(file["data/demo_0"]) == {"actions", "dones", "obs"}
        assert set(file["data/demo_1"]) == {"actions", "dones", "obs", "rewards"}
        assert file["data/demo_1/dones"][()].tolist() == [0, 0, 1]
    for change, message in (
        ({"actions": np.array([[1.1], [np.nan]])}, "actions of episode 0 lie beyond \\[-1, 1\\]"),
        ({"actions": np.zeros(2, int)}, "shape \\(2,\\), .*no discrete actions"),
        ({"observations": {"a/b": np.zeros((2, 1))}}, "'a/b': robomimic has no names"),
        ({"observations": {"a": np.zeros((5, 1))}}, "expected 2 or 3 rows"),
    ):
        bad = Recording("made", tmp_path, [made(2, 0, **change)])
        with pytest.raises(UserError, match=message):
            robomimic.write(tmp_path / "b", bad, env_name="x")
    assert [x.name for x in tmp_path.iterdir()] == ["a"]


def flat(**other: Any) -> dict[str, Any]:
    """Six steps: an episode that terminates after 2, one cut after 3, and one unfinished."""
    arrays = {
        "observations": column(0, 1, 10, 11, 12, 20),
        "actions": np.zeros((6, 2), np.float32),
        "rewards": np.arange(6.0)[:, None],
        "terminals": np.array([0, 1, 0, 0, 0, 0], bool),
        "timeouts": np.array([0, 0, 0, 0, 1, 0], bool),
        "next_observations": column(1, 2, 11, 12, 13, 21),
        "infos/goal": np.arange(12.0).reshape(6, 2),
        "metadata/algorithm": np.bytes_("SAC"),
    }
    return {k: x for k, x in (arrays | other).items() if x is not None}


@pytest.mark.parametrize("timeouts", [flat()["timeouts"], None])
def test_d4rl_episodes_end_at_terminals_and_timeouts(tmp_path, timeouts):
    path = hdf5(tmp_path / "a.hdf5", flat(timeouts=timeouts))
    assert find_format(path) == "d4rl"
    a, b, c = list[Any](d4rl.read(path).episodes)
    same(b.observations["observation"], column(10, 11, 12))
    same(b.next_observations["observation"], column(11, 12, 13))
    for found in (b.observations, b.next_observations):
        same(found["desired_goal"], [[4, 5], [6, 7], [8, 9]])
    assert b.rewards.tolist() == [2, 3, 4] and b.success is None
    ends = [[x.terminated.tolist(), x.truncated.tolist()] for x in (a, b, c)]
    assert ends == [[[0, 1], [0, 0]], [[0, 0, 0], [0, 0, 1]], [[0], [0]]]
    refuses(find_format, hdf5(path, flat(rewards=None)), "has none of the formats")


def test_d4rl_without_goals_and_successors(tmp_path):
    change = {"next_observations": None, "infos/goal": None, "actions": np.arange(6)}
    arrays = flat(timeouts=np.array([0, 1, 0, 0, 0, 1]), **change)
    a, b = d4rl.read(hdf5(tmp_path / "a.hdf5", arrays)).episodes
    assert a.actions.tolist() == [0, 1] and b.actions.tolist() == [2, 3, 4, 5]
    assert list(a.observations) == ["observation"] and a.next_observations is None


def rows(**other: Any) -> dict[str, Any]:
    """Two trajectories in the published layout, of 2 steps and of 1; and one row alone."""
    arrays = {"observations": column(0, 1, 2, 10, 11, 50), "actions": column(0, 0.1, 9, 1, 9, 9)}
    arrays |= {"terminals": np.array([0, 0, 1, 0, 1, 1], bool), "qpos": np.zeros((6, 7))}
    return {k: x for k, x in (arrays | other).items() if x is not None}


REGULAR: Any = {"observations": column(0, 1, 10), "next_observations": column(1, 2, 11)}
REGULAR |= {"actions": column(0, 0.1, 1), "terminals": np.array([0.0, 1, 1])}
COMPACT = {"terminals": np.array([0, 1, 1, 1, 1, 1.0]), "valids": np.array([1, 1, 0, 1, 0, 0.0])}


@pytest.mark.parametrize("arrays", [rows(), rows(**COMPACT), REGULAR])
def test_ogbench_layouts_have_the_same_steps(tmp_path, arrays):
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    assert ogbench.is_ogbench(tmp_path / "a.npz")
    a, b = ogbench.read(tmp_path / "a.npz").episodes
    for episode, path in ((a, column(0, 1, 2)), (b, column(10, 11))):
        found = episode.observations["observation"]
        if episode.next_observations is not None:
            same(episode.next_observations["observation"], path[1:])
            path = path[:-1]
        same(found, path)
    same(a.actions, column(0, 0.1))
    same(b.actions, column(1))
    same(a.truncated, [False, True])
    assert a.terminated is None and a.success is None and a.rewards is None
    npz.write(tmp_path / "a.npz", {}, arrays)  # with the header of imitbench
    assert not ogbench.is_ogbench(tmp_path / "a.npz")


def test_ogbench_masks_are_not_terminals(tmp_path):
    # The observations 1 and 11 solve the task; in the second layout, 0 and 1; each goes on.
    published = rows(masks=np.array([1, 0, 1, 1, 0, 1]), rewards=np.arange(6))
    successors = REGULAR | {"masks": np.array([0, 0, 1]), "rewards": np.arange(3)}
    for arrays, success in ((published, [[1, 0], [1]]), (successors, [[1, 1], [0]])):
        np.savez(tmp_path / "a.npz", **arrays)
        got: Any = ogbench.read(tmp_path / "a.npz").episodes
        assert got[0].rewards.tolist() == [0, 1] and [x.success.tolist() for x in got] == success
        assert got[0].terminated is None and [x.truncated[-1] for x in got] == [True, True]
    # Masks of 0 at last steps alone are ends of the task.
    np.savez(tmp_path / "a.npz", **REGULAR, masks=np.array([1, 0, 1]))
    got = ogbench.read(tmp_path / "a.npz").episodes
    assert [x.terminated.tolist() for x in got] == [[0, 1], [0]] and got[0].success is None
    assert [x.truncated.tolist() for x in got] == [[0, 0], [1]]


R, D, G = robomimic, d4rl, ogbench
BAD: list[Any] = [
    (R, {"actions": None}, "demo_0: 'actions' is missing, .*\\(steps, size\\)"),
    (R, {"obs/pos": np.zeros((3, 2))}, "/obs: 'pos' is of shape \\(3, 2\\), .*\\(2, ...\\)"),
    (R, {"rewards": np.zeros(3)}, "'rewards' is of shape \\(3,\\), .* \\(2,\\)"),
    (R, {"rewards": np.array([b"a", b"b"])}, "'rewards' is of type .*, expected numbers"),
    (R, {"next_obs/pos": None, "next_obs/x": np.zeros(2)}, "next_obs: 'pos' is missing"),
    (R, {"obs/pos": None}, "no observations but agentview_image"),
    (R, {"obs/pos": None, "obs/agentview_image": None}, "demo_0 has no observations: ext"),
    (R, {"obs/pos": None, "obs/pos/x": np.zeros(2)}, "'pos' is no array of rows"),
    (R, {"obs/pos": (2, 1 << 28)}, "2,147,483,648 bytes, of which 0 are"),
    (D, {"timeouts": None, "next_observations": None}, "neither 'timeouts' nor 'next_obs"),
    (D, {"rewards": None}, "'rewards' is missing, expected .*\\(6,\\)"),
    (D, {"rewards": np.zeros((6, 2))}, "'rewards' is of shape \\(6, 2\\)"),
    (D, {"actions": np.zeros(6)}, "'actions' has shape \\(6,\\) of float64, expected \\(6, s"),
    (D, {"observations": np.zeros((6, 4, 4))}, "'observations' is of shape \\(6, 4, 4\\)"),
    (D, {"observations": np.zeros((0, 4))}, "no rows"),
    (D, {"next_observations": np.zeros((6, 2))}, "that of 'observations', \\(6, 1\\)"),
    (D, {"actions": (6, 1 << 27)}, "declares 3,221,225,472 bytes"),
    (G, {"terminals": np.zeros(6)}, "the last row is no end of a trajectory"),
    (G, {"terminals": np.ones(6)}, "has no steps"),
    (G, {"terminals": None}, "no file of OGBench: it has no 'terminals'"),
    (G, {"terminals": np.ones(5)}, "'terminals' has shape \\(5,\\), expected \\(6,\\)"),
    (G, {"actions": np.zeros((5, 2))}, "'actions' has shape \\(5, 2\\), expected \\(6, 2\\)"),
    (G, {"actions": np.zeros(6)}, "'actions' has shape \\(6,\\) of float64"),
    (G, {"observations": np.zeros((6, 8, 8, 3))}, "images are not supported"),
    (G, {"qpos": np.array([{}])}, "not a readable data set of OGBench"),
    (G, REGULAR | {"qpos": None, "terminals": np.array([0, 0, 1])}, "row 1 differ .* row 2"),
]


@pytest.mark.parametrize(("module", "change", "message"), BAD)
def test_bad_files(tmp_path, module, change, message):
    path = tmp_path / "a.npz"
    if module is ogbench:
        np.savez(path, **rows(**change))
    else:
        hdf5(path, demo(0, 0.0, **change) if module is robomimic else flat(**change))
    refuses(module.read, path, message)
