"""Demonstrations without actions, through files; and demonstrations of another body."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imitbench as ib
from imitbench import algos, data, envs
from imitbench.cli.train import Train
from imitbench.data import compatibility, loading, memory_map
from imitbench.data.formats import lerobot_writing, robomimic
from imitbench.data.recordings import conversion, inspection, opening, traps
from imitbench.data.sources.source import DataRequest, DemoSource
from imitbench.runs import plan
from imitbench.suites.schema import Cell, cell_identity
from imitbench.utils.errors import UserError

BC = algos.ALGOS["bc"].Config(hidden=(8,), steps=2, validation=0.0)
GAIL: Any = algos.ALGOS["gail"].Config()
GAIFO = dataclasses.replace(
    GAIL, discriminator=dataclasses.replace(GAIL.discriminator, inputs="transition")
)


@pytest.fixture(scope="module")
def demos() -> data.Demos:
    return ib.collect(ib.make_env("PointMass"), episodes=4)


@pytest.fixture(scope="module")
def blind(demos) -> data.Demos:
    return demos.without_actions()


def same_observations(a: data.Demos, b: data.Demos) -> None:
    for name in ("obs", "next_obs", "terminated", "truncated", "weight"):
        np.testing.assert_allclose(getattr(a.rows, name), getattr(b.rows, name), rtol=1e-6)


def test_npz_files(blind, demos, tmp_path):
    ib.save_data(tmp_path / "blind.npz", blind)
    found = ib.load_data(tmp_path / "blind.npz")
    same_observations(found, demos)
    assert not found.has_actions and found.rows.action is None and demos.has_actions
    assert np.load(tmp_path / "blind.npz").files.count("action") == 0


def test_one_of_the_two_actions_is_a_damaged_file(demos, tmp_path):
    half = demos.replace(rows=demos.rows.replace(intended_action=None))
    with pytest.raises(UserError, match="'label' is missing|'intended_action' is missing"):
        ib.save_data(tmp_path / "half.npz", half)
    data.save(tmp_path / "half.npz", half)
    with pytest.raises(UserError, match="arrays label are missing or unknown"):
        ib.load_data(tmp_path / "half.npz")


def test_arrays_in_python(demos):
    episode = demos.episode(0)
    obs = np.concatenate([episode.obs, episode.next_obs[-1:]])
    # Without anything else of a length, all pairs of observations are steps.
    made = ib.make_demos([{"obs": obs, "action": None}], task="PointMass")
    assert len(made.rows.weight) == len(episode.weight) and not made.has_actions
    assert "learn from observations alone" in " ".join(made.warnings)
    n = len(episode.weight)
    for more in (
        {"reward": episode.reward},
        {"truncated": np.zeros(n)},
        {"next_obs": episode.next_obs},
    ):
        made = ib.make_demos([{"obs": episode.obs, "action": None} | more], task="PointMass")
        # The last successor is known in the third case alone.
        assert len(made.rows.weight) == (n if "next_obs" in more else n - 1)
    with pytest.raises(UserError, match="'action' is missing: expected obs and action, which is"):
        ib.make_demos([{"obs": obs}], task="PointMass")
    with pytest.raises(UserError, match="has no actions, so that its task must be known"):
        ib.make_demos([{"obs": obs, "action": None}], task="none")


def test_d4rl_files(demos, tmp_path):
    h5py = pytest.importorskip("h5py")
    rows = demos.rows
    with h5py.File(tmp_path / "d4rl.hdf5", "w") as file:
        file["observations"], file["next_observations"] = rows.obs, rows.next_obs
        file["rewards"], file["terminals"] = rows.reward, rows.terminated
        file["timeouts"] = rows.truncated
    found = ib.load_data(tmp_path / "d4rl.hdf5", task="PointMass")
    same_observations(found, demos)
    assert not found.has_actions


def test_robomimic_files(demos, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "demo.hdf5", "w") as file:
        for k in range(len(demos)):
            episode, group = demos.episode(k), file.create_group(f"data/demo_{k}")
            group.attrs["num_samples"] = len(episode.weight)
            group["obs/observation"], group["next_obs/observation"] = episode.obs, episode.next_obs
    found = ib.load_data(tmp_path / "demo.hdf5", task="PointMass")
    np.testing.assert_array_equal(found.rows.obs, demos.rows.obs)
    assert not found.has_actions
    with h5py.File(tmp_path / "demo.hdf5", "a") as file:
        del file["data/demo_0"].attrs["num_samples"]
    with pytest.raises(UserError, match="'actions' is missing"):
        ib.load_data(tmp_path / "demo.hdf5", task="PointMass")


def test_lerobot_folders(demos, tmp_path):
    recording = conversion.to_recording(demos, Path("x"))
    lerobot_writing.write(tmp_path / "l", recording, task="Push.", fps=10)
    info = tmp_path / "l/meta/info.json"
    features = json.loads(info.read_text())
    del features["features"]["action"]
    info.write_text(json.dumps(features))
    found = ib.load_data(tmp_path / "l", task="PointMass")
    np.testing.assert_allclose(found.rows.obs, demos.rows.obs, rtol=1e-6)
    assert not found.has_actions


def test_formats_that_need_actions_refuse_to_write(blind, tmp_path):
    recording = conversion.to_recording(blind, Path("x"))
    with pytest.raises(UserError, match="x has no actions, which lerobot needs: write npz"):
        lerobot_writing.write(tmp_path / "l", recording, task="Push.", fps=10)
    with pytest.raises(UserError, match="x has no actions, which robomimic needs"):
        robomimic.write(tmp_path / "r.hdf5", recording, env_name="x")
    with pytest.raises(UserError, match="no actions, which minari needs"):
        data.minari.save(tmp_path, blind, envs.make("PointMass").spec)
    assert not list(tmp_path.iterdir())


def test_they_are_described_and_checked(blind, tmp_path):
    data.save(tmp_path / "blind.npz", blind)
    recording = opening.open_recording(tmp_path / "blind.npz")
    text = inspection.describe(inspection.summarise(recording))
    assert "\nactions                    unknown" in text or "unknown" in text.split("actions")[1]
    assert not [f for f in traps.check(recording, 1.0) if "action" in f.text]


def test_they_are_drawn_thinned_and_mapped(blind, demos, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = data.subset(blind, 2, [0, 1], stride=2)
    whole = data.subset(demos, 2, [0, 1], stride=2)
    np.testing.assert_array_equal(rows.obs, whole.obs)
    assert rows.action is None and rows.intended_action is None
    mapped = memory_map.memory_mapped(blind)
    same_observations(mapped, demos)
    assert data.subset(mapped, 2, [0], stream=True).action is None


def own_cell(path: Path, method: str, config: Any, **more: Any) -> Cell:
    budget: dict[str, Any] = (
        {"env_steps": 2048} if "env" in algos.needs(method) else {"grad_steps": 2}
    )
    fields: dict[str, Any] = {"demos": 2, "seeds": 1, "num_evals": 1, "eval_episodes": 1}
    source = DemoSource(path=path)
    return Cell("PointMass", method=method, config=config, source=source, **budget | fields | more)


def test_methods_that_need_actions_say_so_before_any_work(blind, tmp_path):
    data.save(tmp_path / "blind.npz", blind)
    text = "bc with these settings learns from demonstrated actions, and the data set has none.*bco"
    with pytest.raises(UserError, match=text):
        plan.prepare("own", "cpu", [own_cell(tmp_path / "blind.npz", "bc", BC)])
    with pytest.raises(UserError, match="gail with these settings"):
        plan.prepare("own", "cpu", [own_cell(tmp_path / "blind.npz", "gail", GAIL)])
    cloned = dataclasses.replace(GAIFO, clone_steps=10)
    with pytest.raises(UserError, match="gail with these settings.* and clone_steps=0"):
        plan.prepare("own", "cpu", [own_cell(tmp_path / "blind.npz", "gail", cloned)])
    (job,) = plan.prepare("own", "cpu", [own_cell(tmp_path / "blind.npz", "gail", GAIFO)])
    assert job.num_updates == 1
    with pytest.raises(UserError, match="dagger with these settings learns from demonstrated"):
        ib.train("dagger", ib.make_env("PointMass"), blind, grad_steps=10)


def request(task: str, source: DemoSource) -> DataRequest:
    return DataRequest(task, "native", 2, source)


SLOW = DemoSource(pool=3, task="FetchReach-slow")


def test_demonstrations_of_another_body():
    """The slow arm's demonstrations are given, and the cell says whose they are."""
    env = envs.make("FetchReach", "native")
    loaded, header, _ = loading.load_demonstrations(
        request("FetchReach", SLOW), env, [0], configs=[BC]
    )
    assert header is not None and header.task == "FetchReach-slow"
    own = loading.load_demonstrations(
        request("FetchReach-slow", DemoSource(pool=3)), env, [0], configs=[BC]
    ).rows
    np.testing.assert_array_equal(loaded.obs, own.obs)
    np.testing.assert_array_equal(loaded.action, own.action)
    moved = np.abs(np.diff(np.asarray(own.obs)[0, :50, :3], axis=0)).max()
    assert 0.01 < moved < 0.031  # m: an arm that is told to move 3 cm in a step, not 5
    cell = Cell("FetchReach", 2, "bc", BC, grad_steps=2, seeds=1, num_evals=1, source=SLOW)
    identity = cell_identity("toy", "cpu", cell, "native")
    assert identity["source"]["task"] == "FetchReach-slow"
    plain = cell_identity(
        "toy", "cpu", dataclasses.replace(cell, source=DemoSource(pool=3)), "native"
    )
    assert "task" not in plain["source"]  # as in cells that are older than the field


