"""Grades of demonstrations: demonstrators, seeds, headers and the cache."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import imitbench
from imitbench import data, envs, experts
from imitbench.algos.cloning import bc, dagger
from imitbench.cli import main
from imitbench.data import demonstrations
from imitbench.data.formats.npz import checksum
from imitbench.data.sources import grades
from imitbench.data.sources.source import DemoSource
from imitbench.experts import learned
from imitbench.runs import plan, runner
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell, cell_identity, cell_key
from imitbench.utils import npz
from imitbench.utils.errors import UserError
from imitbench.utils.machine import cache_dir

KEY = jax.random.key(0)


def linear(gain: float) -> learned.MLPPolicy:
    """PointMass's law, with another gain on the position."""
    kernel = np.concatenate([-gain * np.eye(2), -1.5 * np.eye(2), gain * np.eye(2)])
    return learned.MLPPolicy(
        [(kernel, np.zeros(2))], "relu", "clip", np.zeros(6), np.ones(6), float("inf")
    )


def put(gain: float) -> None:
    card = learned.Card(
        task="PointMass", grade="medium", obs_size=6, action_size=2, method="ppo", recipe={},
        env_steps=1, grad_steps=1, wall_seconds=1.0, device="cpu", engine="native",
        environment_digest="0" * 16, seed=0, episodes=1, mean_return=0.0, std_return=0.0,
        success_any=0.5, success_final=0.5, scores_by_seed=[0.0],
    )  # fmt: skip
    learned.save(learned.weights_path("PointMass", "medium"), linear(gain), card)


@pytest.fixture
def medium(tmp_path, monkeypatch, no_cache):
    """A weak learned expert for PointMass, in a folder of its own; and an empty cache."""
    monkeypatch.setattr(learned, "folder", lambda: tmp_path / "weights")
    put(2.0)


def cached(episodes: int = 8, **options) -> data.Demos:
    return data.load_pool("PointMass", "native", DemoSource(pool=episodes, **options))


def labels_of(policy, steps) -> np.ndarray:
    return np.asarray(policy(KEY, jnp.asarray(steps.obs)))


def test_medium_is_the_learned_policy_with_its_failures(medium):
    demos = cached(40, grade="medium", seed=2)
    h = demos.header
    assert (h.grade, h.expert, h.noise, h.only_success) == ("medium", "learned", 0.0, False)
    assert h.attempted == h.episodes == 40
    share = demos.steps.success[:, -1].mean()
    assert 0.02 < share < 0.95 and h.success_final == pytest.approx(share)
    expected = labels_of(learned.policy(linear(2.0)), demos.steps)
    np.testing.assert_allclose(demos.steps.intended_action, expected, atol=1e-6)
    np.testing.assert_array_equal(demos.steps.action, demos.steps.intended_action)


def test_noisy_executes_noise_and_keeps_the_intended_actions(medium):
    demos = cached(30, grade="noisy")
    assert (demos.header.grade, demos.header.noise) == ("noisy", 0.2)
    np.testing.assert_allclose(
        demos.steps.intended_action, labels_of(experts.load("PointMass"), demos.steps), atol=1e-6
    )
    inside = np.abs(demos.steps.intended_action) < 0.4
    assert 0.17 < (demos.steps.action - demos.steps.intended_action)[inside].std() < 0.23
    assert grades.collection_settings("noisy", 0.05, None) == (0.05, True)
    assert grades.collection_settings("medium", 0.05, True) == (0.05, True)
    with pytest.raises(UserError, match="noise=0.0: grade 'noisy' expects more than 0"):
        grades.collection_settings("noisy", 0.0, None)


@pytest.mark.parametrize(
    "grade",
    [
        "stochastic",
        pytest.param("stochastic-medium", marks=pytest.mark.slow),
        pytest.param("stochastic-mixed", marks=pytest.mark.slow),
    ],
)
def test_stochastic_demonstrators_mean_what_they_execute(medium, grade):
    """Noise of 0.1 around the expert's action, the medium policy's, or half of each."""
    demos = cached(30, grade=grade)
    assert (demos.header.grade, demos.header.noise, demos.header.attempted) == (grade, 0.1, 30)
    np.testing.assert_allclose(demos.steps.action, demos.steps.intended_action, atol=1e-6)
    expert, half = experts.load("PointMass"), learned.policy(linear(2.0))
    policies = {"stochastic": [expert], "stochastic-medium": [half]}.get(grade, [expert, half])
    share = 30 // len(policies)
    for i, policy in enumerate(policies):
        steps = jax.tree.map(lambda x, i=i: x[i * share : (i + 1) * share], demos.steps)
        clean = labels_of(policy, steps)
        inside = np.abs(clean) < 0.7
        assert 0.08 < (steps.action - clean)[inside].std() < 0.12


