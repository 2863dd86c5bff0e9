"""SLBO after earlier tasks: what stays, what begins anew, and what it costs."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.algos.model_based.slbo import sequence, slbo, stages
from imitbench.algos.model_based.slbo.config import Sequence
from imitbench.core import buffer, rollout
from imitbench.core.types import EnvState
from imitbench.envs.base import make_spec, scalar

KEY = jax.random.key(0)


class Walk:
    """A point in [-1, 1] that steps of 0.1 bring to a target, which is not observed; the reward is
    minus the distance after the step."""

    name, engine, spec = "Walk", "none", make_spec([("at", 1)], 1, 20)
    target_range = (-1.0, 1.0)

    def __init__(self, target: Any = 0.5):
        self.target = target

    def with_target(self, target: jax.Array) -> Walk:
        other = copy.copy(self)
        other.target = target
        return other

    def reset(self, rng: jax.Array) -> EnvState:
        at = jax.random.uniform(rng, (1,), minval=-1.0)
        return EnvState((), at, scalar(0.0), scalar(0.0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        at = jnp.clip(state.obs + 0.1 * jnp.clip(action, -1.0, 1.0), -1.0, 1.0)
        return state.replace(obs=at, reward=self.known_reward(state.obs, action, at))

    def known_reward(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        return -jnp.abs(next_obs[0] - self.target)

    def known_end(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        return jnp.bool_(False)


CONFIG = slbo.Config(
    trpo=dataclasses.replace(
        slbo.Config().trpo, envs=16, length=20, minibatches=5, epochs=3, max_kl=0.05, entropy=0.0,
        hidden=(16,), value_hidden=(16,),
    ),
    envs=2, length=35, rounds=3, model_steps=60, policy_steps=4, model_hidden=(16,),
    model_batch=32, capacity=1_000,
    sequence=Sequence(tasks=2, stages=2, warm_up=8),
)  # fmt: skip


@pytest.fixture(scope="module")
def env() -> Any:
    return Walk()


@pytest.fixture(scope="module")
def learned(env) -> stages.State:
    """The state before the first real step of the last task."""
    return jax.jit(slbo.make(CONFIG, env.spec, env).init)(KEY, buffer.no_rows(env.spec))


@pytest.mark.slow
def test_real_steps_of_the_earlier_tasks_are_kept_and_cut(learned):
    """Two tasks of two stages of 35 steps in each of two environments. The time limit ends episodes
    every 20 steps, also where the first stage of a task ends; the end of a task cuts one."""
    assert int(learned.replay.written) == 140
    assert int(learned.moments.obs.count) == 280
    for env in (0, 1):
        ends = np.flatnonzero(np.asarray(learned.replay.rows.ended[:140, env]))
        assert ends.tolist() == [19, 39, 59, 69, 89, 109, 129, 139]
    np.testing.assert_array_equal(learned.running.t, [0, 0])


@pytest.mark.slow
def test_the_policy_is_warmed_up_in_the_model_alone(env, learned):
    """Without a real step of the last task it is far better there than an untrained policy."""
    setup = stages.make_setup(CONFIG, env.spec)

    def mean_return(core: Any) -> float:
        def act(key: jax.Array, obs: jax.Array) -> jax.Array:
            return setup.learner.act(key, core, stages.standardise(learned.moments, obs))

        return float(rollout.episodes(env, act, KEY, 200).reward.sum(axis=0).mean())

    # Where it stays, 20 steps cost 20 E|at - 0.5| = 20 (1.5^2 + 0.5^2) / 4 = 12.5. The best policy
    # needs 10 d steps for a distance d, which cost 5 d^2 on average, E d^2 = 7 / 12: about 3.
    assert mean_return(setup.learner.init(KEY)) == pytest.approx(-12.5, abs=1.5)
    assert mean_return(learned.core) > -6.0


@pytest.mark.slow
def test_a_new_task_begins_with_a_new_policy_and_the_old_model(env, learned):
    setup = stages.make_setup(CONFIG, env.spec)
    begin = jax.jit(lambda key: sequence.start_task(setup, env, key, learned))
    new = begin(jax.random.key(1))
    jax.tree.map(np.testing.assert_array_equal, new.model, learned.model)
    jax.tree.map(np.testing.assert_array_equal, new.moments, learned.moments)
    nothing = dataclasses.replace(CONFIG, policy_steps=1, sequence=Sequence(1, 1, 1))
    other = stages.make_setup(nothing, env.spec)
    core = sequence.start_task(other, env, jax.random.key(2), learned).core
    # One iteration of TRPO from a fresh standard deviation of 1 changes it little.
    np.testing.assert_allclose(jnp.exp(core.params["policy"]["log_std"]), 1.0, atol=0.4)
    assert float(jnp.exp(learned.core.params["policy"]["log_std"])[0]) < 0.9


def test_earlier_targets_differ_by_seed_and_cover_the_range(env):
    first, second = (sequence.earlier_targets(env, jax.random.key(k), 400) for k in (0, 1))
    assert not np.isin(first, second).any()
    # Kolmogorov and Smirnov: with 400 draws the distance is below 0.082 of 2 in 99% of all cases.
    assert np.abs(np.sort(first) - (2 * (np.arange(400) + 0.5) / 400 - 1)).max() < 0.164


def test_cost_and_warning(env):
    algo = slbo.make(CONFIG, env.spec, env)
    plain = slbo.make(dataclasses.replace(CONFIG, sequence=Sequence()), env.spec, env)
    stage = 3 * (60 + 4 * (1 + 15))
    assert algo.cost.env_steps == plain.cost.env_steps == 70
    assert (plain.cost * 1).grad_steps == stage
    assert (algo.cost * 0).grad_steps == 2 * (2 * stage + 8 * 4 * 16)
    (line,) = slbo.warnings(CONFIG, env.spec)
    assert "sequence.tasks=2: 280 real steps of earlier tasks" in line
    assert slbo.warnings(slbo.Config(), env.spec) == []
