"""A user's own expert, everywhere experts stand."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import message

import imitbench as ib
from imitbench import algos, data, envs, experts
from imitbench.algos.cloning import bc, dagger
from imitbench.cli import main
from imitbench.core.actor import as_actor
from imitbench.core.types import EnvState
from imitbench.data.sources.asked_expert import AskedExpert
from imitbench.data.sources.source import DatasetInMemory, DemoSource
from imitbench.envs.toys.probes import ProbeEnv
from imitbench.experts import external
from imitbench.experts.external import tasks
from imitbench.results.cells import store
from imitbench.runs import own_expert, plan, runner
from imitbench.suites.schema import Cell
from imitbench.training import loop
from imitbench.utils import modules
from imitbench.utils.errors import UserError
from imitbench.utils.machine import cache_dir

FILE = str(Path(__file__).with_name("own_experts.py"))
TASK = "ProbeGoal"
CLONE = bc.Config(hidden=(8,), batch=8, steps=2, validation=0.0)
DAGGER = dagger.Config(clone=CLONE, fits=2, episodes=3, capacity=400)
KEY = jax.random.key(0)


def own() -> Any:
    """The module of the experts, as it is imported for their names."""
    return modules.import_file(Path(FILE), "expert")


def bound(expert: Any, task: str = TASK) -> external.ExternalExpert:
    return own_expert.with_expert(DemoSource(expert=expert), envs.make(task)).expert


def cell(expert: Any = "auto", **changes: Any) -> Cell:
    source = changes.pop("source", None) or DemoSource(pool=4, expert=expert)
    values: dict[str, Any] = {
        "task": TASK, "demos": 2, "method": "dagger", "config": DAGGER, "grad_steps": 8,
        "seeds": 2, "num_evals": 1, "eval_episodes": 2, "source": source,
    }  # fmt: skip
    return Cell(**(values | changes))


def states(obs: np.ndarray) -> EnvState:
    zeros = jnp.zeros(obs.shape[0])
    return EnvState(None, jnp.asarray(obs), zeros, zeros)


OBS = np.random.default_rng(0).uniform(-0.4, 0.4, (7, 4)).astype(np.float32)
EXPECTED = np.asarray(experts.load(TASK)(KEY, jnp.asarray(OBS)))


@pytest.mark.parametrize(
    "name", ["act", "act_on_dict", "act_in_jax", "act_through_jax", "predicts", "acts"]
)
def test_every_form_of_an_expert_acts_the_same(name, monkeypatch):
    """By its file, by its module in the current folder, and as an object of this process."""
    monkeypatch.chdir(Path(FILE).parent)
    for expert in (f"{FILE}:{name}", f"own_experts:{name}", getattr(own(), name)):
        found = bound(expert)
        actions, _ = jax.jit(found.actor.act)(KEY, (), states(OBS))
        np.testing.assert_allclose(actions, EXPECTED, atol=1e-6)
        assert found.in_memory == (not isinstance(expert, str))
        assert "/" not in found.label and found.identity()["name"] == found.name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", r"returned None: expected an array of numbers of shape \(64, 2\)"),
        ("text", r"returned \['left', .* expected an array of numbers"),
        ("too_wide", r"an array of shape \(64, 3\): expected numbers of shape \(64, 2\)"),
        ("one_row", r"an array of shape \(2,\): expected numbers of shape \(64, 2\)"),
        ("too_large", r"returned the action -?5 for the observation \[.*: expected numbers in \["),
        ("not_finite", "returned the action nan for the observation"),
        (
            "random",
            "different actions for the same observations: .* act.key, obs. in JAX, or set n",
        ),
        ("fails", r"failed at own_experts.py:\d+ \(RuntimeError: the robot is off\)"),
        ("jax_arrays", r"returned an array of JAX: write it as act\(key, obs\)"),
        ("remembers", "returned a state beside its actions"),
        ("Predicts", "is a class: .* make an object of it"),
        ("NUMBER", "expert 3 is of type int: expected a function of observations"),
        ("absent", "has no 'absent': name a function in it"),
    ],
)
def test_an_expert_is_checked_before_any_work(name, words):
    with pytest.raises(UserError, match=words) as error:
        plan.prepare("s", "cpu", [cell(f"{FILE}:{name}")])
    assert name == "NUMBER" or "expert own_experts.py" in message(error) or FILE in message(error)
    if name not in ("absent", "Predicts", "NUMBER"):
        with pytest.raises(UserError, match=f"expert {name}|expert Remembers"):
            bound(getattr(own(), name))


def test_names_that_are_no_experts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text("import no_such_package")
    Path("wrong.py").write_text("def act(obs:")
    for name, words in (
        (
            "scriptd",
            "unknown expert 'scriptd': expected auto, scripted, .*, module:function",
        ),
        ("no_module:act", "no module 'no_module' on the path or in the current folder"),
        ("broken:act", r"broken cannot be imported \(ModuleNotFoundError"),
        ("wrong.py:act", r"wrong.py cannot be imported \(SyntaxError"),
        ("none.py:act", f"no file none.py in {tmp_path}; expected PATH.py:FUNCTION"),
        ("none.npz", "cannot read the expert none.npz"),
        ("none@0", "expert none@0: none is no finished cell: expected CELL@SEED"),
    ):
        with pytest.raises(UserError, match=words) as error:
            bound(name)
        message(error)
    with pytest.raises(UserError, match="wants a dictionary .* the task has no goals"):
        bound(f"{FILE}:act_on_dict", "ProbeTarget")
    with pytest.raises(UserError, match="grade 'medium' is not demonstrated by expert own_experts"):
        plan.prepare("s", "cpu", [cell(source=DemoSource(expert=f"{FILE}:act", grade="medium"))])


def test_choices_are_integers_in_range():
    def act(obs):
        return (obs[:, 0] > 0).astype(int)

    found = bound(act, "ProbePolicy")
    actions, _ = found.actor.act(KEY, (), states(np.array([[-1.0], [1.0]], np.float32)))
    np.testing.assert_array_equal(actions, [0, 1])
    for bad, words in (
        (lambda obs: obs[:, 0] * 0 + 2, "expected an array of integers of shape"),
        (lambda obs: act(obs) + 1, r"returned the action 2 for .* expected choices in \[0, 1\]"),
    ):
        with pytest.raises(UserError, match=words):
            bound(bad, "ProbePolicy")


def test_all_episodes_and_seeds_are_one_call():
    found, calls = bound(f"{FILE}:act"), own().CALLS
    obs = np.stack([OBS, OBS + 0.1, OBS - 0.1])
    act = jax.jit(jax.vmap(lambda o: found.actor.act(KEY, (), states(o))[0]))
    calls.clear()
    actions = np.asarray(act(obs))
    assert calls == [(21, 4)]
    np.testing.assert_allclose(actions[0], EXPECTED, atol=1e-6)


def test_an_exploded_state_is_not_the_experts_mistake():
    obs = OBS.copy()
    obs[2, 1] = np.nan
    actions, _ = bound(f"{FILE}:act").actor.act(KEY, (), states(obs))
    expected = EXPECTED.copy()
    expected[2] = np.nan
    np.testing.assert_allclose(actions, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("not_finite_later", "expert own_experts.py:not_finite_later returned the action nan"),
        ("fails_later", r"expert own_experts.py:fails_later failed at .* out of reach"),
        (
            "not_finite_later_in_jax",
            "own_experts.py:not_finite_later_in_jax .* the action nan in epis",
        ),
    ],
)
def test_a_later_failure_stops_the_collection_and_names_the_expert(name, words, no_cache):
    with pytest.raises(UserError, match=words) as error:
        ib.collect(ib.make_env(TASK), 3, expert=f"{FILE}:{name}")
    message(error)
    assert not list(cache_dir("demos").glob("*.npz"))


def test_actions_of_policies_in_jax_are_checked_too(env):
    """`data.collect` takes them as they are."""
    good = experts.load("PointMass")
    for bad, words in (
        (lambda k, o: 5.0 * good(k, o), r"in episode 0, step \d+: expected numbers in \[-1, 1\]"),
        (lambda k, o: jnp.full((*o.shape[:-1], 2), jnp.nan), "gave the action nan in episode 0"),
        (lambda k, o: jnp.zeros((*o.shape[:-1], 1)), r"shape \(2, 1\): expected \(2, 2\)"),
        (lambda k, o: np.asarray(good(k, o)), "cannot be traced by JAX .* goes to imitbench.coll"),
    ):
        with pytest.raises(UserError, match=words):
            data.collect(env, cast(Any, bad), 2, only_success=False)


@pytest.mark.slow
def test_a_later_failure_stops_training_on_every_thread(no_cache, tmp_path):
    """The demonstrations are good; the questions lead elsewhere."""
    demos = ib.collect(ib.make_env(TASK), 4)
    dataset = DemoSource(pool=4, dataset=DatasetInMemory.of(demos), expert=f"{FILE}:fails_later")
    (job,) = plan.prepare("s", "cpu", [cell(source=dataset)])
    with pytest.raises(UserError, match="expert own_experts.py:fails_later failed at"):
        runner.run([job], tmp_path / "s")
    assert store.read_all(tmp_path / "s") == []


@pytest.mark.slow
def test_dagger_learns_the_same_from_a_host_function_that_uses_jax():
    """Threads of seeds call it at the same time, from inside of a program of JAX."""
    env = envs.make(TASK)
    demos = data.subset(data.collect(env, experts.load(TASK), 4), 2, [0, 1])
    keys = jnp.stack([jax.random.key(s) for s in range(2)])
    losses = []
    for expert in (experts.load(TASK), bound(f"{FILE}:act_through_jax").actor):
        algo = algos.build("dagger", DAGGER, env.spec, env, expert)
        _, ev = loop.train(
            algo, demos, keys, env=env, num_updates=2, num_evals=1, eval_episodes=2,
            seeds_by="threads",
        )  # fmt: skip
        losses.append(ev.metrics["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


def first_actions(expert: Any, start: EnvState) -> np.ndarray:
    """[B, A] actions of a demonstrator at the starts [B] of episodes."""
    actor = as_actor(expert)
    return np.asarray(actor.act(KEY, actor.start(KEY, start), start)[0])


def asked(job: plan.Job) -> AskedExpert:
    assert job.asked is not None
    return job.asked


def prepared(**changes: Any) -> plan.Job:
    (job,) = plan.prepare("s", "cpu", [cell(**changes)])
    return job


def test_a_cell_says_which_expert_and_another_expert_is_another_cell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(FILE, "mine.py")
    first = prepared(expert="mine.py:act")
    identity = first.identity["source"]["expert"]
    assert identity["name"] == "mine.py:act" and len(identity["sha256"]) == 64
    assert first.identity["asked_expert"] == identity
    assert prepared(expert="mine.py:act").key == first.key
    text = Path("mine.py").read_text()
    Path("mine.py").write_text(text + "\n# another comment\n")
    edited = prepared(expert="mine.py:act")
    assert edited.key != first.key and edited.cell.source.expert.label != asked(first).label

    # Parameters that are no part of the source show in the actions.
    def scaled(gain: float) -> Any:
        return lambda obs: np.clip(gain * (obs[:, 2:] - obs[:, :2]), -1.0, 1.0)

    assert prepared(expert=scaled(10.0)).key != prepared(expert=scaled(9.9)).key
    plain = prepared().identity
    assert "asked_expert" not in plain and "expert" not in plain["source"]


def test_cached_data_belong_to_one_expert(no_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = ib.make_env(TASK)
    Path("mine.py").write_text("def act(obs):\n    return obs[:, 2:] - obs[:, :2]\n")
    slow = ib.collect(env, 3, expert="mine.py:act", only_success=False)
    Path("mine.py").write_text("def act(obs):\n    return 0.5 * (obs[:, 2:] - obs[:, :2])\n")
    half = ib.collect(env, 3, expert="mine.py:act", only_success=False)
    np.testing.assert_allclose(half.steps.action[:, 0], 0.5 * slow.steps.action[:, 0], rtol=1e-5)
    names = {slow.header.expert, half.header.expert}
    assert len(names) == 2 and all(name.startswith("mine.py:act (") for name in names)
    kept = len(list(cache_dir("demos").glob("*.npz")))
    ib.collect(env, 3, expert=lambda obs: obs[:, 2:] - obs[:, :2], only_success=False)
    assert kept == len(list(cache_dir("demos").glob("*.npz"))) == 2


@pytest.mark.parametrize("method", ["dagger", pytest.param("dart", marks=pytest.mark.slow)])
def test_questions_go_to_whoever_demonstrated(method, no_cache):
    config = dataclasses.replace(algos.ALGOS[method].Config(), capacity=100_000)
    fetch: dict[str, Any] = {
        "task": "FetchPush", "method": method, "config": config, "grad_steps": 10_000, "demos": 1,
    }  # fmt: skip
    start = jax.vmap(envs.make("FetchPush").reset)(jax.random.split(KEY, 5))
    for source, label in (
        (DemoSource(pool=1, expert="learned"), "learned"),
        (DemoSource(pool=1, grade="noisy", expert="learned"), "learned"),
        (DemoSource(pool=1, grade="medium"), "learned, medium"),
        (DemoSource(pool=2, grade="mixed"), "scripted"),
        (DemoSource(pool=1), "scripted"),
    ):
        job = prepared(source=source, **fetch)
        assert asked(job).label == label
        assert job.identity.get("asked_expert") == (None if label == "scripted" else label)
        kind, _, grade = label.partition(", ")
        expected = experts.load("FetchPush", grade or "expert", kind)  # type: ignore[arg-type]
        found, wanted = first_actions(job.expert, start), first_actions(expected, start)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.slow
def test_questions_about_data_of_others_go_to_the_named_expert_or_are_warned_of(capsys, tmp_path):
    env = ib.make_env(TASK)
    demos = ib.collect(env, 4)

    def source(who: str, **options: Any) -> DemoSource:
        other = demos.replace(header=dataclasses.replace(demos.header, expert=who))
        return DemoSource(pool=4, dataset=DatasetInMemory.of(other), **options)

    assert asked(prepared(source=source("scripted"))).warnings == ()
    human = prepared(source=source("a human"))
    (line,) = asked(human).warnings
    assert "is 'a human', and the questions go to the scripted expert" in line
    runner.run([human], tmp_path / "s")
    assert line in capsys.readouterr().err
    (cell_of_human,) = store.read_all(tmp_path / "s")
    assert cell_of_human.info["asked_expert"] == "scripted"
    named = prepared(source=source("a human", expert=f"{FILE}:act"))
    assert asked(named).warnings == () and asked(named).label.startswith("own_experts.py:act (")
    assert named.identity["source"] == human.identity["source"] and named.key != human.key
    with pytest.raises(UserError, match="beside a data set: bc asks no expert; leave it out"):
        prepared(source=source("a human", expert=f"{FILE}:act"), method="bc", config=CLONE)


def test_a_saved_policy_is_an_expert(no_cache, tmp_path):
    env = ib.make_env(TASK)
    small: dict[str, Any] = {
        "seeds": 2, "grad_steps": 8, "evals": 1, "eval_episodes": 2, "hidden": (8,), "steps": 2,
        "validation": 0.0,
    }  # fmt: skip
    run = ib.train("bc", env, ib.collect(env, 4), folder=tmp_path / "run", **small)
    folder = run.results[0].folder
    policy = run.policy(1)
    for expert in (f"{folder}@1", policy):
        demos = ib.collect(env, 3, expert=expert, only_success=False)
        actions = policy(demos.steps.obs)
        np.testing.assert_allclose(demos.steps.intended_action, actions, atol=1e-5)
        assert ("@1 (" if isinstance(expert, str) else "bc policy (") in demos.header.expert
    (job,) = plan.prepare("s", "cpu", [cell(f"{folder}@1")])
    assert job.identity["asked_expert"]["name"] == f"{folder.name}@1"
    for name, words in (
        (f"{folder}@7", "one of the seeds whose policies the cell stores: 0, 1"),
        (str(folder), "one of the seeds whose policies the cell stores: 0, 1"),
        (f"{tmp_path / 'run'}@0", "is no finished cell: expected CELL@SEED"),
    ):
        with pytest.raises(UserError, match=words):
            bound(name)
    with pytest.raises(UserError, match=f"is a policy of {TASK}: expected one of PointMass"):
        bound(f"{folder}@1", "PointMass")


@pytest.mark.slow
def test_the_command_line_takes_a_name(no_cache, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(FILE, "mine.py")
    assert main.main(["demos", TASK, "--episodes", "3", "--expert", "mine:act"]) == 0
    assert "mine:act (" in capsys.readouterr().out
    assert data.load(Path(f"{TASK}-own-3-0.npz")).header.expert.startswith("mine:act (")
    words = (
        f"train dagger --task {TASK} --demos 2 --seeds 1 --evals 1 --eval-episodes 2 "
        "--grad-steps 20 --set clone.steps=2 --expert"
    ).split()
    for expert in ("mine.py:act", "scripted"):
        assert main.main([*words, expert]) == 0
    assert main.main([*words, "mine.py:act"]) == 0
    assert capsys.readouterr().out.count("finished before, skipped") >= 1
    cells = store.read_all(Path("results/train"), every=True)
    assert sorted("asked_expert" in r.identity for r in cells) == [False, True]
    assert sorted(r.info["asked_expert"].partition(" ")[0] for r in cells) == [
        "mine.py:act",
        "scripted",
    ]
    assert main.main(["demos", TASK, "--expert", "mine:nothing"]) == 2


class OwnGoal(ProbeEnv):
    """ProbeGoal under a name of its own."""

    def __init__(self):
        super().__init__(TASK)
        self.name = "OwnGoal"

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        new = super().step(state, action)
        return new.replace(metrics={"success": (new.reward > -0.01).astype(jnp.float32)})


def test_a_task_comes_with_its_expert(no_cache, monkeypatch, tmp_path):
    monkeypatch.setattr(tasks, "_EXPERTS", {})
    own_env = OwnGoal()
    try:
        ib.register_task("OwnGoal", lambda: own_env, "the way to a goal", expert=own().act_in_jax)
        (job,) = plan.prepare("s", "cpu", [cell(task="OwnGoal")])
        assert asked(job).label.startswith("act_in_jax (")
        runner.run([job], tmp_path / "s")
        (found,) = store.read_all(tmp_path / "s")
        assert found.expert == asked(job).label
        assert ib.load_policy(found.folder, 0).task == "OwnGoal"
        with pytest.raises(UserError, match="task 'OwnGoal' exists already"):
            ib.register_task("OwnGoal", lambda: own_env, "again")
        with pytest.raises(UserError, match="task 'OwnGoal' has no medium expert"):
            plan.prepare("s", "cpu", [cell(task="OwnGoal", source=DemoSource(grade="medium"))])
    finally:
        envs.TASKS.pop("OwnGoal", None)
        envs.make.cache_clear()
