"""Programs of every task compile with the optimisations that training has, and that the run without
the slow tests leaves out."""

from __future__ import annotations

import jax
import pytest

from imitbench import envs
from imitbench.core import rollout
from imitbench.core.types import Key, Transition
from imitbench.data.sources.grades import zero_policy

SEEDS, EPISODES = 3, 4  # different, so that axes that change places do not fit


@pytest.mark.slow
@pytest.mark.parametrize("name", envs.TASKS)
def test_episodes_of_several_seeds_compile(name):
    env = rollout.evaluation_env(envs.make(name))
    policy = zero_policy(env.spec)

    def play(key: Key) -> Transition:
        return rollout.episodes(env, policy, key, EPISODES)

    keys = jax.random.split(jax.random.key(0), SEEDS)
    assert not jax.config.values["jax_disable_most_optimizations"]
    assert jax.jit(jax.vmap(play)).lower(keys).compile() is not None