@pytest.mark.parametrize(
    ("task", "source", "config", "text"),
    [
        ("FetchReach", {"task": "FetchPush"}, BC, "source task FetchPush has 28 observed numbers"),
        ("HalfCheetah-short", {"task": "Hopper"}, BC, r"Hopper has 11 .*\(qpos 5, qvel 6\)"),
        ("FetchReach", {"task": "FetchReach-fast"}, BC, "'FetchReach-fast': did you mean"),
        ("FetchReach", {"task": "FetchReach-slow", "expert": "x:y"}, BC, "expert of your own"),
        ("HalfCheetah", {"task": "HalfCheetah-short"}, BC, "'HalfCheetah-short' has no expert"),
        (
            "FetchReach", {"task": "FetchReach-slow"}, dataclasses.replace(GAIL, resets=0.5),
            "resets=0.5: the demonstrated states are those of FetchReach-slow",
        ),
        ("FetchReach", {"task": "FetchReach-slow", "path": "x.npz"}, BC, "no other settings"),
    ],
)  # fmt: skip
def test_mistakes_about_the_other_body(task, source, config, text):
    method = "bc" if config is BC else "gail"
    budget: dict[str, Any] = {"grad_steps": 2} if config is BC else {"env_steps": 2048}
    cell = Cell(
        task, 2, method, config, seeds=1, num_evals=1, source=DemoSource(**source), **budget
    )
    with pytest.raises(UserError, match=text):
        plan.prepare("own", "cpu", [cell])


