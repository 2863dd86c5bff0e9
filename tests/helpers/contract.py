"""Shared code of the contract tests: the methods, some with memory among them, and comparisons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from helpers import recurrent
from helpers.small_configs import shrink

from imitbench import algos, envs, experts
from imitbench.algos.cloning import bc, dagger
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.core import heads
from imitbench.core.types import Actor, Algorithm, Env, EnvState, Key, Traits, Transition

TASK = "ProbeGoal"  # goals, several steps, continuous actions, and no host callback
RECURRENT = "recurrent"  # the toy method of `helpers.recurrent`
GRU, AVERAGES, SAMPLES = "bc-gru", "dagger-averages", "bc-samples"  # settings of bc and dagger


@dataclass(frozen=True)
class GRUConfig(bc.Config):
    """A recurrent clone that sees its actions and executes chunks."""

    memory: memory_config.Config = field(
        default_factory=lambda: memory_config.Config(
            history=3, past_actions=True, encoder="gru", width=8, chunk=3, execute=2
        )
    )


@dataclass(frozen=True)
class AveragesConfig(dagger.Config):
    """DAgger whose clone sees two observations and averages its predictions."""

    clone: bc.Config = field(
        default_factory=lambda: bc.Config(
            memory=memory_config.Config(history=2, chunk=3, ensemble=0.1, past_targets=1)
        )
    )


@dataclass(frozen=True)
class SamplesConfig(bc.Config):
    """A clone that sees observations and their differences by a transformer, draws chunks by
    k-means, and has mean parameters."""

    head: heads.Config = field(default_factory=lambda: heads.Config("kmeans", centres=2))
    ema: float = 0.5
    memory: memory_config.Config = field(
        default_factory=lambda: memory_config.Config(
            history=2, differences=True, encoder="transformer", width=8, layers=1, heads=2, chunk=2
        )
    )


WITH_MEMORY = {
    RECURRENT: (recurrent.Config, recurrent.make, Traits()),
    GRU: (GRUConfig, bc.make, bc.TRAITS),
    AVERAGES: (AveragesConfig, dagger.make, dagger.TRAITS),
    SAMPLES: (SamplesConfig, bc.make, bc.TRAITS),
}

# These have the code of another method, with other settings.
SETTINGS_OF_OTHERS = (
    "ddpg",
    "td3_bc",
    "offline_td3",
    "offline_ddpg",
    "rwr",
    "offline_rwr",
    "vins_true",
    "gail_trpo",
    "dac_sac",
    "gcbc",
    "offline_gcsl",
    "random_actions",
    "ls_iq",
    "offline_iq",
    "demodice",
    "ccil_true",
)


def _acts_by_an_actor(method: str) -> bool:
    env, config = envs.make(TASK), shrink(algos.ALGOS[method].Config())
    return algos.build(method, config, env.spec, env, experts.load(TASK)).actor is not None


def _parameters(methods: Iterable[str]) -> list[Any]:
    """Parameters of pytest: the methods, slow ones marked, and those with a memory."""
    slow = {m: pytest.mark.slow if m in SETTINGS_OF_OTHERS else () for m in methods}
    return [*(pytest.param(m, marks=mark) for m, mark in slow.items()), *WITH_MEMORY]


METHODS = _parameters(algos.ALGOS)
METHODS_WITH_ACTOR = _parameters(filter(_acts_by_an_actor, algos.ALGOS))


@pytest.fixture
def methods_with_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The methods with a memory are among the methods."""
    for name, (config, make, traits) in WITH_MEMORY.items():
        module = SimpleNamespace(Config=config, make=make, __doc__="Remembers.", TRAITS=traits)
        monkeypatch.setitem(algos.ALGOS, name, module)


def equal(a: Any, b: Any) -> None:
    """Every leaf is equal, bit for bit."""
    jax.tree.map(np.testing.assert_array_equal, a, b)


def one(rows: Transition) -> Transition:
    """The demonstrations of the first seed."""
    return jax.tree.map(lambda x: x[0], rows)


def initial_states(env: Env, key: Key, num: int) -> EnvState:
    """States [num, ...] in which episodes begin."""
    return jax.vmap(env.reset)(jax.random.split(key, num))


def has_memory(algo: Algorithm, state: Any, env: Env) -> bool:
    """Whether the method's actor remembers anything."""
    if algo.actor is None:
        return False
    key, actor = jax.random.key(0), algo.actor(state)
    memory = jax.eval_shape(actor.start, key, initial_states(env, key, 1))
    return bool(jax.tree.leaves(memory))


def with_fixed_key(actor: Actor) -> Actor:
    """The same actor, whose random numbers are the same in every call."""
    key = jax.random.key(5)
    return Actor(
        lambda _, state: actor.start(key, state),
        lambda _, memory, state: actor.act(key, memory, state),
    )
