"""Goals from undirected data: what is reached on PointMass, and data that have none to give."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import message  # type: ignore[import-not-found]

from imitbench import algos, data, envs
from imitbench.algos.cloning import bc, dagger
from imitbench.algos.goal import gcbc, gcsl, offline_gcsl, random_actions, wgcsl
from imitbench.core import rollout
from imitbench.core.actor import actor_of
from imitbench.data import loading, validate
from imitbench.data.sources.source import DatasetInMemory
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
ENV = envs.make("PointMass")


@pytest.fixture(scope="module")
def undirected() -> data.Demos:
    """Random actions: their goals say nothing about what they do."""
    return data.collect_from(ENV, data.DemoSource(pool=250, grade="random"))


def scores(method: str, config: Any, demos: data.Demos, updates: int) -> dict[str, float]:
    """The means over the policy's episodes of each measure, such as success_any."""
    rows = data.subset(demos, len(demos), [0], same=True)
    algo = algos.build(method, config, ENV.spec, ENV, None)
    update, state = jax.jit(algo.update), jax.jit(algo.init)(KEY, rows)
    for i in range(updates):
        state, _ = update(jax.random.fold_in(KEY, i), state, rows)
    steps = rollout.episodes(ENV, actor_of(algo, state), jax.random.key(9), 100)
    return {measure: float(x.mean()) for measure, x in rollout.summarise(steps).items()}


@pytest.mark.slow
def test_relabelled_goals_are_learned_from_random_actions_and_others_are_not(undirected):
    settings: dict[str, Any] = {"hidden": (64, 64), "batch": 128, "steps": 1200, "lr": 1e-3}
    plain = bc.Config(validation=0.0, **settings)
    relabelled = gcbc.Config(**settings, steps_left=True)
    assert scores("bc", plain, undirected, 1)["success_any"] < 0.15
    assert scores("gcbc", relabelled, undirected, 1)["success_any"] > 0.5


@pytest.mark.slow
def test_advantages_straighten_the_detours_of_random_actions(undirected):
    settings: dict[str, Any] = {"hidden": (64, 64), "batch": 128, "steps": 2000, "lr": 1e-3}
    clone = scores("offline_gcsl", offline_gcsl.Config(**settings), undirected, 1)
    weighted = scores("wgcsl", wgcsl.Config(**settings, queue=5000), undirected, 1)
    assert weighted["success_any"] > 0.7
    assert weighted["return"] > clone["return"] + 1.5  # fewer steps away from the goal


def test_random_actions_learn_nothing_and_fill_the_range():
    algo = random_actions.make(random_actions.Config(), ENV.spec)
    state = algo.init(KEY, data.flatten(data.collect_from(ENV, data.DemoSource(2, grade="random"))))
    after, _ = algo.update(KEY, state, None)  # type: ignore[arg-type]
    np.testing.assert_array_equal(after.number, state.number)
    action = np.asarray(algo.act(KEY, state, jnp.zeros((2000, 6))))
    assert np.abs(action).max() <= 1 and abs(action.mean()) < 0.05
    np.testing.assert_allclose(action.std(axis=0), 1 / np.sqrt(3), atol=0.03)


@pytest.mark.parametrize(
    ("method", "config"),
    [
        ("bc", bc.Config(relabel=0.5)),
        ("gcbc", gcbc.Config()),
        ("gcsl", gcsl.Config()),
        ("offline_gcsl", offline_gcsl.Config()),
        ("wgcsl", wgcsl.Config()),
    ],
)
def test_a_task_without_goals_is_refused_before_anything_runs(method, config):
    env = envs.make("ProbeTarget")
    with pytest.raises(UserError, match="needs a task with goals") as error:
        algos.build(method, config, env.spec, env, None)
    assert message(error).startswith("relabel=0.5" if method == "bc" else method)
    short = dataclasses.replace(ENV.spec, horizon=1)
    with pytest.raises(UserError, match="episodes of this task have 1 step"):
        algos.build(method, config, short, ENV, None)


def test_data_without_later_states_or_achieved_goals_are_refused(undirected):
    rows = jax.tree.map(lambda x: x[:6], undirected.rows)
    single = data.Demos(rows, undirected.header, np.ones(6, int))
    with pytest.raises(UserError, match="every episode of the data set of PointMass has 1 step"):
        validate.check_goals(single, ENV.spec)
    still = undirected.rows.replace(next_obs=np.zeros_like(undirected.rows.next_obs))
    with pytest.raises(UserError, match=r"the achieved goal \('pos'\) .* is \[0.0, 0.0\] in every"):
        validate.check_goals(undirected.replace(rows=still), ENV.spec)
    validate.check_goals(undirected, ENV.spec)


@pytest.mark.parametrize(("config", "refused"), [(bc.Config(relabel=0.5), True),
                                                 (bc.Config(), False)])  # fmt: skip
def test_planning_checks_the_data_of_methods_that_relabel(config, refused, undirected):
    rows = jax.tree.map(lambda x: x[:6], undirected.rows)
    single = data.Demos(rows, undirected.header, np.ones(6, int))
    dataset = DatasetInMemory.of(single)
    source = data.DemoSource(pool=6, dataset=dataset)
    cell = Cell("PointMass", 6, "bc", config, grad_steps=1, source=source)
    if refused:
        with pytest.raises(UserError, match="has 1 step"):
            loading.warnings(cell.data, "bc", ENV, [config])
    else:
        loading.warnings(cell.data, "bc", ENV, [config])


def test_methods_that_relabel_nothing_refuse_the_setting():
    config = dagger.Config(clone=bc.Config(relabel=0.5))
    with pytest.raises(UserError, match="relabel=0.5: this method learns the goals that its data"):
        dagger.make(config, ENV.spec, ENV, lambda key, obs: obs)
    with pytest.raises(UserError, match="relabel=0.0: expected a share above 0; for 0 there is bc"):
        gcbc.Config(relabel=0.0)
    assert algos.relabelled_share(config) == 0.5 and algos.relabelled_share(bc.Config()) == 0.0
    assert algos.relabelled_share(wgcsl.Config(relabel=0.0)) == 0.8


def test_data_in_files_are_refused(undirected):
    mapped = data.memory_mapped(undirected)
    rows = data.subset(mapped, 5, [0], same=True, stream=True)
    algo = bc.make(bc.Config(relabel=0.5), ENV.spec)
    with pytest.raises(UserError, match="relabel=0.5: goals of data that stay in files"):
        algo.init(KEY, rows)
