"""The tightrope: falling, climbing, and an expert that does neither."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.envs.toys import tightrope
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
NAME = "Tightrope-20"


@pytest.fixture
def env() -> Any:
    return envs.make(NAME)


def test_the_expert_never_falls(env):
    steps = rollout.episodes(env, experts.load(NAME), KEY, 50)
    assert steps.reward.shape == (20, 50)
    assert (steps.reward == 0).all() and steps.success.all()
    assert 0.3 < float(jnp.mean(steps.action)) < 0.7  # it depends on the observation


def test_one_mistake_costs_the_whole_way_back(env):
    state = env.step(state := env.reset(KEY), 1 - tightrope.correct_choice(state.obs))
    heights, rewards = [float(state.obs[0])], [float(state.reward)]
    for _ in range(tightrope.DEPTH):
        state = env.step(state, tightrope.correct_choice(state.obs))
        heights.append(float(state.obs[0]))
        rewards.append(float(state.reward))
    np.testing.assert_allclose(heights, np.linspace(-1, 0, tightrope.DEPTH + 1), atol=1e-6)
    assert rewards == [-1.0] * tightrope.DEPTH + [0.0]


def test_mistake_on_the_ladder_leads_to_the_bottom(env):
    state = env.reset(KEY)
    state = env.step(state, 1 - tightrope.correct_choice(state.obs))
    for _ in range(3):
        state = env.step(state, tightrope.correct_choice(state.obs))
    assert float(state.obs[0]) == pytest.approx(3 / tightrope.DEPTH - 1)
    assert float(env.step(state, 1 - tightrope.correct_choice(state.obs)).obs[0]) == -1


def test_correct_choice_is_reversed_on_the_ladder():
    above = jnp.array([0.0, 0.9, 0.1, 0.1, 0.2])
    assert (
        int(tightrope.correct_choice(above)) == 1
        and int(tightrope.correct_choice(above.at[0].set(-0.5))) == 0
    )


def test_angles_turn_by_a_fixed_amount(env):
    state = env.reset(KEY)
    before = np.arctan2(state.obs[3:5], state.obs[1:3])
    next_obs = env.step(state, 0).obs
    after = np.arctan2(next_obs[3:5], next_obs[1:3])
    np.testing.assert_allclose(np.cos(after - before), np.cos(tightrope.TURN), atol=1e-5)
    np.testing.assert_allclose(np.sin(after - before), np.sin(tightrope.TURN), atol=1e-5)


def test_unknown_length_is_refused():
    with pytest.raises(UserError, match="did you mean Tightrope"):
        envs.make("Tightrope-30")
