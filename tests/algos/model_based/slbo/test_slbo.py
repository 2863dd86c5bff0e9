"""SLBO: virtual steps, noise on real ones, what it costs, what it learns, and what it refuses."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_configs import shrink

from imitbench import envs
from imitbench.algos.common import on_policy
from imitbench.algos.model_based.slbo import exploration, slbo, stages
from imitbench.algos.model_based.slbo.config import Sequence
from imitbench.algos.model_based.slbo.virtual_env import VirtualEnv
from imitbench.algos.rl import trpo
from imitbench.core import buffer, policy_nets, unrolling
from imitbench.core.types import EnvState
from imitbench.envs.base import make_spec
from imitbench.training import loop
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)


class Line:
    """A number that the action moves; the reward is the new number minus the action, and above 1
    the episode ends."""

    name, engine, spec = "Line", "none", make_spec([("number", 1)], 1, 3)

    def reset(self, rng: jax.Array) -> EnvState:
        zero = jnp.float32(0.0)
        return EnvState((), jax.random.uniform(rng, (1,)), zero, zero)

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        raise AssertionError("a virtual step is not a real one")

    def known_reward(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        return next_obs[0] - action[0]

    def known_end(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        return next_obs[0] > 1.0


def test_virtual_steps_are_the_models():
    """The model adds twice the action. From 0.1: 0.1, 0.5, 0.9, 1.3 is the end, by the time limit
    and by the rule; from then on the action is -0.4, and the time limit ends the episode."""
    line: Any = Line()
    virtual = VirtualEnv(line, lambda obs, action: obs + 2.0 * action, jnp.array([[0.1]]))
    running = unrolling.start_episodes(virtual, KEY, 2)
    policy = lambda key, obs: jnp.array([[0.2], [-0.4]])  # noqa: E731
    steps = unrolling.unroll(virtual, policy, KEY, running, 4)[1]
    np.testing.assert_allclose(steps.obs[:, 0, 0], [0.1, 0.5, 0.9, 0.1], atol=1e-6)
    np.testing.assert_allclose(steps.next_obs[:, 0, 0], [0.5, 0.9, 1.3, 0.5], atol=1e-6)
    np.testing.assert_allclose(steps.reward[:, 0], [0.3, 0.7, 1.1, 0.3], atol=1e-6)
    assert steps.terminated[:, 0].tolist() == [False, False, True, False]
    assert not steps.truncated[:, 0].any()
    np.testing.assert_allclose(steps.obs[:, 1, 0], [0.1, -0.7, -1.5, 0.1], atol=1e-6)
    assert steps.truncated[:, 1].tolist() == [False, False, True, False]
    assert not steps.terminated[:, 1].any()


def test_virtual_episodes_begin_in_the_real_initial_states():
    line: Any = Line()
    starts = jnp.array([[3.0], [5.0], [8.0]])
    virtual = VirtualEnv(line, lambda obs, action: obs, starts)
    found = np.asarray(jax.vmap(virtual.reset)(jax.random.split(KEY, 300)).obs)[:, 0]
    values, counts = np.unique(found, return_counts=True)
    assert values.tolist() == [3, 5, 8] and counts.min() > 70
    assert stages.initial_observations(line, KEY).shape == (stages.STARTS, 1)


def test_noise_wanders_and_begins_at_0():
    def policy(key: jax.Array, obs: jax.Array) -> jax.Array:
        return jnp.full((obs.shape[0], 2), 0.25)

    zeros = jnp.zeros(4_000)
    state = EnvState((), jnp.zeros((4_000, 3)), zeros, zeros)
    actor = exploration.noisy(policy, 2, 0.3, 0.15)
    noise = actor.start(KEY, state)
    np.testing.assert_array_equal(noise, np.zeros((4_000, 2)))
    noises = []
    for i in range(40):
        action, noise = actor.act(jax.random.key(i), noise, state)
        np.testing.assert_allclose(action, 0.25 + noise, atol=1e-6)
        noises.append(np.asarray(noise))
    assert noises[0].std() == pytest.approx(0.3, rel=0.05)
    # The variance v of the limit: v = 0.85^2 v + 0.3^2; one step later 0.85 of it is left.
    limit = 0.09 / (1 - 0.85**2)
    assert noises[-1].var() == pytest.approx(limit, rel=0.06)
    assert np.mean(noises[-1] * noises[-2]) == pytest.approx(0.85 * limit, rel=0.08)
    quiet = exploration.noisy(policy, 2, 0.0, 0.15)
    action, _ = quiet.act(KEY, quiet.start(KEY, state), state)
    np.testing.assert_array_equal(action, np.full((4_000, 2), 0.25, np.float32))


def test_policy_and_value_have_their_own_layers():
    spec = make_spec([("state", 3)], 2, 5)
    networks = on_policy.networks(slbo.Config().trpo, spec)
    sizes = [x.shape for x in jax.tree.leaves(networks.policy.init(KEY)) if x.ndim == 2]
    assert sorted(sizes) == [(3, 32), (32, 2), (32, 32)]
    sizes = [x.shape for x in jax.tree.leaves(networks.value.init(KEY)) if x.ndim == 2]
    assert sorted(sizes) == [(3, 64), (64, 1), (64, 64)]


def test_the_entropy_is_a_part_of_the_surrogate():
    spec = make_spec([("state", 1)], 2, 5)
    policy = policy_nets.policy(spec, (4,), "normal", activation="tanh", log_std=-1.0)
    params, obs = policy.init(KEY), jnp.zeros((3, 1))
    dist: Any = policy.apply(params, obs)
    action, advantage = dist.sample(KEY), jnp.array([1.0, 2.0, 6.0])
    data = {
        "obs": obs, "action": action, "log_prob": dist.log_prob(action), "advantage": advantage
    }  # fmt: skip
    config, without = trpo.Config(entropy=0.1), trpo.Config()
    surrogate, kl = trpo.surrogate_and_kl(policy, config, dist, data, params)
    entropy = 2 * (-1.0 + 0.5 * np.log(2 * np.pi * np.e))
    assert float(surrogate) == pytest.approx(3.0 + 0.1 * entropy, rel=1e-5)
    assert float(kl) == pytest.approx(0.0, abs=1e-6)

    def slope(config: trpo.Config) -> jax.Array:
        loss = lambda p: trpo.surrogate_and_kl(policy, config, dist, data, p)[0]  # noqa: E731
        return jax.grad(loss)(params)["log_std"]

    np.testing.assert_allclose(slope(config) - slope(without), 0.1, rtol=1e-4)


def test_the_bonus_of_slbo_does_not_widen_the_policy_without_end():
    """At a standard deviation of 3 the derivative of the bonus by its logarithm is -0.574 of the
    weight; that of the entropy is 1."""
    assert slbo.Config().trpo.entropy_limit == 2.0 and trpo.Config().entropy_limit == 0.0
    spec = make_spec([("state", 1)], 2, 5)
    policy = policy_nets.policy(
        spec, (4,), "normal", activation="tanh", out_gain=0.0, log_std=float(np.log(3.0))
    )
    params, obs = policy.init(KEY), jnp.zeros((3, 1))
    dist: Any = policy.apply(params, obs)
    np.testing.assert_array_equal(dist.mode, np.zeros((3, 2)))
    action = jnp.zeros((3, 2))
    data = {
        "obs": obs, "action": action, "log_prob": dist.log_prob(action), "advantage": jnp.zeros(3)
    }  # fmt: skip
    for limit, expected in [(2.0, -0.0574), (0.0, 0.1)]:
        config = trpo.Config(entropy=0.1, entropy_limit=limit)
        loss = lambda p, c=config: trpo.surrogate_and_kl(policy, c, dist, data, p)[0]  # noqa: E731
        np.testing.assert_allclose(jax.grad(loss)(params)["log_std"], expected, atol=1e-4)


SMALL = slbo.Config(
    trpo=dataclasses.replace(
        slbo.Config().trpo, envs=16, length=20, minibatches=5, epochs=3, max_kl=0.05, entropy=0.0
    ),
    envs=4, length=50, rounds=5, model_steps=50, policy_steps=5, model_hidden=(32,),
    model_batch=64,
)  # fmt: skip


def test_what_a_stage_costs():
    env = envs.make("ProbeWalk")
    cost = slbo.make(SMALL, env.spec, env).cost
    assert cost.env_steps == 4 * 50
    assert cost.grad_steps == 5 * (50 + 5 * (1 + 3 * 5))


@pytest.mark.slow
def test_it_learns_to_walk_to_the_middle():
    """ProbeWalk: random walks get about -6.5, and the best policy about -2 (from a corner further
    away than ten steps of 0.1)."""
    env = envs.make("ProbeWalk")
    algo = slbo.make(SMALL, env.spec, env)
    _, ev = loop.train(
        algo, buffer.no_rows(env.spec), KEY[None], env=env, num_updates=3, num_evals=1,
        eval_episodes=64, evaluate_first=True,
    )  # fmt: skip
    assert ev.returns[0, 0] < -4.5
    assert ev.returns[0, -1] > -3.0
    assert ev.metrics["model_loss"][0, -1] < 0.25  # over all stages; about 1 before training
    virtual, real = (float(ev.metrics[k][0, -1]) for k in ("virtual_reward", "reward"))
    assert abs(virtual - real) < 0.3


def test_the_exported_policy_acts_alike():
    env = envs.make("ProbeWalk")
    config = shrink(SMALL)
    algo = slbo.make(config, env.spec, env)
    state = jax.jit(algo.init)(KEY, buffer.no_rows(env.spec))
    seen = 2.0 + 3.0 * jax.random.normal(KEY, (50, 2))
    state = state.replace(moments=state.moments.add(seen, seen))
    net = slbo.export(config, env.spec, state)
    obs = jax.random.normal(KEY, (6, 2))
    x = (obs - net.mean) / net.std
    for kernel, bias in net.layers[:-1]:
        x = jnp.tanh(x @ kernel + bias)
    kernel, bias = net.layers[-1]
    np.testing.assert_allclose(
        jnp.clip(x @ kernel + bias, -1, 1), algo.act(KEY, state, obs), rtol=1e-4, atol=1e-5
    )


def test_mistakes_are_said():
    env = envs.make("PointMass")
    with pytest.raises(UserError, match="PointMass does not say what its reward .* are as func"):
        slbo.make(slbo.Config(), env.spec, env)
    env = envs.make("ProbePolicy")
    with pytest.raises(UserError, match="ProbePolicy has discrete actions"):
        slbo.make(slbo.Config(), env.spec, env)
    env = envs.make("ProbeWalk")
    config = slbo.Config(sequence=Sequence(tasks=2))
    with pytest.raises(UserError, match="ProbeWalk is no task of a family .* sequence.tasks=0"):
        slbo.make(config, env.spec, env)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds=0: expected 1 or more"),
        ({"model_horizon": 0}, "model_horizon=0: expected 1 or more"),
        ({"model_lr": 0.0}, "model_lr=0.0: expected a positive number"),
        ({"noise": -0.1}, "noise=-0.1: expected 0 or more"),
        ({"noise_decay": 1.5}, "noise_decay=1.5: expected a number in"),
        ({"loss": "l1"}, "loss=l1: expected norm or squared"),
        ({"capacity": 9_999}, "capacity=9999: expected 10000 or more"),
        ({"length": 1, "model_horizon": 2}, "length=1: expected 2 or more, which is model_horiz"),
        ({"trpo": trpo.Config()}, "normalise_obs=True: expected False: slbo standardises"),
    ],
)
def test_settings_out_of_range_are_said(settings, message):
    with pytest.raises(UserError, match=message):
        slbo.Config(**settings)


def test_bad_sequences_are_said():
    for name in ("stages", "warm_up"):
        with pytest.raises(UserError, match=f"{name}=0: expected 1 or more"):
            Sequence(**{name: 0})
    with pytest.raises(UserError, match="tasks=-1: expected 0 or more"):
        Sequence(tasks=-1)
    with pytest.raises(UserError, match="entropy=-1: expected 0 or more"):
        trpo.Config(entropy=-1)
