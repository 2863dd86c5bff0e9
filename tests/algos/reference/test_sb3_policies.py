"""Policies of Stable-Baselines3, read without it, against its own `predict`."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import sb3_models

from imitbench import envs
from imitbench.experts.external import bind, load_object, stable_baselines

pytest.importorskip("stable_baselines3")

SPEC = envs.make("PointMass").spec  # 6 numbers, of which the first and last two are goals


@pytest.fixture(scope="module")
def models():
    return sb3_models.models()


@pytest.mark.parametrize(
    "name",
    ["ppo", "ppo_linear", "a2c_discrete", "sac", "sac_goal", "td3", "td3_goal", "ddpg", "dqn"],
)
def test_a_saved_model_acts_as_it_predicts(models, name, tmp_path):
    model = models[name]
    model.save(tmp_path / "model.zip")
    spec = dataclasses.replace(SPEC, discrete=name in sb3_models.DISCRETE)
    policy = stable_baselines.read(tmp_path / "model.zip").policy(spec)
    actions = policy(jax.random.key(0), jnp.asarray(sb3_models.OBS))
    np.testing.assert_allclose(actions, sb3_models.predictions(name, model), atol=2e-6)


@pytest.mark.parametrize("name", ["ppo", "sac_goal"])
def test_a_model_in_memory_is_an_expert(models, name):
    """Its actions are scaled from its bounds, and a goal task's observation is a dictionary."""
    env = envs.make("PointMass")
    expert = bind(load_object(models[name]), env)
    states = jax.vmap(env.reset)(jax.random.split(jax.random.key(1), 16))
    states = states.replace(obs=sb3_models.OBS)
    actions, _ = expert.actor.act(jax.random.key(0), (), states)
    np.testing.assert_allclose(actions, sb3_models.predictions(name, models[name]), atol=2e-6)
