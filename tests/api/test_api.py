"""The public face: what `import imitbench` offers, as a user would use it."""

from __future__ import annotations

import dataclasses
import doctest
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import message

import imitbench as ib
from imitbench.api import comparison, datasets, environments, evaluation, policy, run, training
from imitbench.api.to_gymnasium import wrap
from imitbench.data import Demos
from imitbench.results.cells import store

SMALL: dict[str, Any] = {
    "grad_steps": 40, "evals": 2, "eval_episodes": 5, "hidden": (16,), "steps": 10,
    "validation": 0.0, "seeds": 2,
}  # fmt: skip


LONGER: dict[str, Any] = SMALL | {"grad_steps": 80}


@pytest.fixture(scope="module")
def env():
    return ib.make_env("PointMass")


@pytest.fixture(scope="module")
def demos(env) -> Demos:
    return ib.collect(env, episodes=6)


@pytest.fixture(scope="module")
def bc(env, demos) -> ib.Run:
    return ib.train("bc", env, demos, num_demos=3, **SMALL)


def test_importing_is_fast_and_loads_neither_jax_nor_mujoco():
    code = (
        "import sys, time; t = time.perf_counter(); import imitbench; "
        "print(time.perf_counter() - t, *{'jax', 'mujoco', 'pandas'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *loaded = out.stdout.split()
    assert loaded == [] and float(seconds) < 0.3


def test_every_name_is_there_and_documented():
    for name in ib.__all__:
        thing = getattr(ib, name)
        assert (thing.__doc__ or "").strip(), name
    assert set(ib.__all__) <= set(dir(ib))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ib.nothing  # noqa: B018


@pytest.mark.parametrize(
    "module", [comparison, datasets, environments, evaluation, policy, run, training, wrap]
)
def test_the_examples_in_docstrings_run(module):
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_a_run_prints_as_a_table_and_gives_all_its_numbers(bc):
    text = str(bc)
    assert "PointMass" in text and "bc-hidden=16" in text and "2 x 5" in text
    frame = bc.frame()
    assert len(frame) == 2 * (1 + 2)  # before training, too
    assert {"task", "method", "seed", "evaluation", "success_any", "return"} <= set(frame.columns)
    last = frame[frame["evaluation"] == 2].sort_values("seed")
    np.testing.assert_array_equal(last["return"], bc.results[0].final("return"))
    assert isinstance(bc._repr_html_(), str)


def test_a_saved_run_is_the_harness_own_kind_of_results(bc, tmp_path):
    folder = bc.save(tmp_path / "run")
    assert {"cells", "table.md", "summary.csv"} <= {p.name for p in folder.iterdir()}
    (result,) = store.read_all(folder)
    assert result.identity == bc.results[0].identity
    again = ib.Run.load(folder)
    pd.testing.assert_frame_equal(again.frame(), bc.frame())
    assert bc.save(folder) == folder  # a second time changes nothing
    assert len(store.read_all(folder)) == 1
    figure = bc.plot(tmp_path / "figure")
    assert [axis.get_xlabel() for axis in figure.axes] == ["gradient steps"]
    assert all((tmp_path / f"figure.{kind}").stat().st_size > 1000 for kind in ("png", "svg"))


def test_a_folder_keeps_the_run_and_the_same_call_skips_it(env, demos, tmp_path):
    first = ib.train("bc", env, demos, folder=tmp_path / "kept", **SMALL)
    again = ib.train("bc", env, demos, folder=tmp_path / "kept", **SMALL)
    assert any("finished before" in line for line in again.warnings) and not first.warnings
    pd.testing.assert_frame_equal(first.frame(), again.frame())


def test_the_policy_of_a_run_is_the_one_that_was_evaluated(bc, env, tmp_path):
    """The run's last evaluation, again: same initial states, same returns."""
    from imitbench.core import rollout
    from imitbench.runs.plan import eval_keys

    folder = bc.save(tmp_path / "run")
    for s in range(2):
        own = ib.load_policy(folder, seed=s)
        steps = rollout.episodes(env, own.actor, eval_keys([s], False)[0], 5)
        episodes = bc.results[0].episodes
        expected = episodes[episodes["seed"] == s]["return"]
        np.testing.assert_allclose(steps.reward.sum(axis=0), expected, rtol=1e-4)
    assert bc.policy(1).method == "bc"
    scores = ib.evaluate(folder, episodes=4, seed=3)
    assert list(scores.columns) == ["episode", "length", "return", "success_any", "success_final"]
    pd.testing.assert_frame_equal(scores, ib.evaluate(bc.policy(0), env, episodes=4, seed=3))


def test_a_policy_takes_arrays_of_any_leading_axes(bc):
    own = bc.policy(0)
    obs = np.random.default_rng(0).normal(size=(2, 3, 6))
    actions = own(obs)
    assert actions.shape == (2, 3, 2) and np.abs(actions).max() <= 1
    np.testing.assert_allclose(own(obs[1, 2]), actions[1, 2], rtol=1e-5)
    assert isinstance(actions, np.ndarray)
    goal = {"observation": obs[..., :4], "achieved_goal": 0, "desired_goal": obs[..., 4:]}
    np.testing.assert_allclose(own(goal), actions, rtol=1e-6)
    for bad, words in (
        (obs[..., :5], r"shape \(2, 3, 5\): .* expects \(\.\.\., 6\)"),
        ({"image": obs}, "keys image: .* observation and desired_goal"),
        ("nothing", "no array of numbers"),
    ):
        with pytest.raises(ib.UserError, match=words) as error:
            own(bad)
        message(error)


def test_two_runs_are_compared_in_memory_and_on_disk(bc, env, demos, tmp_path):
    other = ib.train("bc", env, demos, num_demos=3, label="longer", **LONGER)
    result = ib.compare(other, bc)
    frame = result.frame()
    assert list(frame["measure"]) == ["success_final", "success_any"]
    a, b = other.results[0].final("success_any"), bc.results[0].final("success_any")
    row = frame[frame["measure"] == "success_any"].iloc[0]
    assert row["difference"] == pytest.approx((a - b).mean())
    assert "longer" in str(result) and "PointMass 3" in str(result)
    folders = [r.save(tmp_path / name) for r, name in ((other, "a"), (bc, "b"))]
    pd.testing.assert_frame_equal(
        ib.compare(*folders).frame().iloc[:, 4:], frame.iloc[:, 4:], check_names=False
    )


def test_lists_name_every_method_and_task():
    methods, tasks = ib.list_methods(), ib.list_tasks()
    assert methods.loc["bc", "needs"] == "demonstrations"
    assert methods.loc["ppo", "needs"] == "environment"
    assert methods.loc["bcq", "needs"] == "demonstrations with rewards"
    assert {"Hopper", "FetchPush"} <= set(tasks.index)


def test_data_go_out_and_come_in_again(demos, tmp_path):
    path = ib.save_data(tmp_path / "demos.npz", demos)
    again = ib.load_data(path)
    assert again.header == demos.header
    np.testing.assert_array_equal(again.steps.obs, demos.steps.obs)
    minari = pytest.importorskip("imitbench.data.formats.minari")
    from imitbench import envs

    folder = minari.save(tmp_path / "sets", demos, envs.make("PointMass").spec)
    np.testing.assert_array_equal(ib.load_data(folder).steps.obs, demos.steps.obs)
    with pytest.raises(ib.UserError, match="no data set 'nowhere'"):
        ib.load_data("nowhere")
    with pytest.raises(ib.UserError, match="there is no folder"):
        ib.save_data(tmp_path / "none" / "x.npz", demos)


def test_data_without_a_task_are_learned_from(demos, tmp_path):
    """A policy's error on the episode that is held out; the expert's own actions would have 0."""
    unknown = demos.replace(header=dataclasses.replace(demos.header, task="none"))
    run = ib.train("bc", None, unknown, **SMALL)
    (result,) = run.results
    assert (result.identity["task"], result.identity["demos"]) == ("none", 5)
    returns = np.asarray(run.frame().groupby("evaluation")["return"].mean())
    assert -100 < returns[0] < returns[-1] < 0
    folder = run.save(tmp_path / "unknown")
    assert ib.load_policy(folder, seed=0)(demos.steps.obs[0, :3]).shape == (3, 2)
    for data, words in ((None, "no data"), (demos, "demonstrations of 'PointMass'")):
        with pytest.raises(ib.UserError, match=f"env=None with {words}: .* task='none'"):
            ib.train("bc", None, data)


def test_mistakes_are_found_before_training(env, demos, bc, tmp_path):
    hopper = ib.make_env("Hopper")
    for call, words in (
        (lambda: ib.train("bcc", env, demos), "unknown method 'bcc': did you mean bc"),
        (lambda: ib.train("bc", 3, demos), "int is no environment of imitbench"),  # type: ignore[arg-type]
        (lambda: ib.train("bc", env), "bc learns from demonstrations: give demos"),
        (lambda: ib.train("bc", hopper, demos), "demonstrations are of 'PointMass'.*'Hopper'"),
        (lambda: ib.train("bc", env, demos, num_demos=7), "num_demos=7: expected 1 to 6"),
        (lambda: ib.train("bc", env, demos, wings=2), "unknown setting .*'wings'"),
        (lambda: ib.train("bc", env, demos, lr="fast"), "lr='fast'"),
        (lambda: ib.train("bc", env, demos, lr=-1.0), "lr=-1.0: expected a positive number"),
        (lambda: ib.train("bc", env, demos, seeds=0), "seeds=0: expected 1 or more"),
        (lambda: ib.make_env("Hoper"), "unknown task 'Hoper': did you mean Hopper"),
        (lambda: ib.Run.load(tmp_path), "is no folder of results"),
        (lambda: ib.load_policy(tmp_path), "is no folder of results"),
        (lambda: bc.policy(9), "no policy of seed 9: it has those of seeds 0, 1"),
        (lambda: ib.evaluate(bc.policy(0), hopper), "Hopper has 11 observations"),
        (lambda: ib.evaluate(bc.policy(0), episodes=0), "episodes=0: expected 1 or more"),
    ):
        with pytest.raises(ib.UserError, match=words) as error:
            call()
        message(error)


def test_the_module_names_all_that_it_loads():
    for name, module in ib._MODULES.items():
        assert hasattr(importlib.import_module(f"imitbench.{module}"), name)
    assert (Path(ib.__file__).parent / "py.typed").exists()
