"""DART: its noise by hand, and the demonstrations under it."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import envs, experts
from imitbench.algos.cloning import bc, dart
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def test_noise_has_the_covariance_of_the_errors():
    errors = jnp.array([[0.3, 0.1], [-0.1, 0.2], [0.0, -0.4]])
    noise = np.asarray(dart.noise(KEY, errors, (200_000,)))
    assert noise.shape == (200_000, 2)
    np.testing.assert_allclose(noise.mean(0), 0, atol=3e-3)
    np.testing.assert_allclose(noise.T @ noise / len(noise), errors.T @ errors / 3, atol=2e-3)


@pytest.mark.slow
def test_a_round_has_the_noise_of_the_errors_of_the_round_before(demos):
    """The first round has none; the actions to learn are always those that the expert intended."""
    env = envs.make("PointMass")
    expert = experts.load("PointMass")
    config = dataclasses.replace(shrink(dart.Config()), capacity=1000)
    algo = dart.make(config, env.spec, env, expert)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    state = algo.init(KEY, rows)
    assert not state.memory.any()
    first, first_metrics = jax.jit(algo.update)(KEY, state, rows)
    second, second_metrics = jax.jit(algo.update)(KEY, first, rows)
    assert float(first_metrics["noise"]) == 0 and float(second_metrics["noise"]) > 0
    n = int(state.data.written)
    per_round = config.episodes * env.spec.horizon
    for after, start in ((first, n), (second, n + per_round)):
        assert int(after.data.written) == start + per_round
        new = jax.tree.map(lambda x, start=start: x[start : start + per_round], after.data.rows)
        np.testing.assert_allclose(new.target, expert(KEY, new.obs), atol=1e-5)
    # The memory is the clone's errors before it learned from the round.
    first_round = jax.tree.map(lambda x: x[n : n + per_round], first.data.rows)
    errors = algo.act(KEY, state, first_round.obs) - first_round.target
    np.testing.assert_allclose(first.memory, errors, atol=1e-4)
    # The same key gives the same episodes but for the noise.
    second_round = jax.tree.map(lambda x: x[n + per_round : n + 2 * per_round], second.data.rows)
    np.testing.assert_allclose(first_round.obs[0], second_round.obs[0], atol=1e-6)
    assert not np.allclose(first_round.obs, second_round.obs)


@pytest.mark.slow
def test_the_first_noise_is_that_of_a_clone_that_has_learned(demos):
    """The untrained clone is off by about the expert's own action."""
    env, expert = envs.make("PointMass"), experts.load("PointMass")
    clone = bc.Config(hidden=(32, 32), batch=64, steps=100, validation=0.0, lr=3e-3)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)

    def second_noise(start_fits: int) -> float:
        config = dart.Config(clone, episodes=4, fits=5, capacity=1000, start_fits=start_fits)
        algo = dart.make(config, env.spec, env, expert)
        state = algo.init(KEY, rows)
        assert (algo.cost * 0).grad_steps == 100 * start_fits
        state, _ = jax.jit(algo.update)(KEY, state, rows)
        return float(jax.jit(algo.update)(KEY, state, rows)[1]["noise"])

    assert second_noise(5) < 0.5 * second_noise(0)


def test_discrete_actions_are_refused():
    env = envs.make("ProbePolicy")
    with pytest.raises(UserError, match="discrete actions"):
        dart.make(dart.Config(), env.spec, env, experts.load("ProbePolicy"))
