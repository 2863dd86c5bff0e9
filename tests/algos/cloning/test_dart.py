"""DART: its noise by hand, and the demonstrations under it."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc, dart
from imitbench.algos.cloning.supervised import SupervisedLearner
from imitbench.core import rollout
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def test_noise_has_the_covariance_of_the_errors():
    """The last error has no weight."""
    errors = jnp.array([[0.3, 0.1], [-0.1, 0.2], [0.0, -0.4], [5.0, 5.0]])
    scale = dart.scale_of(errors, jnp.array([1.0, 1.0, 1.0, 0.0]))
    expected = errors[:3].T @ errors[:3] / 3
    np.testing.assert_allclose(scale @ scale.T, expected, atol=1e-6)
    noise = np.asarray(dart.noise(KEY, scale, (200_000,)))
    assert noise.shape == (200_000, 2)
    np.testing.assert_allclose(noise.mean(0), 0, atol=3e-3)
    np.testing.assert_allclose(noise.T @ noise / len(noise), expected, atol=2e-3)


@pytest.mark.parametrize("errors", [[[0.0, 0.0]], [[0.2, 0.4]]])
def test_covariances_without_full_rank(errors):
    scale = dart.scale_of(jnp.array(errors), jnp.ones(1))
    np.testing.assert_allclose(scale @ scale.T, np.outer(*errors * 2), atol=1e-6)
    np.testing.assert_array_equal(dart.scale_of(jnp.array(errors), jnp.zeros(1)), 0.0)


@pytest.mark.slow
def test_a_round_has_the_noise_of_the_newest_errors(demos):
    """Those on demonstrated steps that the clone has not seen come first; the actions to learn are
    always those that the expert intended."""
    env = envs.make("PointMass")
    expert = experts.load("PointMass")
    config = dataclasses.replace(shrink(dart.Config()), capacity=1000)
    algo = dart.make(config, env.spec, env, expert)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    state = algo.init(KEY, rows)
    pairs, _ = bc.split(config.clone, env.spec, rows)
    unseen = jax.tree.map(lambda x: x[4::5], pairs)
    errors = (algo.act(KEY, state, unseen.obs) - unseen.target)[unseen.weight > 0]
    expected = errors.T @ errors / len(errors)
    np.testing.assert_allclose(state.memory @ state.memory.T, expected, atol=1e-5)
    first, first_metrics = jax.jit(algo.update)(KEY, state, rows)
    second, second_metrics = jax.jit(algo.update)(KEY, first, rows)
    assert float(first_metrics["noise"]) == pytest.approx(np.sqrt(np.trace(expected) / 2), rel=1e-3)
    n = int(state.data.written)
    per_round = config.episodes * env.spec.horizon
    for after, start in ((first, n), (second, n + per_round)):
        assert int(after.data.written) == start + per_round
        new = jax.tree.map(lambda x, start=start: x[start : start + per_round], after.data.rows)
        np.testing.assert_allclose(new.target, expert(KEY, new.obs), atol=1e-5)
    # Of the round, the errors before the clone learned from it.
    first_round = jax.tree.map(lambda x: x[n : n + per_round], first.data.rows)
    errors = algo.act(KEY, state, first_round.obs) - first_round.target
    expected = errors.T @ errors / per_round
    np.testing.assert_allclose(first.memory @ first.memory.T, expected, atol=1e-5)
    spread = np.sqrt(np.trace(expected) / 2)
    assert float(second_metrics["noise"]) == pytest.approx(spread, rel=1e-3)
    # The same key gives the same episodes but for the noise.
    second_round = jax.tree.map(lambda x: x[n + per_round : n + 2 * per_round], second.data.rows)
    np.testing.assert_allclose(first_round.obs[0], second_round.obs[0], atol=1e-6)
    assert not np.allclose(first_round.obs, second_round.obs)


def test_the_first_clone_does_not_learn_from_the_steps_that_measure_it(demos):
    env, expert = envs.make("PointMass"), experts.load("PointMass")
    config = dataclasses.replace(shrink(dart.Config()), capacity=1000)
    algo = dart.make(config, env.spec, env, expert)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    every = jnp.arange(len(rows.weight)) % 5 == 4
    absurd = rows.replace(
        intended_action=jnp.where(every[:, None], -rows.intended_action, rows.intended_action)
    )
    one, other = (algo.init(KEY, x) for x in (rows, absurd))
    jax.tree.map(np.testing.assert_array_equal, one.clone.params, other.clone.params)
    assert not np.allclose(one.memory, other.memory)


@pytest.mark.slow
def test_with_early_stopping_the_first_clone_is_the_one_that_learned(demos):
    env, expert = envs.make("PointMass"), experts.load("PointMass")
    clone = bc.Config(
        hidden=(32,), batch=64, steps=100, lr=3e-3, validation=0.2, early_stopping=True
    )
    config = dart.Config(clone, episodes=4, fits=1, capacity=1000, start_fits=3)
    algo = dart.make(config, env.spec, env, expert)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    state = algo.init(KEY, rows)
    jax.tree.map(np.testing.assert_array_equal, state.clone.params, state.clone.best_params)


def test_padding_after_an_early_end_does_not_shrink_the_noise(monkeypatch):
    """Of two episodes, the one that ends early counts as much as the other."""
    env, expert = envs.make("PointMass"), experts.load("PointMass")
    steps: Any = data.collect(env, expert, 2).steps
    wrong = jnp.array([0.1, 0.0]) * jnp.array([1.0, 3.0])[:, None]  # [B, A] the clone's errors

    def episodes(*_: Any) -> Any:
        time_major = jax.tree.map(lambda x: jnp.swapaxes(jnp.asarray(x), 0, 1), steps)
        weight = time_major.weight.at[5:, 1].set(0.0)
        return time_major.replace(weight=weight, intended_action=jnp.zeros_like(time_major.action))

    def act(self: Any, key: Any, state: Any, obs: jax.Array) -> jax.Array:
        return jnp.repeat(wrong, len(obs) // 2, axis=0)  # rows are in the order of the episodes

    monkeypatch.setattr(rollout, "episodes", episodes)
    monkeypatch.setattr(SupervisedLearner, "act", act)
    config = dataclasses.replace(shrink(dart.Config()), capacity=1000, episodes=2)
    algo = dart.make(config, env.spec, env, expert)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), steps)
    state, _ = algo.update(KEY, algo.init(KEY, rows), rows)
    found = np.asarray(state.memory @ state.memory.T)
    np.testing.assert_allclose(found, [[(0.01 + 0.09) / 2, 0], [0, 0]], atol=1e-6)


@pytest.mark.slow
def test_the_first_noise_is_that_of_a_clone_that_has_learned(demos):
    """The untrained clone is off by about the expert's own action."""
    env, expert = envs.make("PointMass"), experts.load("PointMass")
    clone = bc.Config(hidden=(32, 32), batch=64, steps=100, validation=0.0, lr=3e-3)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)

    def first_noise(start_fits: int) -> float:
        config = dart.Config(clone, episodes=4, fits=5, capacity=1000, start_fits=start_fits)
        algo = dart.make(config, env.spec, env, expert)
        state = algo.init(KEY, rows)
        assert (algo.cost * 0).grad_steps == 100 * start_fits
        return float(jax.jit(algo.update)(KEY, state, rows)[1]["noise"])

    assert 0 < first_noise(5) < 0.5 * first_noise(0)


def test_discrete_actions_are_refused():
    env = envs.make("ProbePolicy")
    with pytest.raises(UserError, match="discrete actions"):
        dart.make(dart.Config(), env.spec, env, experts.load("ProbePolicy"))
