"""The experience of a learner as data for other methods."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.toy_runs import far

from imitbench import envs
from imitbench.algos.cloning import bc
from imitbench.algos.common import off_policy
from imitbench.algos.offline import fixed_data, offline_ddpg
from imitbench.algos.rl import ddpg, ppo
from imitbench.core import buffer
from imitbench.core.types import Algorithm, Cost, ValueEstimator
from imitbench.data.sources import behaviour
from imitbench.data.sources.concurrent import make_concurrent, weigh_collected
from imitbench.data.sources.source import Behaviour, DemoSource
from imitbench.results.cells import store
from imitbench.runs import distributed, plan, runner, worker
from imitbench.suites import registry
from imitbench.suites.schema import Cell, Suite
from imitbench.training import loop
from imitbench.utils.errors import UserError

TASK = "ProbeWalk"
HORIZON = envs.make(TASK).spec.horizon
STEPS = 4 * HORIZON
REPLAY = off_policy.Config(rounds=HORIZON, warmup=10, batch=8, capacity=STEPS)
LEARNER = ddpg.Config(hidden=(8,), replay=REPLAY)
BEHAVIOUR = Behaviour("ddpg", LEARNER, "ddpg, small")
REQUEST = behaviour.Request(TASK, "auto", STEPS, BEHAVIOUR)
FIXED = offline_ddpg.Config(hidden=(8,), data=fixed_data.Config(batch=8, steps=5))


def request(**changes: Any) -> behaviour.Request:
    replay = dataclasses.replace(REPLAY, **changes)
    config = dataclasses.replace(LEARNER, replay=replay)
    return REQUEST._replace(behaviour=Behaviour("ddpg", config, "ddpg, small"))


def cells(**source: Any) -> list[Cell]:
    size: dict[str, Any] = {"task": TASK, "seeds": 2, "num_evals": 2, "eval_episodes": 2}
    source |= {"behaviour": BEHAVIOUR}
    return [
        Cell(demos=0, method="ddpg", config=LEARNER, env_steps=STEPS, **size),
        Cell(
            demos=4,
            method="offline_ddpg",
            config=FIXED,
            grad_steps=20,
            source=DemoSource(**source),
            **size,
        ),
    ]


@pytest.mark.slow
def test_rows_are_in_the_order_of_time(no_cache):
    steps, header = behaviour.load(request(), [0, 3])
    assert steps.reward.shape == (2, STEPS) and bool((steps.weight == 1).all())
    ends = np.asarray(steps.terminated | steps.truncated)
    assert ends[:, -1].all() and not np.asarray(steps.terminated & steps.truncated).any()
    before, after = np.asarray(steps.next_obs)[:, :-1], np.asarray(steps.obs)[:, 1:]
    same = np.max(np.abs(before - after), axis=-1) < 1e-6
    assert same[~ends[:, :-1]].all()
    assert header.expert == "ddpg, small" and header.grade == "stream"
    assert not np.array_equal(steps.obs[0], steps.obs[1])
    again, _ = behaviour.load(request(), [3])
    np.testing.assert_array_equal(again.action[0], steps.action[1])


def test_the_header_counts_finished_episodes_alone():
    spec = envs.make(TASK).spec
    n = HORIZON + 5
    no = jnp.zeros((1, n), bool)
    ends = {"terminated": no.at[0, 1].set(True), "truncated": no.at[0, HORIZON + 1].set(True)}
    ends["truncated"] = ends["truncated"].at[0, -1].set(True)  # cut off, not ended
    rows = jax.tree.map(lambda x: jnp.zeros((1, n, *x.shape[1:]), x.dtype), buffer.no_rows(spec))
    steps = rows.replace(reward=jnp.ones((1, n)), weight=jnp.ones((1, n)), **ends)
    header = behaviour.experience_header(request(), steps)
    assert (header.episodes, header.mean_return) == (2, (2 + HORIZON) / 2)


def test_experience_of_a_diverged_learner_is_refused(no_cache):
    state = loop.TrainState(None, jnp.int32(1), jnp.array([False, True]))
    with pytest.raises(UserError, match=r"ddpg of ProbeWalk diverged \(seeds 3\)"):
        behaviour.store_experience(request(), [0, 3], state)


@pytest.mark.slow
def test_a_finished_cell_stores_its_experience_for_other_cells(no_cache, monkeypatch, tmp_path):
    trained: list[Any] = []
    train = behaviour._train
    monkeypatch.setattr(behaviour, "_train", lambda *x: (trained.append(x), train(*x)))
    jobs = plan.prepare("toy", "cpu", cells())
    runner.run(jobs, tmp_path / "a")
    assert not trained
    online, offline = store.read_all(tmp_path / "a")
    assert offline.place == (TASK, 4, "ddpg, small") and online.place == (TASK, 0, "")
    # Without the cell before it, and without the cache, the steps are made again, and the same.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    runner.run(jobs[1:], tmp_path / "b")
    assert len(trained) == 1
    (alone,) = store.read_all(tmp_path / "b")
    np.testing.assert_array_equal(alone.final("return"), offline.final("return"))
    np.testing.assert_array_equal(alone.final("metric/q"), offline.final("metric/q"))


@pytest.mark.slow
def test_cells_that_learn_from_another_cell_run_after_it(no_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(behaviour, "_train", lambda *x: pytest.fail("trained a second time"))
    found = Suite("toy", "", {"cpu": tuple(cells())})
    monkeypatch.setitem(registry.SUITES, "toy", found)
    calls: list[list[worker.CellTask]] = []
    root = tmp_path / "toy"
    distributed.run_distributed(
        plan.prepare("toy", "cpu", cells()),
        root,
        worker.SuiteRef("toy", "cpu", None),
        far(calls),
    )
    assert [[task.store_experience for task in wave] for wave in calls] == [[True], [False]]
    assert len(store.read_all(root)) == 2


def test_concurrent_learning_weighs_only_collected_rows():
    weights: list[Any] = []

    def update(key: Any, state: Any, demos: Any) -> Any:
        weights.append(np.asarray(demos.weight))
        return state + 1, {}

    value_estimator = ValueEstimator(lambda key, state, obs: state, 0.9)
    inner = Algorithm(
        lambda k, d: 5,
        update,
        lambda k, s, o: s,
        Cost(grad_steps=1),
        value_estimator=value_estimator,
    )
    algo = make_concurrent(inner, 4)
    demos: Any = buffer.no_rows(envs.make(TASK).spec).replace(weight=jnp.ones(10).at[0].set(0.0))
    key = jax.random.key(0)
    state = algo.init(key, demos)
    for _ in range(4):
        state, _ = algo.update(key, state, demos)
    assert [w.sum() for w in weights] == [2, 4, 7, 9]
    assert all((np.diff(w[1:]) <= 0).all() and w[0] == 0 for w in weights)
    assert algo.value_estimator is not None
    assert algo.act(key, state, demos.obs) == 9 == algo.value_estimator.value(key, state, demos.obs)


@pytest.mark.slow
def test_concurrent_cells_have_their_own_place_and_value_estimates(no_cache, tmp_path):
    runner.run(plan.prepare("toy", "cpu", cells(concurrent=True)), tmp_path)
    online, offline = store.read_all(tmp_path)
    assert offline.place == (TASK, 4, "ddpg, small, as it learns")
    for result in (online, offline):
        by_seed: Any = result.episodes.groupby("seed")[["value", "discounted"]].mean()
        np.testing.assert_allclose(by_seed["value"], result.final("metric/value"), rtol=1e-5)
        real = result.final("metric/discounted")
        np.testing.assert_allclose(by_seed["discounted"], real, rtol=1e-5)
        assert (np.abs(real) <= np.abs(result.final("return")) + 1e-5).all()


def test_weights_of_rows_that_are_not_collected_are_0():
    rows: Any = buffer.no_rows(envs.make(TASK).spec).replace(weight=jnp.array([1.0, 0.0, 1.0, 1.0]))
    for done, expected in ((0, [1, 0, 0, 0]), (1, [1, 0, 1, 0]), (2, [1, 0, 1, 1])):
        weight = weigh_collected(rows, jnp.int32(done), 3).weight  # ceil(4 / 3), ceil(8 / 3), 4
        np.testing.assert_array_equal(weight, expected)


def test_rows_of_the_warm_up_count_from_the_first_update_on():
    """10 rows, of which 4 are of the warm-up, in 3 updates: 4 + 2, 4 + 4, 4 + 6."""
    rows: Any = buffer.no_rows(envs.make(TASK).spec).replace(weight=jnp.ones(10))
    for done, expected in ((0, 6), (1, 8), (2, 10)):
        weight = weigh_collected(rows, jnp.int32(done), 3, 4).weight
        np.testing.assert_array_equal(weight, np.arange(10) < expected)
    assert float(weigh_collected(rows, jnp.int32(0), 3, 20).weight.sum()) == 10


def test_rows_are_counted_right_where_their_product_with_updates_is_large():
    rows = buffer.no_rows(envs.make(TASK).spec)
    rows = rows.replace(weight=jnp.ones(47_001))
    found = weigh_collected(rows, jnp.int32(46_999), 47_000).weight
    assert float(found.sum()) == 47_001
    half = weigh_collected(rows, jnp.int32(23_499), 47_000).weight
    assert float(half.sum()) == 23_501


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"envs": 2}, "envs=2 .* expected 1"), ({"capacity": 20}, f"capacity=20 .* {STEPS} or more")],
)
def test_learners_that_cannot_keep_all_steps_are_refused(changes, words):
    with pytest.raises(UserError, match=words):
        behaviour.check(request(**changes))


def test_mistakes_raise_before_any_work():
    with pytest.raises(UserError, match="unknown method with a replay 'ppo'"):
        behaviour.check(REQUEST._replace(behaviour=Behaviour("ppo", ppo.Config(), "ppo")))
    with pytest.raises(UserError, match="expected a multiple of"):
        behaviour.check(request()._replace(steps=STEPS - 1))
    with pytest.raises(UserError, match="concurrent=True: expected a behaviour"):
        DemoSource(concurrent=True).identity()
    with pytest.raises(UserError, match="no other settings"):
        DemoSource(behaviour=BEHAVIOUR, noise=0.1).identity()


def test_cloning_learns_from_rows_with_weight_alone():
    """Minibatches hold no row of weight 0."""
    spec = envs.make(TASK).spec
    clone = bc.supervised_learner(bc.Config(hidden=(4,), batch=8, steps=2, validation=0.0), spec)
    rows: Any = jax.tree.map(
        lambda x: jnp.zeros((6, *x.shape[1:]), x.dtype), buffer.no_rows(spec)
    ).replace(weight=jnp.ones(6).at[3:].set(0.0))
    pairs = bc.Pairs(rows.obs, rows.intended_action.at[3:].set(jnp.nan), rows.weight)
    state = clone.init(jax.random.key(0), pairs)
    _, metrics = clone.fit(jax.random.key(1), state, pairs)
    assert np.isfinite(metrics["loss"])
