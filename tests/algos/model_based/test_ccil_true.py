"""CCIL with true dynamics: its labels by hand and in the physics, its cost, and bad input."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.algos.cloning import bc
from imitbench.algos.model_based import ccil_true, displaced_states
from imitbench.core import rollout
from imitbench.core.capabilities import Actuated
from imitbench.core.types import Transition
from imitbench.data import loading
from imitbench.data.sources.source import DemoSource
from imitbench.runs import plan
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def random_steps(task: str, episodes: int, horizon: int) -> Transition:
    """Steps of random actions, with poses."""
    env = envs.make(task)
    size = env.spec.action_size

    def act(key: jax.Array, obs: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (*obs.shape[:-1], size), minval=-0.8, maxval=0.8)

    steps = rollout.episodes(env, act, KEY, episodes, horizon=horizon, poses=True)
    return rollout.flatten(steps)


def displaced(config: ccil_true.Config, env: Any, steps: Transition) -> displaced_states.Displaced:
    """The states that the labels of the same key belong to."""

    def draw(steps: Transition) -> displaced_states.Displaced:
        kind, noise = config.displace, config.noise
        return displaced_states.draw(env, KEY, steps, config.states, kind, noise)

    return jax.jit(draw)(steps)


def labels_of(config: ccil_true.Config, env: Any, steps: Transition) -> tuple[bc.Pairs, Any]:
    return jax.jit(lambda steps: ccil_true.make_labels(config, env, KEY, steps))(steps)


@pytest.mark.parametrize("kind", ["action", "pose"])
def test_labels_by_hand(kind):
    """The probe moves by 0.1 a, so a displacement d needs the action a - 10 d."""
    env: Any = envs.make("ProbeGoal")
    steps = random_steps("ProbeGoal", 20, 10)
    noise = {"action": 0.6, "pose": 0.5}[kind]
    config = ccil_true.Config(states=300, displace=kind, noise=noise, contraction=0.5)
    rows, state, exists = displaced(config, env, steps)
    d, std = np.asarray(state.obs - rows.obs), np.asarray(steps.obs).std(axis=0)
    assert exists.all() and (d[:, 2:] == 0).all()  # the goal stays
    if kind == "pose":
        np.testing.assert_allclose(d[:, :2].std(axis=0), 0.5 * std[:2], rtol=0.15)
    else:  # 0.1 times the noise, where it is not clipped
        assert 0.04 < d[:, :2].std() < 0.06 and np.abs(d).max() <= 0.18 + 1e-6
    pairs, metrics = labels_of(config, env, steps)
    np.testing.assert_allclose(pairs.obs, state.obs, atol=1e-6)
    wanted = np.asarray(rows.action) - 10 * d[:, :2]
    np.testing.assert_allclose(pairs.target, np.clip(wanted, -1, 1), atol=2e-3)
    left = np.concatenate([0.1 * (np.clip(wanted, -1, 1) - wanted), 0 * wanted], axis=1) / std
    sizes = [np.sqrt((x**2).mean(axis=1)) for x in (left, d / std)]
    kept = sizes[0] < 0.5 * sizes[1]
    assert 0.2 < kept.mean() < 0.99
    near = np.abs(sizes[0] - 0.5 * sizes[1]) < 1e-3  # rounding decides there
    np.testing.assert_array_equal((np.asarray(pairs.weight) > 0)[~near], kept[~near])
    assert float(metrics["labels_kept"]) == pytest.approx(kept.mean(), abs=0.02)
    assert float(metrics["residual"]) == pytest.approx(sizes[0].mean(), rel=0.02, abs=1e-3)
    assert float(metrics["distance"]) == pytest.approx(sizes[1].mean(), rel=1e-3)


@pytest.mark.parametrize(
    ("task", "kind", "fields", "least"),
    [
        ("Hopper", "action", (), 0.3),
        pytest.param("Hopper", "pose", (), 0.01, marks=pytest.mark.slow),
        pytest.param("FetchReach", "action", ("grip_pos",), 0.5, marks=pytest.mark.slow),
    ],
)
def test_labels_lead_back_in_the_physics(task, kind, fields, least):
    """Those kept leave less of the displacement than they say, and less than what the demonstrated
    action leaves."""
    env: Any = envs.make(task)
    steps = random_steps(task, 4, 20)
    noise = {"action": 0.3, "pose": 0.1}[kind]
    config = ccil_true.Config(states=64, displace=kind, noise=noise, contraction=0.8, fields=fields)
    pairs, metrics = labels_of(config, env, steps)
    rows, state, exists = displaced(config, env, steps)
    assert exists.all()
    np.testing.assert_allclose(pairs.obs, state.obs, atol=1e-5)
    scale = np.maximum(np.asarray(steps.obs)[np.asarray(steps.weight) > 0].std(axis=0), 0.01)
    seen = env.spec.fields[fields[0]] if fields else slice(None)
    step = jax.jit(jax.vmap(env.step))

    def lengths(x: Any) -> np.ndarray:
        return np.sqrt(((x / scale)[:, seen] ** 2).mean(axis=1))

    def left(action: Any) -> np.ndarray:
        return lengths(np.asarray(step(state, action).obs) - rows.next_obs)

    kept = np.asarray(pairs.weight) > 0
    distance = lengths(np.asarray(state.obs) - rows.obs)
    labelled, demonstrated = left(pairs.target)[kept], left(rows.action)[kept]
    assert kept.mean() > least and np.abs(pairs.target).max() <= 1
    assert (labelled < 0.8 * distance[kept] + 1e-3).all()
    assert labelled.mean() < 0.9 * demonstrated.mean()
    everywhere = left(pairs.target).mean()
    assert float(metrics["residual"]) == pytest.approx(everywhere, rel=0.02, abs=1e-3)


def test_steps_with_a_successor():
    """Two episodes of three steps, then a row that fills up."""
    x = jnp.arange(7.0)[:, None]
    last = jnp.array([0, 0, 1, 0, 0, 1, 0], bool)
    flag, ones = jnp.zeros(7, bool), jnp.ones(7)
    weight = ones.at[6].set(0.0)
    steps = Transition(x, x, x, ones, x + 1, flag, last, flag, weight)
    expected = [True, True, False, True, True, False, False]
    np.testing.assert_array_equal(displaced_states.successors(steps), expected)
    gap = steps.replace(next_obs=steps.next_obs.at[3].add(0.5))  # a step was left out
    expected[3] = False
    np.testing.assert_array_equal(displaced_states.successors(gap), expected)
    held = steps.replace(weight=weight.at[4].set(0.0))
    assert not displaced_states.successors(held)[3]


def test_data_without_successors_give_no_labels():
    steps = random_steps("ProbeGoal", 4, 10)
    lonely = steps.replace(next_obs=steps.next_obs + 0.1)
    pairs, metrics = labels_of(ccil_true.Config(states=20), envs.make("ProbeGoal"), lonely)
    assert not pairs.weight.any() and float(metrics["labels_kept"]) == 0


@pytest.mark.parametrize(
    ("task", "parts"),
    [
        ("PointMass", [0, 1, 2, 3]),
        ("Hopper", [3, 4, 5, 9, 10, 11]),  # hip, knee and ankle, not the torso
        ("Swing", [0, 1]),
        ("ProbeGoal", [0, 1]),
        ("FetchReach", [*range(6, 13), *range(21, 28)]),  # the arm; fingers are blocked
        ("FetchPickAndPlace", [*range(6, 15), *range(28, 37)]),  # not the object, nor the goal
    ],
)
def test_only_what_actions_move_is_displaced(task, parts):
    env: Any = envs.make(task)
    assert isinstance(envs.make(task), Actuated)
    np.testing.assert_array_equal(np.flatnonzero(env.actuated), parts)
    pose = env.pose(env.reset(KEY))[None]
    moved = displaced_states.displace(
        KEY, pose, jnp.ones(pose.shape[1]), jnp.asarray(env.actuated), 0.1
    )
    np.testing.assert_array_equal(np.flatnonzero(np.asarray(moved - pose)[0]), parts)


def test_environment_steps_count_once():
    env = envs.make("PointMass")
    config = ccil_true.Config(bc.Config(steps=50), states=100, gauss_newton_steps=3)
    cost = ccil_true.make(config, env.spec, env).cost
    assert (cost * 1).env_steps == (cost * 5).env_steps == 100 * (3 * 3 + 1 + 1)
    assert (cost * 5).grad_steps == 250


def test_poses_are_loaded_for_it():
    cells = [
        Cell("PointMass", 2, method, shrink(algos.ALGOS[method].Config()), grad_steps=30, seeds=1,
             num_evals=1, eval_episodes=1, source=DemoSource(pool=4))
        for method in ("bc", "ccil_true")
    ]  # fmt: skip
    found = [
        loading.load_demonstrations(
            job.cell.data, job.env, job.seeds, configs=[job.cell.config]
        ).rows
        for job in plan.prepare("poses", "cpu", cells)
    ]
    assert found[0].pose is None and found[1].pose is not None
    assert algos.needs_poses(cells[1].config) and not algos.needs_poses(cells[0].config)


def test_bad_input_is_refused():
    config = shrink(ccil_true.Config())
    for task, message in (
        ("ProbePolicy", "ProbePolicy has discrete actions"),
        ("ProbeWalk", "ProbeWalk cannot begin in a demonstrated state: use ccil"),
    ):
        env = envs.make(task)
        with pytest.raises(UserError, match=message):
            ccil_true.make(config, env.spec, env)

    class Stiff:
        """An environment with poses whose actions move none of them."""

        def __init__(self, env: Any):
            self.env, self.name, self.actuated = env, "Stiff", np.zeros(4, bool)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.env, name)

    stiff: Any = Stiff(envs.make("ProbeGoal"))
    ccil_true.make(config, stiff.spec, stiff)
    with pytest.raises(UserError, match="displace=pose: Stiff has no positions and velocities"):
        ccil_true.make(dataclasses.replace(config, displace="pose"), stiff.spec, stiff)
    env = envs.make("PointMass")
    demos = data.subset(data.collect(env, experts.load("PointMass"), 4), 2, [0], same=True)
    with pytest.raises(UserError, match="the demonstrations of PointMass hold no poses"):
        ccil_true.make(config, env.spec, env).init(KEY, demos.replace(pose=None))
    with pytest.raises(UserError, match="field of the observation 'grip'"):
        ccil_true.make(dataclasses.replace(config, fields=("grip",)), env.spec, env)
    for settings in ({"contraction": 1.0}, {"noise": 0.0}, {"difference": 2.0}, {"states": 0}):
        with pytest.raises(UserError, match="expected"):
            dataclasses.replace(config, **settings)


def test_a_data_set_without_poses_is_refused_before_any_work():
    cell = Cell("Hopper", 2, "ccil_true", ccil_true.Config(), grad_steps=100, seeds=1, num_evals=1)
    noisy = dataclasses.replace(cell, source=DemoSource(pool=4, grade="replay"))
    with pytest.raises(UserError, match="the method: the data of Hopper hold no demonstrated"):
        plan.prepare("poses", "cpu", [noisy])
