"""VINS: its policy by hand, its settings, and that it learns."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.line_task import HAND, LINE, demos
from helpers.linear_networks import dense

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc
from imitbench.algos.model_based import vins, vins_policy, vins_true
from imitbench.core.types import Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def test_candidates_are_drawn_around_their_centre_and_clipped():
    """Equation (6): a0 + alpha xi."""
    centre = jnp.array([[0.0, 0.95], [-0.5, 0.0]])
    actions = np.asarray(vins_policy.candidates(KEY, centre, 1000, 0.1))
    assert actions.shape == (2, 1000, 2)
    low, high = actions.min(axis=1), actions.max(axis=1)
    np.testing.assert_allclose(low, [[-0.1, 0.85], [-0.6, -0.1]], atol=2e-3)
    np.testing.assert_allclose(high, [[0.1, 1.0], [-0.4, 0.1]], atol=2e-3)


def test_the_action_of_the_greatest_value_is_picked():
    actions = jnp.array([[[0.1], [0.2], [0.3]], [[0.4], [0.5], [0.6]]])
    values = jnp.array([[-3.0, -1.0, -2.0], [0.0, -1.0, -2.0]])
    best = vins_policy.pick_best(actions, values)
    np.testing.assert_allclose(best, [[0.2], [0.4]])


def chooser(**settings: Any):
    """A policy whose value grows along the line, and whose model believes in the action."""
    clone = bc.Config(hidden=(), validation=0.0)
    config = vins.Config(clone=clone, hidden=(), model_hidden=(), **settings)
    learner = vins.learner(config, LINE)
    state = learner.init(KEY, demos())
    params = {"value": dense([[0.0], [1.0]], [0.0]), "model": dense([[0.0], [1.0]], [0.0])}
    prior = state.clone.replace(params=dense([[0.0], [0.0]], [np.arctanh(0.5)]))
    return learner, state.replace(params=params, clone=prior)


def test_the_best_candidate_around_the_prior_is_taken():
    obs = jnp.array([[1.0, 3.0], [2.0, 3.0]])
    learner, state = chooser(alpha=0.2, k=400)
    actions = learner.propose(KEY, state, obs)
    assert actions.shape == (2, 400, 1)
    assert 0.3 <= actions.min() < 0.31 and 0.69 < actions.max() <= 0.7
    np.testing.assert_array_equal(learner.act(KEY, state, obs), actions.max(axis=1))
    norm = state.model_norms.change
    np.testing.assert_allclose(
        learner.predict(state, obs[:, None], actions),
        obs[:, None, :1] + norm.mean + norm.std * actions,
        rtol=1e-5,
    )
    learner, state = chooser(alpha=1.0, k=400, prior=False)
    actions = learner.propose(KEY, state, obs)
    assert actions.min() < -0.98 and 0.98 < actions.max() <= 1
    learner, state = chooser(alpha=0.8, k=50)
    assert float(learner.propose(KEY, state, obs).max()) == 1.0


@pytest.mark.parametrize(("scaled_by", "counted"), [("all", 8), ("before goal", 7)])
def test_inputs_are_standardised_by_all_steps_or_by_those_before_the_goal(scaled_by, counted):
    """One of the eight states in which an action is shown is at the goal: 0.95, 0.05 from it."""
    clone = bc.Config(hidden=(), validation=0.0)
    config = vins.Config(
        clone=clone, hidden=(), model_hidden=(), features=("goal - at",), scaled_by=scaled_by
    )
    norm = vins.learner(config, LINE).init(KEY, demos()).norm
    away = np.array([1.0, 0.7, 0.4, 0.05, 4.0, 3.5, 3.0, 2.5])
    away = away if counted == 8 else np.delete(away, 3)
    np.testing.assert_allclose(norm.mean, [away.mean()], rtol=1e-5)
    np.testing.assert_allclose(norm.std, [away.std()], rtol=1e-5)


@pytest.mark.slow
def test_true_dynamics_step_the_environment():
    env = envs.make("PointMass")
    clone = bc.Config(hidden=(4,), validation=0.0)
    config = vins_true.Config(clone=clone, hidden=(), alpha=1.0, k=3)
    algo = vins_true.make(config, env.spec, env)
    learner = vins.learner(config, env.spec)
    rows = demos_of(env)
    state = learner.init(KEY, rows.replace(obs=jax.random.normal(KEY, rows.obs.shape)))
    value = dense([[0.0], [0.0], [1.0], [0.0]], [0.0])  # grows with x
    state = state.replace(params=state.params | {"value": value})
    now = jax.vmap(env.reset)(jax.random.split(KEY, 2))
    assert algo.actor is not None
    chosen, _ = algo.actor(state).act(KEY, (), now)
    actions = learner.propose(KEY, state, now.obs)
    for b in range(2):
        one = jax.tree.map(lambda x, b=b: x[b], now)
        after = [float(env.step(one, a).obs[0]) for a in actions[b]]
        np.testing.assert_array_equal(chosen[b], actions[b, int(np.argmax(after))])


def value_at(learner: vins.VINSLearner, state: vins.State, obs: jax.Array) -> np.ndarray:
    feature_map = learner.feature_map
    return np.asarray(learner.value(state, feature_map.state(obs), feature_map.desired(obs)))


def demos_of(env: Any) -> Transition:
    n = 2 * env.spec.horizon
    size = env.spec.obs_size
    flag, number = jnp.zeros(n, bool), jnp.ones(n)
    obs, action = jnp.ones((n, size)), jnp.zeros((n, env.spec.action_size))
    return Transition(obs, action, action, number, obs, flag, flag, flag, number)


def test_bad_settings():
    wrong: tuple[tuple[str, Any], ...] = (
        ("alpha", 0.0), ("alpha", 2.5), ("k", 0), ("mu", -0.1), ("slope", 0.0), ("samples", 0),
        ("noise", (0.5, 0.1)), ("noise", (0.1,)), ("tau", 0.0), ("interpolations", -1),
        ("discount", 1.1),
    )  # fmt: skip
    for name, value in wrong:
        with pytest.raises(UserError, match=f"^{name}="):
            dataclasses.replace(vins.Config(), **{name: value})
    for features, negatives, words in (
        (("att",), (), "unknown field of the observation 'att': did you mean at"),
        (("at - goal - at",), (), "expected a field, or 'a - b'"),
        (("goal",), (), "a field that changes"),
        ((), (("attt",),), "unknown field to perturb"),
    ):
        with pytest.raises(UserError, match=words):
            vins.make(vins.Config(features=features, negatives=negatives), LINE)
    with pytest.raises(UserError, match="equal sizes"):
        vins.make(vins.Config(negatives=(("grip_pos", "gripper_state"),)), HAND)
    with pytest.raises(UserError, match="VINS needs a task with goals"):
        vins.make(vins.Config(), make_spec([("x", 1)], 1, 5))


@pytest.mark.slow
def test_the_value_climbs_to_the_goal_and_falls_off_the_demonstrations():
    """And without negative samples it does not fall off."""
    env = envs.make("ProbeGoal")
    demos = data.collect(env, experts.load("ProbeGoal"), 60, seed=1)
    rows = data.subset(demos, 30, [0], same=True)
    clone = bc.Config(hidden=(32,), validation=0.0, steps=4000)
    drop = {}
    for mu in (1 / 3, 0.0):
        config = vins.Config(clone=clone, hidden=(64, 64), model_hidden=(64,), mu=mu, lr=1e-3)
        learner = vins.learner(config, env.spec)
        state = jax.jit(learner.init)(KEY, rows)
        state, metrics = jax.jit(learner.update)(KEY, state, rows)
        obs = rows.obs.reshape(30, env.spec.horizon, -1)
        value = value_at(learner, state, obs)[:, 0]
        steps_to_goal = np.asarray(learner.feature_map.reached(obs)).argmax(axis=1)
        assert np.corrcoef(value, -steps_to_goal)[0, 1] > 0.8
        displaced = obs[:, 0].at[:, :2].add(jnp.array([0.5, -0.5]))
        drop[mu] = (value - value_at(learner, state, displaced)).mean()
        assert float(metrics["model_loss"]) < 0.5
    assert drop[1 / 3] > 3.0 and drop[1 / 3] > drop[0.0] + 2.0, drop
