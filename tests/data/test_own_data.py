"""A user's data set as the source of cells: found, read once, identified by its contents."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imitbench as ib
from imitbench import algos, data
from imitbench.cli import main
from imitbench.data import loading, own_data, validate
from imitbench.data.recordings import opening
from imitbench.data.sources.source import Behaviour, DatasetInMemory, DemoSource
from imitbench.runs import job_warnings, plan
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell, cell_key
from imitbench.utils.errors import UserError

BC = algos.ALGOS["bc"].Config(hidden=(8,), steps=2, validation=0.0)
SUITE = """
from imitbench.algos import bc
from imitbench.data import DemoSource
from imitbench.suites.schema import Cell, Suite

cells = tuple(
    Cell("none", n, "bc", bc.Config(hidden=(8,), batch=8, steps=2, validation=0.0), grad_steps=2,
         seeds=2, num_evals=1, eval_episodes=2,
         source=DemoSource(path="data/robot.npz", name="robot 1"))
    for n in (1, 2, 4)
)
SUITE = Suite(name="own", about="Own data.", profiles={"cpu": cells})
"""


@pytest.fixture(scope="module")
def demos() -> data.Demos:
    return ib.collect(ib.make_env("PointMass"), episodes=6, noise=0.1)


@pytest.fixture
def path(demos, tmp_path) -> Path:
    (tmp_path / "data").mkdir()
    data.save(tmp_path / "data/robot.npz", demos)
    return tmp_path / "data/robot.npz"


def cell(path: Any, **changes: Any) -> Cell:
    source = DemoSource(path=path, **changes.pop("options", {}))
    fields: dict[str, Any] = {"task": "none", "demos": 3, "method": "bc", "config": BC}
    fields |= {"grad_steps": 2, "num_evals": 1, "source": source, "seeds": 2}
    return Cell(**(fields | changes))


def key(*words: Any, **changes: Any) -> str:
    (job,) = plan.prepare("own", "cpu", [cell(*words, **changes)])
    assert cell_key(job.identity) == job.key
    return job.key


def test_the_contents_identify_a_cell_not_the_path(path, demos, tmp_path):
    before = key(path)
    moved = tmp_path / "elsewhere.npz"
    shutil.copy(path, moved)
    assert key(moved) == before == key(str(path), options={"format": "npz", "name": "robot"})
    assert key(path, options={"same_subset": True}) != before
    changed = np.array(demos.steps.obs)
    changed[0, 0, 0] += 1e-3
    data.save(moved, demos.replace(steps=demos.steps.replace(obs=changed)))
    assert key(moved) != before


def test_a_data_set_is_read_once_for_all_cells(path, monkeypatch):
    opened = []
    read = opening.open_demos
    monkeypatch.setattr(opening, "open_demos", lambda *x: (opened.append(x), read(*x))[1])
    cells = [cell(path, demos=n, label=str(n)) for n in (1, 2, 4)] + [cell(path, task="PointMass")]
    jobs = plan.prepare("own", "cpu", cells)
    assert len(opened) == 2  # one of them without held-out episodes
    assert [job.cell.source.pool for job in jobs] == [5, 5, 5, 6]
    assert own_data.describe(jobs[0].cell.source) == (
        f"{path} (npz), 5 episodes, 1 held out for evaluation"
    )


def test_paths_in_a_suite_start_from_its_file(path, tmp_path, monkeypatch, capsys):
    (tmp_path / "own.py").write_text(SUITE)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    (first, *_) = load_suite("../own.py").profiles["cpu"]
    assert Path(str(first.source.path)).samefile(path) and first.source.dataset is None
    assert main.main(["run", "../own.py", "--dry-run"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("data      robot 1, ")
    assert out[0].endswith("robot.npz (npz), 5 episodes, 1 held out for evaluation")
    assert [line.split("-")[1] for line in out[1:4]] == ["1", "2", "4"]
    assert all(line.endswith(" (data robot 1)") for line in out[1:4])
    path.rename(tmp_path / "data/renamed.npz")
    assert main.main(["run", "../own.py"]) == 2
    assert f"no data set '{tmp_path}" in capsys.readouterr().err
    assert not list(Path().iterdir())  # no folder of results


def test_a_minari_identifier_in_a_suite_stays_one(tmp_path):
    kept = own_data.start_from(DemoSource(path="mujoco/hopper/expert-v0"), tmp_path)
    assert kept.path == "mujoco/hopper/expert-v0"
    assert own_data.start_from(DemoSource(), tmp_path) == DemoSource()
    (tmp_path / "robot-v0").mkdir()
    assert own_data.start_from(DemoSource(path="robot-v0"), tmp_path).path == tmp_path / "robot-v0"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"demos": 6}, "6 demonstrations asked for, but the data set has 5 episodes beside those"),
        ({"options": {"format": "parquet"}}, "unknown format 'parquet'"),
        ({"options": {"filter_key": "train"}}, "only robomimic has them"),
        ({"options": {"pool": 3}}, "a source with a path has no other settings but same_subset"),
        ({"options": {"noise": 0.1}}, "has no other settings"),
        ({"options": {"behaviour": Behaviour("sac", BC, "x")}}, "has no other settings"),
        ({"options": {"name": "$x"}}, "name '\\$x' of .*expected up to 60 letters"),
        ({"source": DemoSource(name="x")}, "name='x': expected a path"),
        ({"source": DemoSource()}, "task none: expected a data set of your own"),
        ({"task": "FetchReach"}, "is of PointMass, not of FetchReach: give its own task"),
        (
            {"method": "sil", "config": algos.ALGOS["sil"].Config(), "demos": 0},
            "sil learns without demonstrations: leave the data set",
        ),
    ],
)
def test_mistakes_are_named_before_any_work(path, changes, words):
    with pytest.raises(UserError, match=words):
        plan.prepare("own", "cpu", [cell(path, **changes)])


@pytest.mark.parametrize("contents", [b"hello", None])
def test_a_file_of_another_kind(tmp_path, contents):
    path = tmp_path / "junk.npz"
    if contents is None:
        np.savez(path, a=np.zeros(3))
    else:
        path.write_bytes(contents)
    words = r"junk.npz is not a readable data set .* wrote; other formats: --format, or format="
    with pytest.raises(UserError, match=words):
        ib.load_data(path)


def variants(demos: data.Demos) -> dict[str, data.Demos]:
    """Data sets that lack something each."""
    steps = demos.steps
    choice = (np.asarray(steps.action)[..., 0] > 0).astype(np.int32)
    changes: dict[str, dict[str, Any]] = {
        "whole": {},
        "no rewards": {"reward": np.zeros_like(steps.reward)},
        "no success": {"success": np.zeros_like(steps.success)},
        "choices": {"action": choice, "intended_action": choice},
        "no actions": {"action": None, "intended_action": None},
    }
    return {k: demos.replace(steps=steps.replace(**v)) for k, v in changes.items()}


@pytest.fixture(scope="module")
def files(demos, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("variants")
    for name, variant in variants(demos).items():
        data.save(folder / f"{name}.npz", variant)
    return {path.stem: path for path in folder.iterdir()}


TRAINS_WITHOUT_TASK = {
    "bc", "bcq", "ccil", "td3_bc", "iql", "marwil", "offline_awr", "offline_rwr", "offline_td3",
    "offline_ddpg", "offline_iq", "demodice", "smodice",
}  # fmt: skip


RELABEL = {"gcbc", "offline_gcsl", "wgcsl"}  # their goals are those of the task


def refusal(method: str, task: str, kind: str) -> str:
    """What a method says about a data set; empty where it trains."""
    traits, touched = algos.traits(method), algos.needs(method)
    if not traits.needs_demos:
        return "learns without demonstrations: leave the data set out"
    if task == "none" and touched:
        return r"needs the task's .* not known: use a method that learns from data alone"
    if kind == "no actions":
        needed = algos.needs_actions(method, algos.ALGOS[method].Config())
        known = "so that its task must be known: name it" if task == "none" else ""
        return known or ("learns from demonstrated actions, and the data set has" if needed else "")
    if kind == "choices" and task != "none":
        return "array 'action' has shape"
    if method in RELABEL and kind == "no actions":
        return "learns from demonstrated actions"
    if method in RELABEL and (task == "none" or kind == "choices"):
        return "needs a task with goals|needs continuous ones"
    if method == "vins" and task == "none":
        return "needs a task with goals|needs continuous ones"
    if kind == "choices":
        return "" if method in ("bc", "marwil") else "needs continuous ones; use another, such as"
    if kind == "no rewards" and traits.needs_rewards:
        return "has no rewards .all are 0.: use a method that clones actions"
    if kind == "no success" and traits.needs_goals_reached:
        return "no step of the data set of PointMass reaches the goal: use"
    return ""


@pytest.mark.parametrize("method", sorted(algos.ALGOS))
def test_each_method_trains_on_a_data_set_or_says_what_it_lacks(files, demos, method):
    """Plans alone: what they accept was trained once, and nothing here compiles."""
    trains, uses_extra = set(), algos.traits(method).uses_extra
    for kind, path in files.items():
        for task in ("PointMass", "none"):
            extra = DemoSource(pool=6, dataset=DatasetInMemory.of(variants(demos)[kind]))
            options = {"extra": extra, "extra_episodes": 1} if uses_extra else {}
            config = algos.ALGOS[method].Config()
            one = cell(path, task=task, method=method, config=config, seeds=1, options=options)
            expected = refusal(method, task, kind)
            if expected:
                with pytest.raises(UserError, match=expected) as error:
                    warnings_of(one)
                assert "\n" not in str(error.value)
            else:
                warnings_of(one)
                trains.add(task)
    assert ("none" in trains) == (method in TRAINS_WITHOUT_TASK)
    assert ("PointMass" in trains) == algos.traits(method).needs_demos


def warnings_of(one: Cell) -> list[str]:
    """Plans a cell with a budget that its method can spend."""
    for _ in range(3):
        try:
            (job,) = plan.prepare("own", "cpu", [one])
        except UserError as error:
            text = str(error)
            if "set env_steps instead" in text:
                one = dataclasses.replace(one, grad_steps=0, env_steps=1)
            elif "expected a multiple of" in text:
                budget = "env_steps" if one.env_steps else "grad_steps"
                nearest = re.search(r"such as (\d+)", text)
                assert nearest, text
                one = dataclasses.replace(one, **{budget: int(nearest[1])})
            else:
                raise
        else:
            return job_warnings.data_warnings(job)
    raise AssertionError("no budget fits")


def test_an_action_that_never_changes_is_named_before_training(demos, path):
    """In data of the user; scripted experts leave out what a task does not need."""
    still = np.array(demos.rows.action)
    still[:, 1] = 0.25
    rows = demos.rows.replace(action=still, intended_action=still)
    data.save(path, data.Demos(rows, demos.header, demos.lengths))
    jobs = plan.prepare("own", "cpu", [cell(path, task="PointMass")])
    (line,) = [x for x in job_warnings.data_warnings(jobs[0]) if "action" in x]
    assert "action components 1 of PointMass never change in the data" in line
    data.save(path, demos)
    jobs = plan.prepare("own", "cpu", [cell(path, task="PointMass")])
    assert not [x for x in job_warnings.data_warnings(jobs[0]) if "never change" in x]


def test_an_observation_that_never_changes_is_named_in_own_data_alone(demos, path):
    """The tasks of the package have some by design, which would be named in every run."""
    obs = np.array(demos.rows.obs)
    obs[:, 0] = 0.25
    still = data.Demos(demos.rows.replace(obs=obs), demos.header, demos.lengths)
    (line,) = validate.constant_warnings(still, ib.make_env("PointMass").spec)
    assert "observation components 0 of PointMass" in line
    data.save(path, still)
    (job,) = plan.prepare("own", "cpu", [cell(path, task="PointMass")])
    assert f"{job.key}: {line}" in job_warnings.data_warnings(job)
    shipped = Cell(
        "FetchPush", 2, "bc", BC, grad_steps=2, seeds=2, num_evals=1, source=DemoSource(pool=2)
    )
    (job,) = plan.prepare("shipped", "cpu", [shipped])
    pool, spec = loading.load_pool("FetchPush", "native", shipped.source), job.env.spec
    (line,) = validate.constant_warnings(pool, spec)[:1]
    assert "desired_goal" in line  # its goals lie on a table
    assert not [x for x in job_warnings.data_warnings(job) if "never change" in x]
