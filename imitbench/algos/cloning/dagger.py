"""DAgger: clone, run the clone, let the expert label where it went, and clone all of it again.

Source: Ross, Gordon, Bagnell 2011 (arXiv:1011.0686), algorithm 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp

from imitbench.algos.cloning import aggregation, bc
from imitbench.core import rollout
from imitbench.core.config import require, require_share
from imitbench.core.types import Algorithm, Env, Key, Metrics, Policy, Spec


@dataclass(frozen=True)
class Config(aggregation.Config):
    """Settings of DAgger."""

    beta: Literal["indicator", "linear", "exponential"] = "indicator"
    """Probability of the expert's action at each step of round i = 0, 1, ...: indicator 1 then 0;
    linear max(0, 1 - i / beta_rounds); exponential beta_base ** i."""
    beta_rounds: int = 10
    """Rounds until a linear beta is 0."""
    beta_base: float = 0.5
    """Base of an exponential beta."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.beta_rounds >= 1, self, "beta_rounds", "1 or more")
        require_share(self, "beta_base")


def beta(config: Config, round: jax.Array) -> jax.Array:
    """Probability of the expert's action in a round (0, 1, ...)."""
    i = round.astype(jnp.float32)
    if config.beta == "indicator":
        return jnp.where(i == 0, 1.0, 0.0)
    if config.beta == "linear":
        return jnp.maximum(0.0, 1.0 - i / config.beta_rounds)
    return jnp.asarray(config.beta_base) ** i


def mixture(prob: jax.Array, first: Policy, second: Policy) -> Policy:
    """At each step and for each episode apart: `first` with probability `prob`, else `second`."""

    def act(key: Key, obs: jax.Array) -> jax.Array:
        k_coin, k_first, k_second = jax.random.split(key, 3)
        a, b = first(k_first, obs), second(k_second, obs)
        coin = jax.random.bernoulli(k_coin, prob, obs.shape[:-1])
        return jnp.where(coin.reshape(coin.shape + (1,) * (a.ndim - coin.ndim)), a, b)

    return act


def make(config: Config, spec: Spec, env: Env, expert: Policy) -> Algorithm:
    """DAgger; one update is one round: collect, label, clone. State: `_aggregate.State`, whose
    memory is the round's number."""

    def collect(key: Key, learner: Policy, round: jax.Array) -> tuple[bc.Pairs, jax.Array, Metrics]:
        """A round's episodes, labelled by the expert, whoever acted."""
        actor = mixture(beta(config, round), expert, learner)
        steps = rollout.rows(rollout.episodes(env, actor, key, config.episodes, label=expert))
        return bc.Pairs(steps.obs, steps.label, steps.weight), round + 1, {}

    return aggregation.make(config, spec, collect, jnp.int32(0))
