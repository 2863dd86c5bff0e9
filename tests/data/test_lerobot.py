"""LeRobotDataset folders: made by hand, round trips, and damaged or hostile ones."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from imitbench.data.formats import lerobot, lerobot_parquet, lerobot_writing
from imitbench.data.recordings.recording import FLAT, Episode, Recording
from imitbench.utils.errors import UserError

INFO, DATA = "meta/info.json", "data/chunk-000/file-000.parquet"
META = "meta/episodes/chunk-000/file-000.parquet"
LENGTHS = {0: 3, 1: 2}


def feature(dtype, *shape):
    return {"dtype": dtype, "shape": list(shape), "names": None}


FEATURES = {
    "observation.state": feature("float32", 2),
    "observation.environment_state": feature("float32", 1),
    "observation.pose": feature("float64", 2, 2),
    "observation.images.top": feature("video", 3, 96, 96),
    "observation.words": feature("string", 1),
    "action": feature("float32", 2),
    **{name: feature("float32", 1) for name in ("next.reward", "timestamp")},
    **{name: feature("bool", 1) for name in ("next.done", "next.success")},
}
BASIC = {
    **{"codebase_version": "v3.0", "fps": 10, "total_episodes": 2, "total_frames": 5},
    "data_path": "../../evil/file-{file_index:03d}.parquet",
    "features": FEATURES,
}


def frame(k, i):
    """Row i of episode k: the state is [k, i], and episode 0 alone succeeds."""
    x, ends = np.float32(10 * k + i), i == LENGTHS[k] - 1
    state, action = np.array([k, i], np.float32), np.array([x, -x], np.float32)
    values = (state, x, [[x, 1.0], [2.0, 3.0]], "left out", action, x / 2, np.float32(i / 10))
    names = [name for name in FEATURES if "images" not in name]
    row = dict(zip(names, (*values, ends, ends and k == 0), strict=True))
    return row | {"frame_index": i, "episode_index": k}


def put(folder, path, content):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pd.DataFrame):
        return content.to_parquet(folder / path)
    (folder / path).write_text(content if isinstance(content, str) else json.dumps(content))


def make(folder, version):
    put(folder, INFO, BASIC | {"codebase_version": version})
    rows = [frame(1, 1), frame(0, 2), frame(1, 0), frame(0, 0), frame(0, 1)]  # out of order
    episodes = [{"episode_index": k, "length": n, "tasks": ["go"]} for k, n in LENGTHS.items()]
    if version == "v3.0":
        put(folder, DATA, pd.DataFrame(rows))
        put(folder, META, pd.DataFrame(episodes[::-1]))
    for k in LENGTHS if version == "v2.1" else ():
        part = pd.DataFrame([row for row in rows if row["episode_index"] == k])
        put(folder, f"data/chunk-000/episode_{k:06d}.parquet", part)
        put(folder, "meta/episodes.jsonl", "\n".join(map(json.dumps, episodes)) + "\n")
    return folder


def same(a, b):
    def check(x, y):
        assert (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())

    jax.tree.map(check, a, b)


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path / "in/set", "v3.0")


@pytest.mark.parametrize("version", ["v3.0", "v2.1"])
def test_a_folder_made_by_hand_is_read_once_and_alone(version, tmp_path, monkeypatch):
    folder, opened = make(tmp_path / "in/set", version), []
    put(tmp_path, "evil/file-000.parquet", "this is opened by nobody")

    def spy(true):
        return lambda path, *a, **k: (opened.append((true.__name__, path)), true(path, *a, **k))[1]

    for place, name in ((pq, "read_metadata"), (pq, "read_table"), (Path, "read_bytes")):
        monkeypatch.setattr(place, name, spy(getattr(place, name)))
    assert lerobot.is_lerobot(folder) and not lerobot.is_lerobot(tmp_path)
    got = lerobot.read(folder)
    assert all(path.is_relative_to(folder) for _, path in opened)
    tables = [path for name, path in opened if name == "read_table"]
    assert len(tables) == len(set(tables)) == 2, "data and meta/episodes, or two episodes"
    assert (got.format, got.path, got.fps) == (f"lerobot {version}", folder, 10.0)
    for k, n in LENGTHS.items():
        i = np.arange(n, dtype=np.float32)
        x, success = i + 10 * k, (i == n - 1) & (k == 0)
        observations = {
            "state": np.stack([0 * i + k, i], 1),
            "environment_state": x[:, None],
            "pose": np.array([[[v, 1.0], [2.0, 3.0]] for v in x], np.float64),
        }
        terminated = success if k == 0 else None  # the other one is done for an unknown reason
        actions, ends = np.stack([x, -x], 1), (terminated, None, success, i / np.float32(10))
        same(got.episodes[k], Episode(observations, actions, None, x / 2, *ends))


def test_how_episodes_end_is_told_by_the_most_exact_features(folder):
    table = pd.read_parquet(folder / DATA)
    cut, ends = {"next.truncated": table.frame_index == 2}, {"next.terminated": table.index == 3}
    for more, first in ((cut, [False, False, False]), (cut | ends, [True, False, False])):
        changed = FEATURES | dict.fromkeys(more, feature("bool", 1))
        put(folder, INFO, BASIC | {"features": changed})
        put(folder, DATA, table.assign(**more))
        found = [x for e in lerobot.read(folder).episodes for x in (e.truncated, e.terminated)]
        expected = [[False, False, True], first, [False, False], [False, more is cut]]
        np.testing.assert_equal(found, list(map(np.array, expected)))


def episodes(successors=1):
    """Two episodes with everything; the last observation is beside or in the observations."""
    found, rng = [], np.random.default_rng(0)
    for n in (4, 1):
        x = {name: rng.normal(size=(n + 1, 3)).astype(np.float32) for name in (FLAT, "goal")}
        x["goal"][0, 0], last = np.nan, np.arange(n) == n - 1
        observations = {name: v[: n + successors] for name, v in x.items()}
        after = None if successors else {name: v[1:] for name, v in x.items()}
        ends = (~last & False, last, last, (np.arange(n) / 5).astype(np.float32))
        actions = rng.normal(size=(n, 2)).astype(np.float32)
        found.append(Episode(observations, actions, after, rng.normal(size=n), *ends))
    return found


@pytest.mark.parametrize("successors", [0, 1])
def test_a_round_trip_is_bit_equal(successors, tmp_path):
    sent = Recording("made up", tmp_path, episodes(successors), fps=5.0)
    folder = lerobot_writing.write(tmp_path / "deep/set", sent, task="Reach the goal.")
    assert list(folder.parent.iterdir()) == [folder], "nothing else is left"
    got = lerobot.read(folder)
    assert got.format == "lerobot v3.0" and got.fps == 5.0 and len(got.episodes) == 2
    for sent_one, back in zip(episodes(), got.episodes, strict=True):
        x = {name.replace(FLAT, "state"): v for name, v in sent_one.observations.items()}
        before, after = {k: v[:-1] for k, v in x.items()}, {k: v[1:] for k, v in x.items()}
        same(back, sent_one._replace(observations=before, next_observations=after))
    again = lerobot_writing.write(tmp_path / "again", got, task="Reach the goal.")
    content = bytearray((folder / DATA).read_bytes())
    assert (again / DATA).read_bytes() == content
    content[content.index(got.episodes[0].actions.tobytes()[:8])] ^= 1
    (again / DATA).write_bytes(content)
    with pytest.raises(UserError, match="file-000.parquet is damaged .*CRC"):
        lerobot.read(again)


def test_the_layout_is_that_of_lerobot(tmp_path):
    steps = [Episode({FLAT: np.zeros((n, 1))}, np.arange(n)) for n in (4, 1)]
    folder = lerobot_writing.write(tmp_path / "x", Recording("", tmp_path, steps), task="Go")
    values = json.loads((folder / INFO).read_text())
    assert (values["fps"], values["total_frames"], values["splits"]) == (20, 5, {"train": "0:2"})
    assert values["features"]["action"] == feature("int64", 1)
    table = pd.read_parquet(folder / DATA)
    assert set(table) == set(values["features"]) and "next.done" not in table
    times = np.array([0, 1, 2, 3, 0], np.float32) / np.float32(20)
    np.testing.assert_array_equal(table[["index", "timestamp"]].T, [range(5), times])
    assert pd.read_parquet(folder / "meta/tasks.parquet").to_dict() == {"task_index": {"Go": 0}}
    meta = pd.read_parquet(folder / META)
    assert meta["dataset_to_index"].tolist() == [4, 5] and meta["tasks"][0].tolist() == ["Go"]
    stats = json.loads((folder / "meta/stats.json").read_text())["action"]
    assert stats["mean"] == [1.2] and stats["q50"] == [1.0] and stats["count"] == [5]
    assert meta["stats/action/max"][0].tolist() == [3.0]
    got = lerobot.read(folder).episodes[0]
    assert got.actions.tolist() == [0, 1, 2, 3] and got.terminated is got.next_observations is None


def last(**changes):
    return lambda e: [e[0], e[1]._replace(**changes)]


def only(**x):
    return lambda e: [e[1]._replace(observations=x)]


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (list, {"task": " "}, "task=' ': expected a line"), (list, {"fps": 0.0}, "fps=0.0: expect"),
        (list, {"fps": 50.0}, "episode 0: timestamps 0 to 0.6 s of 4 steps do not fit fps=50"),
        (last(rewards=None), {}, "episodes 0 and 1 differ in 'next.reward':"),
        (last(actions=np.ones((1, 2))), {}, "episodes 0 and 1 differ in 'action':"),
        (last(rewards=np.ones((1, 2))), {}, r"'next.reward' has shape \(1, 2\), expected one"),
        (last(next_observations={"goal": np.ones((1, 3))}), {}, "'goal' does not end with the"),
        (only(**{"a/b": np.ones(1)}), {}, "'a/b' would be the feature 'observation.a/b'"),
        (only(observation=np.ones(1), state=np.ones(1)), {}, "'state' would be .*one feature for"),
        (only(x=np.ones((1, 0))), {}, "'observation.x' has shape"),
        (lambda e: [e[1]._replace(rewards=np.ones(1, np.float16))], {}, "is of type float16"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused(change, options, expected, tmp_path):
    sent = Recording("made up", tmp_path, change(episodes()), fps=5.0)
    with pytest.raises(UserError, match=expected):
        lerobot_writing.write(tmp_path / "x", sent, **{"task": "Go", **options})
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="exists: remove it"):
        lerobot_writing.write(tmp_path, sent, task="Go")


def declare(name, *values):
    return {"features": FEATURES | {name: feature(*values)}}


def column(name, value, path=DATA):
    def change(folder):
        table = pd.read_parquet(folder / path)
        put(folder, path, table.assign(**{name: [value(i) for i in range(len(table))]}))

    return change


def link(path):
    return lambda folder: (folder / path).symlink_to((folder / path).rename(folder.parent / "x"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: (f / INFO).unlink(), "no such file: .*info.json"),
        (lambda f: (f / DATA).unlink(), "0 files data/chunk-.* have 0 rows, expected 5"),
        (lambda f: (f / META).unlink(), "0 files meta/episodes/chunk-.* have 0 rows, expected 2"),
        (lambda f: (f / DATA).write_bytes((f / DATA).read_bytes()[:-9]), "parquet is damaged"),
        (link(DATA), "is a link to outside"), (link(INFO), "is a link to outside"),
        (lambda f: put(f, INFO, "{"), "cannot be read"), (lambda f: put(f, INFO, {}), "is missing"),
        ({"codebase_version": "v9.1"}, "codebase_version is 'v9.1', expected v3.0 and v2.1"),
        ({"fps": "1"}, "'fps' is '1', expected float"), ({"fps": np.nan}, "fps is nan, expected"),
        ({"fps": -(10**400)}, "fps is -1000"), ({"features": []}, "'features' is .*expected dict"),
        ({"total_frames": True}, "is True, expected int"), ({"total_episodes": 0}, "0 episodes of"),
        ({"total_frames": 6}, "have 5 rows, exp"), ({"total_episodes": 3}, "have 2 rows, expect"),
        ({"total_frames": 10**4000}, "of 10000000000000000000 frames .*at most 8,589,934,592"),
        ({"features": {"a": feature("video", 3)}}, "beside 'a' .'video'.: images are not supp"),
        (declare("action", "image"), "no numeric feature 'action' beside 'observation.state'"),
        (declare("action", "float32", 3), r"'action' has 10 numbers in 5 rows, expected 15, of sh"),
        (declare("action", "float32", 2, 1), "no list in a frame, expected shape"),
        (declare("action", "float32", -2, -1), r"shape \(-2, -1\), expected up to 5 positive"),
        (declare("next.reward", "float32", 2), r"shape \(2,\), expected one number"),
        (declare("observation.x", "float32", 1), "expected one column 'observation.x' of numbers"),
        (declare("observation.words", "float32", 1), "expected one column 'observation.words'"),
        (column("action", lambda i: [0.0] * (1, 3, 2)[min(i, 2)]), "a list of 1 in a frame, expec"),
        (column("action", lambda i: [0.0] * (10**6 + i)), "has 5,000,010 numbers in 5 rows, expe"),
        (column("next.reward", lambda i: i if i else None), "with 1 values missing"),
        (column("frame_index", lambda i: 0.5), "'frame_index' is of type double.* expected integ"),
        (column("frame_index", lambda i: 0), "frame_index of episode 0 has gaps or repeats"),
        (column("episode_index", lambda i: i), "episode 0 has 1 rows in data/ and length 3 in m"),
        (column("length", lambda i: 3, META), "episode 1 has 2 rows in data/ and length 3 in m"),
        (column("episode_index", lambda i: 0, META), "episode 1 has 2 rows .* length None in met"),
    ],
)  # fmt: skip
def test_bad_folders_are_refused(change, expected, folder):
    change(folder) if callable(change) else put(folder, INFO, BASIC | change)
    with pytest.raises(UserError, match=expected) as error:
        lerobot.read(folder)
    assert "\n" not in str(error.value) and str(folder) in str(error.value)


def test_columns_that_unpack_to_more_than_their_numbers_are_refused(folder, monkeypatch):
    monkeypatch.setattr(lerobot_parquet, "OVERHEAD", -(10**6))
    with pytest.raises(UserError, match="unpacks to .* bytes, expected about 80 for 10 numbers"):
        lerobot.read(folder)


def test_links_into_the_blobs_of_the_hubs_cache_are_followed(folder):
    cached = folder.parent / "snapshots/1a2b"
    folder.rename(folder.parent / "blobs")
    for path in (INFO, DATA, META):
        (cached / path).parent.mkdir(parents=True)
        (cached / path).symlink_to(folder.parent / "blobs" / path)
    assert len(lerobot.read(cached).episodes) == 2
