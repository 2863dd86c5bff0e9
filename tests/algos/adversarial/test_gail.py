"""GAIL: the rewards that PPO gets, cloning before training, warnings, and that it learns."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import data, envs, experts
from imitbench.algos.adversarial import airl, clone_start, gail, gail_loop
from imitbench.algos.adversarial.discriminator import Discriminator, DiscriminatorConfig
from imitbench.algos.adversarial.discriminator_input import Pairs, pair_input
from imitbench.algos.rl import ppo
from imitbench.core.distributions import Categorical, Deterministic
from imitbench.training import loop
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


@pytest.fixture
def rows(demos) -> Any:
    return jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), demos.steps)


def test_rewards_are_mixed_by_their_shares():
    imitation, task = jnp.array([[2.0, -4.0]]), jnp.array([[-1.0, 0.0]])
    mixed = gail_loop.mixed_reward(gail_loop.Config(imitation=0.75), imitation, task)
    np.testing.assert_array_equal(mixed, [[1.25, -3.0]])
    constant = gail_loop.mixed_reward(gail_loop.Config(constant=True), imitation, task)
    np.testing.assert_array_equal(constant, [[1.0, 1.0]])


@pytest.fixture
def ppo_steps(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The steps that PPO learns from."""
    calls: list[Any] = []
    real = ppo.learner

    def learner(config: Any, spec: Any) -> ppo.OnPolicyLearner:
        recorded = real(config, spec)
        return recorded._replace(
            learn=lambda k, c, s: (calls.append(s), recorded.learn(k, c, s))[1]
        )

    monkeypatch.setattr(ppo, "learner", learner)
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"imitation": 0.25}, {}, {"constant": True}])
def test_ppo_gets_the_rewards_of_the_discriminator(rows, ppo_steps, changes):
    env = envs.make("PointMass")
    config = dataclasses.replace(shrink(gail.Config()), **changes)
    algo = gail.make(config, env.spec, env)
    state, metrics = algo.update(KEY, algo.init(KEY, rows), rows)
    (steps,) = ppo_steps
    net, encode, *_ = pair_input(config.discriminator, env.spec)
    classifier = Discriminator(config.discriminator, net, encode)
    imitation = classifier.reward(state.discriminator, Pairs(steps.obs, steps.action))
    # The task's rewards are 0 and -1.
    task = (np.asarray(steps.reward) - config.imitation * np.asarray(imitation)) / 0.75
    if config.constant:
        np.testing.assert_array_equal(steps.reward, 1.0)
    elif config.imitation == 1:
        np.testing.assert_allclose(steps.reward, imitation, rtol=1e-5)
    else:
        assert np.isclose(task, 0, atol=1e-4).any() or np.isclose(task, -1, atol=1e-4).any()
        assert (np.isclose(task, 0, atol=1e-4) | np.isclose(task, -1, atol=1e-4)).all()
    assert float(metrics["task_reward"]) <= 0


def test_cloning_losses_by_hand():
    """The squared error is summed over the components of the action."""
    error = clone_start.cloning_loss(
        Deterministic(jnp.array([[1.0, 2.0], [0.0, 0.0]])), jnp.ones(2)
    )
    assert float(error) == pytest.approx((0 + 1 + 1 + 1) / 2)
    choice = clone_start.cloning_loss(Categorical(jnp.zeros((2, 4))), jnp.array([0, 3]))
    assert float(choice) == pytest.approx(np.log(4))


@pytest.mark.slow
def test_cloning_comes_before_the_first_update(rows):
    env = envs.make("PointMass")

    def error(clone_steps: int) -> float:
        config = dataclasses.replace(shrink(gail.Config()), clone_steps=clone_steps)
        algo = gail.make(config, env.spec, env)
        assert (algo.cost * 1).grad_steps == algo.cost.grad_steps + clone_steps
        state = jax.jit(algo.init)(KEY, rows)
        return float(jnp.mean((algo.act(KEY, state, rows.obs) - rows.intended_action) ** 2))

    assert error(2000) < 0.2 * error(0)


def test_rewards_whose_sign_teaches_the_wrong_thing_are_named():
    hopper, never = envs.make("Hopper").spec, envs.make("Hopper-fh").spec
    negative = gail.Config(discriminator=DiscriminatorConfig(reward="negative"))
    (line,) = gail.warnings(negative, hopper)
    assert line.startswith("negative rewards where episodes end with failure")
    assert not gail.warnings(negative, never) and not gail.warnings(gail.Config(), hopper)
    (line,) = airl.warnings(airl.Config(), hopper)
    assert line.startswith("rewards of either sign") and "reward=positive" in line
    seeking = gail.Config(discriminator=DiscriminatorConfig(divergence="reverse-kl"))
    assert "divergence=kl" in gail.warnings(seeking, hopper)[0]
    covering = gail.Config(discriminator=DiscriminatorConfig(divergence="kl"))
    assert not gail.warnings(covering, hopper) and not airl.warnings(airl.Config(), never)
    centred = DiscriminatorConfig(divergence="kl", centred=True)  # its rewards begin at -1
    (line,) = gail.warnings(gail.Config(discriminator=centred), hopper)
    assert line.startswith("rewards of either sign") and "divergence=kl with centred=false" in line
    ends_with_success = dataclasses.replace(hopper, ends="success")
    assert "gains by delaying success" in gail.warnings(gail.Config(), ends_with_success)[0]
    ends_with_both = dataclasses.replace(hopper, ends="failure or success")
    assert "gains by delaying success" in gail.warnings(gail.Config(), ends_with_both)[0]
    assert "gains by failing early" in gail.warnings(negative, ends_with_both)[0]
    assert not gail.warnings(dataclasses.replace(negative, constant=True), hopper)
    assert not gail.warnings(dataclasses.replace(negative, imitation=0.0), hopper)


@pytest.mark.slow
def test_gail_hops_after_eleven_thin_trajectories():
    """A random policy gets about 20, the expert 3,562; in five runs of `make bench-gail` with fewer
    trajectories the mean was above 2,000 after 60 updates."""
    env = envs.make("Hopper")
    expert = experts.load("Hopper", kind="learned", spec=env.spec)
    demos = data.collect(env, expert, 11, only_success=False)
    rows = data.subset(demos, 11, [0], stride=20)
    algo = gail.make(gail.Config(), env.spec, env)
    _, ev = loop.train(algo, rows, KEY[None], env=env, num_updates=80, num_evals=4, eval_episodes=5)
    assert ev.returns.max() > 1000


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"clone_steps": -1}, "clone_steps=-1: expected 0 or more"),
        ({"imitation": 1.5}, r"imitation=1.5: expected a number in \[0, 1\]"),
    ],
)
def test_bad_settings(settings, words):
    with pytest.raises(UserError, match=words):
        gail.Config(**settings)
