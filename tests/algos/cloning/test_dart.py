"""DART's noise, and what it makes of demonstrations."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import envs, experts
from imitbench.algos.cloning import dart
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def test_noise_has_the_covariance_of_the_errors():
    errors = jnp.array([[0.3, 0.1], [-0.1, 0.2], [0.0, -0.4]])
    noise = np.asarray(dart.disturbance(KEY, errors, (200_000,)))
    assert noise.shape == (200_000, 2)
    np.testing.assert_allclose(noise.mean(0), 0, atol=3e-3)
    np.testing.assert_allclose(noise.T @ noise / len(noise), errors.T @ errors / 3, atol=2e-3)


def test_rounds_are_shown_under_the_noise_of_the_round_before(demos):
    """The first round has none; labels are always what the expert meant."""
    env = envs.make("PointMass")
    expert = experts.load("PointMass")
    config = dataclasses.replace(shrink(dart.Config()), capacity=1000)
    algo = dart.make(config, env.spec, env, expert)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    state = algo.init(KEY, rows)
    assert not state.memory.any()
    first, told = jax.jit(algo.update)(KEY, state, rows)
    second, more = jax.jit(algo.update)(KEY, first, rows)
    assert float(told["noise"]) == 0 and float(more["noise"]) > 0
    n = int(state.data.written)
    each = config.episodes * env.spec.horizon
    for now, start in ((first, n), (second, n + each)):
        assert int(now.data.written) == start + each
        new = jax.tree.map(lambda x, start=start: x[start : start + each], now.data.rows)
        np.testing.assert_allclose(new.target, expert(KEY, new.obs), atol=1e-5)
    # The memory is the clone's errors before it learned from the round.
    shown = jax.tree.map(lambda x: x[n : n + each], first.data.rows)
    was = algo.act(KEY, state, shown.obs) - shown.target
    np.testing.assert_allclose(first.memory, was, atol=1e-4)
    # The same key shows the same episodes, but for the noise.
    again = jax.tree.map(lambda x: x[n + each : n + 2 * each], second.data.rows)
    assert np.allclose(shown.obs[0], again.obs[0]) and not np.allclose(shown.obs, again.obs)


def test_discrete_actions_are_refused():
    env = envs.make("ProbePolicy")
    with pytest.raises(UserError, match="discrete actions"):
        dart.make(dart.Config(), env.spec, env, experts.load("ProbePolicy"))