def test_actions_of_another_size_are_left_out(monkeypatch):
    """As if the slow arm had one action fewer."""
    env, slow = envs.make("FetchReach", "native"), envs.make("FetchReach-slow", "native")
    other = dataclasses.replace(slow.spec, action_size=3)
    monkeypatch.setattr(compatibility, "same_actions", lambda one, spec: False)
    with pytest.raises(UserError, match="FetchReach-slow has actions of another size than FetchR"):
        compatibility.check(request("FetchReach", SLOW), "bc", BC, env)
    compatibility.check(request("FetchReach", SLOW), "gail", GAIFO, env)
    rows = loading.load_demonstrations(request("FetchReach", SLOW), env, [0], configs=[GAIFO]).rows
    assert rows.action is None
    monkeypatch.undo()
    assert not compatibility.same_actions(other, env.spec)
    assert compatibility.same_actions(slow.spec, env.spec)


def test_observations_are_compared_by_their_parts():
    spec = envs.make("PointMass").spec
    longer = dataclasses.replace(spec, horizon=spec.horizon + 1)
    with pytest.raises(UserError, match="episodes of 21 steps, b of 20: expected no longer ones"):
        compatibility.check_observations("a", longer, "b", spec)
    renamed = dataclasses.replace(spec, fields={"state": slice(0, 6)})
    with pytest.raises(UserError, match=r"a has 6 observed numbers \(state 6\), b has 6 \(pos 2"):
        compatibility.check_observations("a", renamed, "b", spec)
    compatibility.check_observations("a", spec, "b", spec)