@pytest.mark.parametrize("noise", [float("nan"), float("inf"), -0.1])
@pytest.mark.parametrize("grade", ["expert", "replay"])
def test_noise_that_is_no_size_is_refused_before_any_episode(grade, noise, monkeypatch):
    monkeypatch.setattr(demonstrations, "collect", lambda *x, **y: pytest.fail("collected"))
    with pytest.raises(UserError, match=f"noise={noise}: expected a finite number, 0 or more"):
        cached(4, grade=grade, noise=noise)
    with pytest.raises(UserError, match=f"noise={noise}: expected a finite number, 0 or more"):
        plan.prepare("s", "cpu", [cell(grade=grade, noise=noise)])


@pytest.mark.parametrize(("episodes", "of_expert"), [(8, 4), (3, 2)])
def test_mixed_is_expert_first_then_medium(medium, episodes, of_expert):
    demos = cached(episodes, grade="mixed")
    for part, policy in (
        (slice(0, of_expert), experts.load("PointMass")),
        (slice(of_expert, None), experts.load("PointMass", "medium")),
    ):
        steps = jax.tree.map(lambda x, part=part: x[part], demos.steps)
        np.testing.assert_allclose(steps.intended_action, labels_of(policy, steps), atol=1e-6)
    h = demos.header
    assert (h.grade, h.expert, h.episodes, h.seed) == ("mixed", "scripted + learned", episodes, 0)
    assert h.success_final == pytest.approx(demos.steps.success[:, -1].mean())
    assert h.mean_return == pytest.approx(demos.steps.reward.sum(axis=1).mean(), rel=1e-5)
    starts = {tuple(x) for x in demos.steps.obs[:, 0].tolist()}
    assert len(starts) == episodes, "no two episodes start from the same state"


def test_grade_expert_equals_collect(medium, env):
    demos = cached(6, seed=5)
    plain = data.collect(env, experts.load("PointMass"), 6, seed=5)
    jax.tree.map(np.testing.assert_array_equal, demos.steps, plain.steps)
    assert demos.header == plain.header and demos.header.grade == "expert"


def test_each_grade_and_each_weights_file_has_its_cache_entry(medium):
    first = {grade: cached(4, grade=grade) for grade in ("expert", "medium")}
    for grade, demos in first.items():
        again = cached(4, grade=grade)
        jax.tree.map(np.testing.assert_array_equal, again.steps, demos.steps)
        assert again.header == demos.header
    put(3.0)  # the expert was trained again
    assert not np.array_equal(
        cached(4, grade="medium").steps.intended_action, first["medium"].steps.intended_action
    )
    cached(4)
    assert len(list(cache_dir("demos").glob("*.npz"))) == 3


@pytest.mark.slow
@pytest.mark.parametrize("grade", ["expert", "medium"])
def test_the_command_gives_the_same_bytes_twice(medium, grade, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = []
    for place in ("a", "b"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / place))  # collected twice, not copied
        assert main.main(["demos", "PointMass", "--grade", grade, "--episodes", "100"]) == 0
        assert f"grade {grade}" in capsys.readouterr().out
        name = "PointMass-100-0.npz" if grade == "expert" else f"PointMass-{grade}-100-0.npz"
        files.append((tmp_path / name).read_bytes())
        (tmp_path / name).unlink()
        jax.clear_caches()
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("grade", "expected"),
    [
        ("meduim", "unknown grade 'meduim': did you mean medium"),
        ("../x", "unknown grade"),
    ],
)
def test_unknown_grades_are_refused(medium, grade, expected, env):
    with pytest.raises(UserError, match=expected):
        cached(4, grade=grade)
    with pytest.raises(UserError, match=expected):
        DemoSource(grade=grade).identity()
    with pytest.raises(UserError, match="grade=replay: no expert demonstrates it"):
        data.collect_from(env, DemoSource(pool=1, grade="replay"))
    with pytest.raises(UserError, match="episodes=1: expected 2 or more for grade mixed"):
        data.collect_from(env, DemoSource(pool=1, grade="mixed"))
    with pytest.raises(UserError, match="'FetchReach' has no medium expert; .* one: PointMass$"):
        data.demonstrators("FetchReach", "mixed")


