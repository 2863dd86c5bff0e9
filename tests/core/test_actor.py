"""Actors with memory: where it starts, what carries it, and that nothing else changes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.recurrent import Config, counter, make

from imitbench import data, envs, experts
from imitbench.core import ops, rollout, unrolling
from imitbench.core.actor import actor_of, as_actor, from_policy, noisy, without_intent
from imitbench.core.types import Actor, Algorithm, Cost, Decision, EnvState, Key
from imitbench.training import loop

KEY = jax.random.key(0)
TASK = "ProbeWalk"  # ten steps, continuous actions


def expected(obs: np.ndarray) -> np.ndarray:
    """The counter's actions [T, B, A] in whole episodes with observations [T, B, O]."""
    count = np.arange(len(obs))[:, None, None]
    return 0.1 * obs[:1] + 0.05 * count


@pytest.mark.parametrize("num", [1, 3])
def test_memory_starts_with_the_episode_and_is_carried(num):
    env = envs.make(TASK)
    steps = rollout.episodes(env, counter(), KEY, num)
    np.testing.assert_allclose(steps.action, expected(np.asarray(steps.obs)), rtol=1e-6)
    np.testing.assert_array_equal(steps.intended_action, steps.action)


def test_memory_starts_anew_where_an_episode_follows_another():
    """Episodes of different ages, so that some end where others go on."""
    env, actor = envs.make(TASK), counter()
    running = unrolling.start_episodes(env, KEY, 3, actor=actor)
    running = running.replace(t=jnp.array([0, 4, 7], jnp.int32))
    _, steps, t = unrolling.unroll(env, actor, KEY, running, 25)
    first = np.array(steps.obs[0])
    counts = np.zeros(3)
    for i in range(25):
        new = np.asarray(t[i] == 0) & (i > 0)
        first[new], counts[new] = np.asarray(steps.obs[i])[new], 0
        wanted = 0.1 * first + 0.05 * counts[:, None]
        np.testing.assert_allclose(steps.intended_action[i], wanted, rtol=1e-5, atol=1e-7)
        counts += 1
    assert int((np.asarray(t) == 0).sum()) == 3 + 2 + 3


def test_a_rollout_in_two_parts_equals_one_that_goes_on():
    env, actor = envs.make(TASK), counter()
    running = unrolling.start_episodes(env, KEY, 2, actor=actor)
    keys = jax.random.split(KEY, 2)
    middle, first, _ = unrolling.unroll(env, actor, keys[0], running, 7)
    end, second, _ = unrolling.unroll(env, actor, keys[1], middle, 7)
    copy = jax.tree.map(lambda x: jnp.array(np.asarray(x)), middle)  # as from a checkpoint
    again, third, _ = unrolling.unroll(env, actor, keys[1], copy, 7)
    jax.tree.map(np.testing.assert_array_equal, (second, end), (third, again))
    assert not np.array_equal(first.action, second.action)


def recurrent() -> Algorithm:
    return make(Config(), envs.make(TASK).spec)


OPTIONS: dict[str, Any] = {"num_updates": 4, "num_evals": 4, "eval_episodes": 3}


@pytest.mark.parametrize("seeds_by", ["threads", "vmap"])
def test_training_evaluates_by_the_actor_and_resumes_to_the_same_bits(seeds_by):
    env = envs.make(TASK)
    demos = data.subset(data.collect(env, experts.load(TASK), 4, only_success=False), 2, [0, 1])
    keys = jnp.stack([jax.random.key(s) for s in (0, 1)])
    seen: list[Any] = []
    common = {"env": env, "seeds_by": seeds_by} | OPTIONS
    state, ev = loop.train(
        recurrent(), demos, keys, on_eval=lambda s, e: seen.append((s, e)), **common
    )
    resumed, ev2 = loop.train(recurrent(), demos, keys, resume=seen[1], **common)
    jax.tree.map(np.testing.assert_array_equal, state, resumed)
    jax.tree.map(np.testing.assert_array_equal, ev._replace(seconds={}), ev2._replace(seconds={}))
    # Each seed is evaluated with its own parameters, on its own initial states.
    for s in range(2):
        actor, key = counter(state.algo[s]), ops.fold_in_name(keys[s], "evaluate")
        own = rollout.summarise(rollout.episodes(env, actor, key, 3))
        np.testing.assert_allclose(ev.episodes["return"][s], own["return"], rtol=1e-5)
    assert ev.returns[0, -1] != ev.returns[1, -1]


def test_seeds_under_vmap_have_memories_of_their_own():
    env = envs.make(TASK)
    scales = jnp.array([0.5, 2.0])
    steps = jax.vmap(lambda s: rollout.episodes(env, counter(s), KEY, 2))(scales)
    for i in range(2):
        alone = rollout.episodes(env, counter(scales[i]), KEY, 2)
        np.testing.assert_allclose(steps.action[i], alone.action, rtol=1e-6)


def test_a_policy_is_an_actor_without_memory():
    env, policy = envs.make(TASK), experts.load(TASK)
    own = from_policy(policy)
    assert as_actor(own) is own
    a, b = (rollout.episodes(env, x, KEY, 2) for x in (policy, own))
    jax.tree.map(np.testing.assert_array_equal, a, b)
    algo = Algorithm(lambda k, d: 0, lambda k, s, d: (s, {}), lambda k, s, o: s + o, Cost())
    action, memory = actor_of(algo, 1.0).act(KEY, (), env.reset(KEY))
    np.testing.assert_allclose(action, 1.0 + env.reset(KEY).obs)
    assert memory == ()


def test_noise_is_executed_and_not_meant_also_where_the_actor_remembers():
    env = envs.make(TASK)
    steps = rollout.episodes(env, noisy(counter(), 0.3), KEY, 50)
    np.testing.assert_allclose(steps.intended_action, expected(np.asarray(steps.obs)), rtol=1e-5)
    off = np.asarray(steps.action - steps.intended_action)
    assert 0.25 < off.std() < 0.35
    plain = rollout.episodes(env, without_intent(noisy(counter(), 0.3)), KEY, 50)
    np.testing.assert_array_equal(plain.intended_action, plain.action)
    np.testing.assert_array_equal(plain.action, steps.action)


def test_a_decision_that_is_not_finite_is_executed_as_nothing():
    def act(key: Key, memory: Any, state: EnvState) -> tuple[Decision, Any]:
        zero = jnp.zeros((state.obs.shape[0], 2))
        return Decision(zero + jnp.nan, zero + 0.5), memory

    steps = rollout.episodes(envs.make(TASK), Actor(lambda k, s: (), act), KEY, 1)
    assert not steps.action.any() and (np.asarray(steps.intended_action) == 0.5).all()


def test_records_are_of_the_first_state_and_of_each_later_one():
    env = envs.make(TASK)
    steps, records = rollout.recorded_episodes(env, counter(), KEY, 2, lambda s: 2 * s.obs)
    assert records.shape == (env.spec.horizon + 1, 2, 2)
    np.testing.assert_array_equal(records[:-1], 2 * steps.obs)
    np.testing.assert_array_equal(records[1:], 2 * steps.next_obs)
