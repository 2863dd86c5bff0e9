"""BCO: the inverse model on known dynamics, what it sees, labels, exploration, rounds."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.algos.cloning import bc, bco, inverse_dynamics
from imitbench.core import buffer, heads
from imitbench.core.types import Spec, Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
SPEC = make_spec([("pos", 2), ("goal", 1)], 2, 10)
MATRIX = jnp.array([[0.3, 0.1], [-0.2, 0.4]])  # s' = s + B a for the position


def linear_steps(key: jax.Array, n: int) -> Transition:
    """Steps of a linear system, of which the goal is no part."""
    k_obs, k_action = jax.random.split(key)
    obs = jax.random.normal(k_obs, (n, 3))
    action = jax.random.uniform(k_action, (n, 2), minval=-0.9, maxval=0.9)
    next_obs = obs.at[:, :2].add(action @ MATRIX.T)
    no, zero = jnp.zeros(n, bool), jnp.zeros(n)
    return Transition(obs, action, action, zero, next_obs, no, no, no, jnp.ones(n))


def test_inputs_are_the_observation_and_its_change():
    obs, after = jnp.array([[1.0, 2.0, 9.0]]), jnp.array([[1.5, 1.0, 9.0]])
    seen = inverse_dynamics.seen_components((), SPEC)
    inputs = inverse_dynamics.transition_inputs(seen, obs, after)
    np.testing.assert_allclose(inputs, [[1, 2, 9, 0.5, -1, 0]])
    seen = inverse_dynamics.seen_components(("pos",), SPEC)
    np.testing.assert_array_equal(seen, [0, 1])
    inputs = inverse_dynamics.transition_inputs(seen, obs, after)
    np.testing.assert_allclose(inputs, [[1, 2, 0.5, -1]])


def test_errors_of_labels_by_hand():
    """Squared errors (0.04 + 0) / 2 and (0 + 0.16) / 2; the last row does not count."""
    labels = jnp.array([[0.2, 1.0], [0.0, 0.4], [5.0, 5.0]])
    actions = jnp.array([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    weight = jnp.array([1.0, 1.0, 0.0])
    error = inverse_dynamics.label_error(SPEC, labels, actions, weight)
    assert float(error) == pytest.approx(np.sqrt((0.02 + 0.08) / 2), rel=1e-5)
    choices = dataclasses.replace(SPEC, discrete=True)
    wrong = inverse_dynamics.label_error(
        choices, jnp.array([1, 0, 1]), jnp.array([1, 1, 0]), jnp.array([1.0, 1.0, 0.0])
    )
    assert float(wrong) == 0.5


@pytest.mark.parametrize("loss", [pytest.param("nll", marks=pytest.mark.slow), "mse"])
def test_the_model_finds_the_actions_of_a_linear_system(loss):
    """Of steps that it has not seen; a = B^-1 (s' - s) exactly."""
    steps, new = linear_steps(KEY, 2000), linear_steps(jax.random.key(1), 500)
    change = (new.next_obs - new.obs)[:, :2]
    exact = change @ jnp.linalg.inv(MATRIX).T
    np.testing.assert_allclose(exact, new.action, atol=1e-5)
    config = inverse_dynamics.Config(loss=loss, hidden=(64,), steps=1500, lr=3e-3, fields=("pos",))
    model = inverse_dynamics.inverse_model(config, SPEC)
    rows = model.rows(steps)
    np.testing.assert_array_equal(rows.target, steps.action)
    state, metrics = jax.jit(model.fit)(KEY, model.init(KEY, rows), rows)
    assert "inverse_loss" in metrics
    labels = model.label(KEY, state, new)
    error = inverse_dynamics.label_error(SPEC, labels, exact, new.weight)
    assert float(error) < 0.05  # actions have a standard deviation of 0.52


def test_the_policy_that_collects():
    def policy(key: Any, obs: jax.Array) -> jax.Array:
        return jnp.full((*obs.shape[:-1], 2), 0.25)

    obs, yes, no = jnp.zeros((5000, 3)), jnp.bool_(True), jnp.bool_(False)
    config = bco.Config(noise=0.2)
    random = bco.exploring_policy(config, SPEC, policy, yes)(KEY, obs)
    assert float(jnp.min(random)) < -0.99 and float(jnp.max(random)) > 0.99
    assert float(jnp.mean(random)) == pytest.approx(0.0, abs=0.03)
    noisy = np.asarray(bco.exploring_policy(config, SPEC, policy, no)(KEY, obs))
    assert noisy.mean() == pytest.approx(0.25, abs=0.01)
    assert noisy.std() == pytest.approx(0.2, abs=0.01)
    choices = dataclasses.replace(SPEC, discrete=True, action_size=4)

    def always(key: Any, obs: jax.Array) -> jax.Array:
        return jnp.full(obs.shape[:-1], 3)

    drawn = bco.exploring_policy(config, choices, always, no)(KEY, obs)
    # 0.2 of the choices are random, and a quarter of those are 3.
    assert float(jnp.mean(drawn == 3)) == pytest.approx(0.8 + 0.2 / 4, abs=0.02)
    uniform = bco.exploring_policy(config, choices, always, yes)(KEY, obs)
    assert float(jnp.mean(uniform == 3)) == pytest.approx(0.25, abs=0.03)


@pytest.fixture(scope="module")
def rows() -> Transition:
    env = envs.make("ProbeGoal")
    demos = data.collect(env, experts.load("ProbeGoal"), 6, only_success=False)
    return data.subset(demos, 3, [0], same=True)


def run(config: bco.Config, rows: Transition, updates: int = 1) -> tuple[Any, list[Any]]:
    env = envs.make("ProbeGoal")
    algo = algos.build("bco", config, env.spec, env, None)
    state, metrics, update = jax.jit(algo.init)(KEY, rows), [], jax.jit(algo.update)
    for i in range(updates):
        state, found = update(jax.random.fold_in(KEY, i), state, rows)
        metrics.append(found)
    return state, metrics


@pytest.mark.slow
def test_demonstrated_actions_are_measured_and_not_used(rows):
    config = shrink(bco.Config())
    blind: Any = rows.replace(action=None, intended_action=None)
    (whole, (first,)), (without, (second,)) = (run(config, r) for r in (rows, blind))
    jax.tree.map(np.testing.assert_array_equal, whole, without)
    assert set(first) - set(second) == {"label_error"}


def test_rounds_that_collect(rows):
    """8 steps a round: three rounds and then none."""
    config = dataclasses.replace(shrink(bco.Config()), rounds=3)
    env = envs.make("ProbeGoal")
    state, metrics = run(config, rows, 4)
    assert [float(m["rows"]) for m in metrics] == [8, 16, 24, 24]
    cost = algos.build("bco", config, env.spec, env, None).cost * 4
    assert cost.env_steps == 24 and cost.expert_queries == 0
    assert cost.grad_steps == 4 * (3 + 2 * 3)  # the model's, and two fits of BC
    # The model learns from steps that are there: their actions are those of the ring.
    filled = np.asarray(state.data.rows.weight)
    assert filled.sum() == 24 and (filled[:24] == 1).all()


@pytest.mark.slow
def test_random_rounds_come_first(rows):
    """With noise 0 the clone repeats itself: actions at one observation are all the same."""
    config = dataclasses.replace(shrink(bco.Config()), random_rounds=1, rounds=0, noise=0.0)
    state, _ = run(config, rows, 2)
    env = envs.make("ProbeGoal")
    learner = bc.supervised_learner(config.clone, env.spec, full_range=True)
    inputs, actions = state.data.rows.obs[:16], state.data.rows.target[:16]
    before, _ = run(config, rows, 1)
    by_clone = learner.act(KEY, before.clone, inputs[:, : env.spec.obs_size])
    gap = np.abs(np.asarray(by_clone - actions)).max(axis=1)
    np.testing.assert_allclose(gap[8:], 0.0, atol=1e-5)
    assert (gap[:8] > 1e-3).all()


@pytest.mark.slow
def test_it_recovers_the_actions_of_the_point_mass():
    """The labels come near the demonstrator's actions, and BC on them near BC on those."""
    env = envs.make("PointMass")
    demos = data.collect(env, experts.load("PointMass"), 20, seed=1)
    rows = data.subset(demos, 20, [0], same=True)
    config = bco.Config(
        clone=bc.Config(hidden=(64, 64), steps=100, validation=0.0),
        inverse=inverse_dynamics.Config(hidden=(64, 64), steps=800, fields=("pos", "vel")),
        random_rounds=2,
    )
    algo = algos.build("bco", config, env.spec, env, None)
    state, update = jax.jit(algo.init)(KEY, rows), jax.jit(algo.update)
    errors = []
    for i in range(4):
        state, metrics = update(jax.random.fold_in(KEY, i), state, rows)
        errors.append(float(metrics["label_error"]))
    size = float(jnp.sqrt(jnp.mean(rows.action**2)))
    assert errors[-1] < 0.2 * size and errors[-1] < errors[0]
    gap = algo.act(KEY, state, rows.obs) - rows.action
    assert float(jnp.sqrt(jnp.mean(gap**2))) < 0.35 * size


@pytest.mark.slow
def test_it_recovers_choices():
    """On the tightrope a choice shows in the height alone; a wrong label is one of two."""
    env = envs.make("Tightrope-20")
    demos = data.collect(env, experts.load("Tightrope-20"), 20, seed=1)
    rows = data.subset(demos, 20, [0], same=True)
    config = bco.Config(
        clone=bc.Config(hidden=(64, 64), steps=100, validation=0.0),
        inverse=inverse_dynamics.Config(hidden=(64, 64), steps=1000),
        fits=5,
        random_rounds=2,
    )
    algo = algos.build("bco", config, env.spec, env, None)
    state, update = jax.jit(algo.init)(KEY, rows), jax.jit(algo.update)
    for i in range(3):
        state, metrics = update(jax.random.fold_in(KEY, i), state, rows)
    assert float(metrics["label_error"]) < 0.15
    assert float(jnp.mean(algo.act(KEY, state, rows.obs) == rows.action)) > 0.8


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"envs": 0}, "envs=0: expected 1 or more"),
        ({"random_rounds": 0}, "random_rounds=0: expected 1 or more"),
        ({"rounds": 1, "random_rounds": 2}, "rounds=1: expected 0, or at least random_rounds=2"),
        ({"noise": -0.1}, "noise=-0.1: expected 0 or more"),
        ({"capacity": 100}, "capacity=100: expected at least the steps of a round.*= 2000"),
        (
            {"clone": bc.Config(head=heads.Config(kind="kmeans"))},
            "clone.head.kind=kmeans: its centres need actions",
        ),
    ],
)
def test_bad_settings(settings, text):
    with pytest.raises(UserError, match=text):
        bco.Config(**settings)


def test_a_field_that_is_not_observed():
    config = bco.Config(inverse=inverse_dynamics.Config(fields=("position",)))
    spec: Spec = envs.make("ProbeGoal").spec
    with pytest.raises(UserError, match="unknown field of the observation 'position'"):
        bco.make(config, spec, envs.make("ProbeGoal"))
    with pytest.raises(UserError, match="lr=0: expected a positive number"):
        inverse_dynamics.Config(lr=0)


def test_the_ring_holds_inputs_of_the_model(rows):
    """Twice the observation, and no row of weight before the first round."""
    algo = bco.make(shrink(bco.Config()), envs.make("ProbeGoal").spec, envs.make("ProbeGoal"))
    state = algo.init(KEY, rows)
    assert isinstance(state.data, buffer.Ring)
    assert state.data.rows.obs.shape == (400, 2 * rows.obs.shape[-1])
    assert not state.data.rows.weight.any()