def test_grade_still_has_all_zero_actions():
    for task, size in (("PointMass", (2,)), ("Tightrope-10", ())):
        env = envs.make(task)
        found = data.collect_from(env, DemoSource(pool=3, grade="still"))
        assert found.steps.action.shape == (3, env.spec.horizon, *size)
        assert not found.steps.action.any() and not found.steps.intended_action.any()
        assert (found.header.expert, found.header.grade) == ("zero actions", "still")
        assert found.steps.weight[:, 0].all()
    with pytest.raises(UserError, match="kind 'learned' does not apply to grade 'still'"):
        data.collect_from(env, DemoSource(pool=3, grade="still", expert="learned"))


def test_files_of_schema_1_have_grade_expert(demos, env, tmp_path):
    path = tmp_path / "old.npz"
    header = dataclasses.asdict(demos.header) | {"schema": 1}
    del header["grade"]
    arrays = data.step_arrays(demos.steps)
    npz.write(path, header | {"sha256": checksum(arrays)}, arrays)
    assert data.load(path, env.spec).header == demos.header
    data.save(path, demos.replace(header=dataclasses.replace(demos.header, grade="noisy")))
    assert data.load(path, env.spec).header.grade == "noisy"


def cell(**changes) -> Cell:
    source = DemoSource(pool=4, **changes)
    config = bc.Config(hidden=(8,), batch=8, steps=2, validation=0.0)
    return Cell(
        task="PointMass", demos=2, method="bc", config=config, grad_steps=4, seeds=1,
        num_evals=1, eval_episodes=2, source=source,
    )  # fmt: skip


def test_cells_of_the_default_grade_keep_their_identity():
    """The keys of results from before there were grades."""
    old = {"pool": 4, "noise": 0.0, "seed": 0, "only_success": True, "shared": False}
    assert cell().source.identity() == old
    assert cell(noise=0.0, only_success=True).source.identity() == old
    keys = {cell_key(cell_identity("s", "cpu", cell(grade=g), "native")) for g in data.GRADES}
    assert len(keys) == len(data.GRADES)
    assert cell(grade="noisy").source.identity()["noise"] == 0.2
    shipped = list(load_suite("quickstart").profiles["cpu"])
    for one in shipped:
        identity = cell_identity("quickstart", "cpu", one, "native")
        folder = f"results/shipped/quickstart/cells/{cell_key(identity)}/cell.json"
        root = Path(imitbench.__file__).parent.parent
        assert json.loads((root / folder).read_text(encoding="utf-8"))["identity"] == identity


@pytest.mark.slow
def test_a_cell_runs_on_its_grade(medium, tmp_path):
    jobs = plan.prepare("s", "cpu", [cell(grade="medium")])
    runner.run(jobs, tmp_path / "s")
    (info,) = (tmp_path / "s" / "cells").glob("*/cell.json")
    found = json.loads(info.read_text(encoding="utf-8"))
    assert found["demonstrations"]["grade"] == found["identity"]["source"]["grade"] == "medium"


def test_a_missing_expert_matters_only_to_methods_that_query_it(medium, monkeypatch):
    """A task with a medium expert alone has medium demonstrations, whose demonstrator is asked."""
    from imitbench.experts import scripted

    monkeypatch.delitem(scripted.LAWS, "PointMass")
    one = cell(grade="medium")
    assert len(plan.prepare("s", "cpu", [one])) == 1
    config = dagger.Config(clone=one.config)
    asks = dataclasses.replace(one, method="dagger", config=config, grad_steps=20)
    (job,) = plan.prepare("s", "cpu", [asks])
    assert job.identity["asked_expert"] == "learned, medium"
    for bad in (dataclasses.replace(asks, source=DemoSource(pool=4)), cell()):
        with pytest.raises(UserError, match="'PointMass' has no expert: take data of you"):
            plan.prepare("s", "cpu", [bad])
