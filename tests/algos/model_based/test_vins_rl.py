"""VINS+RL: what it begins with, collects and trains on."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import data, envs, experts
from imitbench.algos.model_based import vins, vins_rl
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def rows():
    demos = data.collect(envs.make("ProbeGoal"), experts.load("ProbeGoal"), 6, seed=1)
    return data.subset(demos, 3, [0], same=True)


@pytest.mark.slow
def test_rl_continues_vins_without_negatives_and_without_the_prior(rows):
    env = envs.make("ProbeGoal")
    config = shrink(vins_rl.Config())
    algo = vins_rl.make(config, env.spec, env)
    state = jax.jit(algo.init)(KEY, rows)
    learner = vins.learner(config.vins, env.spec)
    pretrained = learner.init(jax.random.split(KEY, 3)[0], rows)
    for key in jax.random.split(jax.random.split(KEY, 3)[1], 2):  # 6 steps, 3 an update
        pretrained, _ = jax.jit(learner.update)(key, pretrained, rows)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), state.vins, pretrained)
    total = config.rounds * config.envs * config.length
    assert int(state.replay.written) == 0  # demonstrations are drawn beside the replay
    new, metrics = jax.jit(algo.update)(KEY, state, rows)
    assert int(new.replay.written) == total
    assert "ns_loss" not in metrics and {"td_loss", "model_loss", "reward"} <= set(metrics)
    jax.tree.map(np.testing.assert_array_equal, new.vins.clone, state.vins.clone)
    kept = jax.tree.map(lambda x: np.asarray(x)[:total], new.replay.rows)
    np.testing.assert_allclose(kept.next_state, kept.state + 0.1 * kept.action, atol=1e-6)
    at_goal = np.linalg.norm(kept.state - kept.desired, axis=1) <= 0.1
    np.testing.assert_array_equal(kept.terminal, at_goal)
    np.testing.assert_array_equal(kept.reward, np.where(at_goal, 0, -1))
    # Noise around 0 over the whole range, not around the prior.
    size = np.abs(kept.action)
    assert size.max() > 0.8 and size.min() < 0.2
    assert [(algo.cost * u).grad_steps for u in (0, 1)] == [6, 6 + config.rounds * 2]


def test_bad_settings(rows):
    env = envs.make("ProbeGoal")
    config = shrink(vins_rl.Config())
    for bad, words in (
        ({"pretrain": 7}, "pretrain=7: expected a multiple of vins.clone.steps=3"),
        ({"demo_share": 1.5}, "demo_share=1.5"),
        ({"alpha": 0.0}, "alpha=0.0"),
        ({"vins": dataclasses.replace(config.vins, goal="first")}, "vins.goal=first"),
    ):
        with pytest.raises(UserError, match=words):
            vins_rl.make(dataclasses.replace(config, **bad), env.spec, env).init(KEY, rows)
