"""Policies in the original environments: their observations, their units."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium
import gymnasium_robotics
import jax
import numpy as np
import pytest

import imitbench as ib
from imitbench import envs, experts
from imitbench.core.actor import from_policy
from imitbench.results.cells.policies import StoredPolicy
from imitbench.results.cells.policy_files import PolicyCard

gymnasium.register_envs(gymnasium_robotics)
CARD = PolicyCard(1, "", "bc", 1, {}, False, 0, 0, 0, None, {})


def expert(task: str) -> ib.Policy:
    """The task's expert as a trained policy would be."""
    env = envs.make(task)
    act = jax.jit(experts.load(task, spec=env.spec))
    return ib.Policy(StoredPolicy(dataclasses.replace(CARD, task=task), env, from_policy(act)))


@pytest.mark.parametrize(
    ("task", "name", "success"),
    [
        ("FetchReach", "FetchReach-v4", True),
        pytest.param("Hopper", "Hopper-v5", False, marks=pytest.mark.slow),
    ],
)
def test_an_expert_gets_there_what_it_gets_here(task, name, success):
    """Returns in Gymnasium and here, of other initial states of the same kind."""
    there = expert(task).rollout(gymnasium.make(name), episodes=3, seed=5)
    here = ib.evaluate(expert(task), episodes=20, seed=1)
    low, high = here["return"].min(), here["return"].max()
    spread = 0.1 * (abs(low) + abs(high))
    assert np.all(there["return"].between(low - spread, high + spread))
    assert ("success" in there) == success
    if success:
        assert np.all(there["success"])
    again = expert(task).rollout(gymnasium.make(name), episodes=3, seed=5)
    np.testing.assert_allclose(again["return"], there["return"])


def test_actions_are_in_the_units_of_the_original_environment():
    """Humanoid's actions there are at most 0.4."""
    policy = expert("Humanoid")
    env = gymnasium.make("Humanoid-v5")
    obs, _ = env.reset(seed=0)
    action = policy(obs)
    space: Any = env.action_space
    assert action.shape == space.shape and np.abs(action).max() <= 0.4 + 1e-6
    assert np.abs(action).max() > 0.1
    returns = policy.rollout(env, episodes=1)["return"]
    assert float(returns.iloc[0]) > 1000  # a fall at once gives about 100


def test_environments_that_do_not_fit_are_refused():
    hopper = expert("Hopper")
    with pytest.raises(ib.UserError, match=r"actions of shape \(3,\)"):
        hopper.rollout(gymnasium.make("HalfCheetah-v5"))
    with pytest.raises(ib.UserError, match="episodes=0"):
        hopper.rollout(gymnasium.make("Hopper-v5"), episodes=0)
    with pytest.raises(ib.UserError, match="keys observation, .* expects an array"):
        hopper({"observation": np.zeros(11), "desired_goal": np.zeros(0)})