def test_another_robot_is_a_warning():
    """HalfCheetah and Walker2d have observations of the same sizes."""
    (line,) = compatibility.warnings(request("Walker2d", DemoSource(task="HalfCheetah")), "bc")
    assert "no bodies of one robot" in line and "\n" not in line
    for task, source in (("HalfCheetah-short", "HalfCheetah"), ("Ant-fh", "Ant-disabled")):
        assert compatibility.warnings(request(task, DemoSource(task=source)), "bc") == []


def test_rewards_of_another_body_are_named():
    line = "the rewards of the demonstrations are those of FetchReach-slow, not of FetchReach"
    assert compatibility.warnings(request("FetchReach", SLOW), "marwil") == [line]
    assert compatibility.warnings(request("FetchReach", SLOW), "bc") == []


@pytest.mark.slow
def test_from_python():
    demos = ib.collect(ib.make_env("FetchReach-slow"), episodes=3)
    env = ib.make_env("FetchReach")
    options: Any = {"seeds": 1, "grad_steps": 2, "evals": 1, "eval_episodes": 1, "config": BC}
    with pytest.raises(UserError, match="set other_task=True if that is what you mean"):
        ib.train("bc", env, demos, **options)
    wrong = ib.make_env("PointMass")
    with pytest.raises(UserError, match="FetchReach-slow has 13 observed numbers"):
        ib.train("bc", wrong, demos, other_task=True, **options)
    run = ib.train("bc", env, demos, other_task=True, **options)
    assert set(run.frame()["task"]) == {"FetchReach"}


@pytest.fixture(scope="module")
def slow_file(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("slow") / "slow.npz"
    ib.save_data(path, ib.collect(ib.make_env("FetchReach-slow"), episodes=2))
    return str(path)


def test_a_file_of_another_task_on_purpose(slow_file, monkeypatch, capsys):
    words = (
        "is of FetchReach-slow, not of FetchReach: give its own task; to learn FetchReach from it "
        "on purpose: --source-task FetchReach-slow"
    )
    with pytest.raises(UserError, match=words):
        Train("bc", "FetchReach", data=slow_file).cell()
    cell = Train("bc", "FetchReach", data=slow_file, source_task="FetchReach-slow").cell()
    dataset = cell.source.dataset
    assert dataset is not None and len(dataset.demos) == cell.demos == cell.source.pool == 2
    same_observations(dataset.demos, ib.load_data(slow_file))
    assert dataset.demos.has_actions and "warning" not in capsys.readouterr().err
    assert len(plan.prepare("train", "cpu", [dataclasses.replace(cell, grad_steps=2000)])) == 1
    Train("marwil", "FetchReach", data=slow_file, source_task="FetchReach-slow").cell()
    assert "warning: the rewards of the demonstrations are" in capsys.readouterr().err
    monkeypatch.setattr(compatibility, "same_actions", lambda one, spec: False)
    with pytest.raises(UserError, match="FetchReach-slow has actions of another size than FetchR"):
        Train("bc", "FetchReach", data=slow_file, source_task="FetchReach-slow").cell()
    gaifo = Train(
        "gail",
        "FetchReach",
        data=slow_file,
        source_task="FetchReach-slow",
        set=("discriminator.inputs=transition",),
        env_steps=2048,
    )
    dataset = gaifo.cell().source.dataset
    assert dataset is not None and not dataset.demos.has_actions


@pytest.mark.parametrize(
    ("task", "source", "settings", "words"),
    [
        ("FetchReach", "FetchReach-fast", (), "'FetchReach-fast': did you mean"),
        ("FetchReach", "FetchPush", (), "source task FetchPush has 28 observed numbers"),
        ("FetchReach", "FetchReach-slow", ("resets=0.5",), "resets=0.5: the demonstrated states"),
        ("Walker2d", "HalfCheetah", (), "slow.npz is of FetchReach-slow, not of HalfCheetah"),
        ("none", "FetchReach-slow", (), "--source-task FetchReach-slow: task none takes any data"),
    ],
)
def test_mistakes_about_a_file_of_another_task(slow_file, task, source, settings, words):
    method = "bc" if task == "none" else "gail"
    command = Train(method, task, data=slow_file, source_task=source, set=settings)
    with pytest.raises(UserError, match=words):
        command.cell()
