"""AIRL: its logit by hand, and the log probabilities that it takes from the policy."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import envs
from imitbench.algos.adversarial import airl
from imitbench.algos.adversarial.discriminator import Discriminator, DiscriminatorConfig
from imitbench.algos.rl import ppo
from imitbench.core import policy_nets
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


def test_the_logit_by_hand():
    """f = g + discount h' - h, less log pi; h' counts as 0 after a terminated step."""
    number = [jnp.array([x, x]) for x in (1.0, 2.0, 4.0, -0.5)]
    reward, shaping, next_shaping, log_prob = number
    continues = jnp.array([1.0, 0.0])
    logit = airl.shaped_logit(reward, shaping, next_shaping, continues, log_prob, 0.5)
    np.testing.assert_array_equal(logit, [1 + 0.5 * 4 - 2 + 0.5, 1 - 2 + 0.5])


def test_the_network_by_hand():
    """g = 2 s, h = 3 s and the policy's log probability taken away; h is 0 after an end."""
    spec = make_spec([("state", 1)], 1, 5)
    settings = dataclasses.replace(airl.Config().discriminator, hidden=(), state_only=True)
    config = airl.Config(discriminator=settings, shaping=())
    net = airl.shaped_input(config, spec).net
    params: Any = net.init(KEY)
    for name, slope in (("g", 2.0), ("h", 3.0)):
        dense = params[name]["params"]["Dense_0"]
        dense["kernel"], dense["bias"] = jnp.array([[slope]]), jnp.zeros(1)
    inputs = jnp.array([[0.5, 0.5, 0.7, 1.0, -0.4], [0.5, 0.5, 0.7, 0.0, -0.4]])
    f = 2 * 0.5 + np.array([config.ppo.discount * 3 * 0.7, 0.0]) - 3 * 0.5 + 0.4
    np.testing.assert_allclose(net.apply(params, inputs)[:, 0], f, rtol=1e-5)


def test_rows_hold_the_log_probability_of_the_action_under_the_policy(demos):
    env = envs.make("PointMass")
    config = shrink(airl.Config())
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    core = ppo.learner(config.ppo, env.spec).init(KEY)
    policy = policy_nets.policy(env.spec, config.ppo.hidden, "normal", activation="tanh")
    mean = policy.apply(core.params["policy"], jnp.clip(rows.obs, -10, 10)).mode
    steps = airl.shaped_input(config, env.spec).rows(core, rows)
    z = (rows.intended_action - mean) ** 2
    np.testing.assert_allclose(
        steps.log_prob, np.sum(-0.5 * z - 0.5 * np.log(2 * np.pi), axis=-1), rtol=1e-4
    )


def test_g_and_the_log_probability_are_of_the_same_action(demos):
    """The executed one of a noisy demonstrator; the policy's own where the bounds cut it off."""
    env = envs.make("PointMass")
    config = shrink(airl.Config())
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:])[:2], demos.steps)
    rows = rows.replace(
        action=jnp.array([[0.3, -0.2], [1.0, 0.1]]),
        intended_action=jnp.array([[0.0, 0.0], [1.7, 0.1]]),
    )
    core = ppo.learner(config.ppo, env.spec).init(KEY)
    input_ = airl.shaped_input(config, env.spec)
    found = input_.rows(core, rows).log_prob
    judged = rows.replace(action=jnp.array([[0.3, -0.2], [1.7, 0.1]]))
    judged = judged.replace(intended_action=judged.action)
    np.testing.assert_allclose(found, input_.rows(core, judged).log_prob, rtol=1e-6)


@pytest.mark.parametrize("entropy_reward", [False, True])
def test_the_reward_lacks_the_log_probability_unless_it_is_asked_for(demos, entropy_reward):
    """f alone does not change with the width of the policy; f - log pi pays a wide one."""
    env = envs.make("PointMass")
    config = dataclasses.replace(shrink(airl.Config()), entropy_reward=entropy_reward)
    rows: Any = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)
    narrow = ppo.learner(config.ppo, env.spec).init(KEY)
    policy = narrow.params["policy"]
    wide = narrow.replace(
        params=narrow.params | {"policy": policy | {"log_std": policy["log_std"] + 3.0}}
    )
    of = airl.shaped_input(config, env.spec)
    assert of.rewarded is not None
    classifier = Discriminator(config.discriminator, of.net, of.encode)
    state = classifier.init(KEY, rows.obs, rows.weight)
    paid = [classifier.reward(state, of.rewarded(core, rows)) for core in (narrow, wide)]
    gain = float(jnp.mean(paid[1] - paid[0]))
    assert gain > 3.0 if entropy_reward else gain == 0.0
    log_prob = of.rows(wide, rows).log_prob - of.rows(narrow, rows).log_prob
    assert not np.allclose(log_prob, 0.0)  # the discriminator still sees it


def test_a_penalty_is_refused():
    with pytest.raises(UserError, match="penalty=10.0: expected 0 in AIRL"):
        airl.Config(discriminator=DiscriminatorConfig())
