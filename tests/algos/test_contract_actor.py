"""The contract of methods that act by an actor, with memory or without.

That training and its evaluations resume to the same bits is tested in `test_contract`, for all
methods.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.contract import (
    METHODS_WITH_ACTOR,
    TASK,
    WITH_MEMORY,
    equal,
    has_memory,
    initial_states,
    methods_with_memory,
    one,
    with_fixed_key,
)

from imitbench import data, envs, experts
from imitbench.core import unrolling
from imitbench.core.rollout import select, split_decision
from imitbench.core.types import Actor, Env
from imitbench.training import checkpoint, loop

assert methods_with_memory  # a fixture
pytestmark = [
    pytest.mark.parametrize("method", METHODS_WITH_ACTOR),
    pytest.mark.usefixtures("methods_with_memory"),
]
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def env() -> Env:
    return envs.make(TASK)


@pytest.fixture(scope="module")
def demos(env: Env) -> data.Demos:
    return data.collect(env, experts.load(TASK), 12, seed=3, only_success=False)


@pytest.fixture
def actor(method, small, demos, env) -> Actor:
    """The actor of the untrained method."""
    algo = small(method, TASK)
    state = algo.init(KEY, one(data.subset(demos, 6, [0])))
    assert has_memory(algo, state, env) or method not in WITH_MEMORY
    return algo.actor(state)


def shapes(tree: Any) -> Any:
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)


@pytest.mark.slow
@pytest.mark.parametrize("num", [1, 4])
def test_any_number_of_parallel_episodes(method, actor, env, num):
    states = initial_states(env, KEY, num)
    memory = actor.start(KEY, states)
    assert all(x.shape[0] == num for x in jax.tree.leaves(memory))
    for i in range(2):
        decision, new = actor.act(jax.random.key(i), memory, states)
        for action in split_decision(decision):
            assert action.shape == (num, 2) and np.all(np.abs(action) <= 1)
        assert shapes(new) == shapes(memory)
        memory = new


def test_episodes_do_not_influence_each_other(method, actor, env):
    """An episode alone is the same as beside others, for actors that draw no random numbers."""
    states = initial_states(env, KEY, 4)

    def two_steps(states: Any, key: Any) -> Any:
        memory = actor.start(key, states)
        _, memory = actor.act(key, memory, states)
        return split_decision(actor.act(key, memory, states)[0])[0]

    together = two_steps(states, KEY)
    if not np.array_equal(together, two_steps(states, jax.random.key(1))):
        pytest.skip("draws random numbers")
    for b in range(4):
        alone = two_steps(jax.tree.map(lambda x, b=b: x[b : b + 1], states), KEY)
        np.testing.assert_allclose(alone[0], together[b], rtol=1e-6)


def test_memory_restarts_where_an_episode_begins(method, actor, env):
    """Episodes of different ages, so that some end where others go on. The memory that is carried
    here restarts where `t` is 0; the actions are those that the rollout executed."""
    actor = with_fixed_key(actor)
    running = unrolling.start_episodes(env, KEY, 3, actor=actor)
    running = running.replace(t=jnp.array([0, 2, env.spec.horizon - 2], jnp.int32))
    memory = actor.start(KEY, running.env)
    unroll = jax.jit(lambda key, running: unrolling.unroll(env, actor, key, running, 1))
    act, start, restarts = jax.jit(actor.act), jax.jit(actor.start), 0
    for i in range(2 * env.spec.horizon):
        begins = (running.t == 0) & (i > 0)
        memory = select(begins, start(KEY, running.env), memory)
        restarts += int(begins.sum())
        decision, memory = act(KEY, memory, running.env)
        running, steps, _ = unroll(jax.random.key(i), running)
        expected = split_decision(decision)[1]
        np.testing.assert_allclose(steps.intended_action[0], expected, rtol=1e-5, atol=1e-6)
    assert restarts >= 3


def test_an_interrupted_rollout_resumes_to_the_same_bits(method, actor, env, tmp_path):
    running = unrolling.start_episodes(env, KEY, 2, actor=actor)
    unroll = jax.jit(lambda key, running: unrolling.unroll(env, actor, key, running, 7))
    middle, _, _ = unroll(jax.random.key(1), running)
    state = loop.TrainState(middle, jnp.int32(1), jnp.zeros(1, bool))
    evaluations: Any = dict.fromkeys(loop.Eval._fields)
    checkpoints = checkpoint.Checkpoints(tmp_path)
    checkpoints.save(state, loop.Eval(**evaluations))
    restored = checkpoints.restore(jax.eval_shape(lambda: state))
    checkpoints.close()
    assert restored is not None
    resumed = restored[0].algo
    equal(unroll(jax.random.key(2), middle), unroll(jax.random.key(2), resumed))
