"""DAgger: clone, run the clone, let the expert label where it went, and clone all of it again.

Source: Ross, Gordon, Bagnell 2011 (arXiv:1011.0686), algorithm 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from imitbench.algos.cloning import aggregation, bc
from imitbench.core import rollout
from imitbench.core.actor import as_actor
from imitbench.core.config import require, require_share
from imitbench.core.types import (
    Actor,
    Algorithm,
    Decision,
    Env,
    EnvState,
    Key,
    Metrics,
    Policy,
    Spec,
)


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


def mixture(prob: jax.Array, expert: Actor, learner: Actor) -> Actor:
    """Executes the expert's action with probability `prob`, else the learner's; intends the
    expert's. The choice is drawn at each step and for each episode apart."""

    def start(key: Key, state: EnvState) -> tuple[Any, Any]:
        k_expert, k_learner = jax.random.split(key)
        return expert.start(k_expert, state), learner.start(k_learner, state)

    def act(key: Key, memory: tuple[Any, Any], state: EnvState) -> tuple[Decision, Any]:
        k_coin, k_expert, k_learner = jax.random.split(key, 3)
        a, of_expert = expert.act(k_expert, memory[0], state)
        b, of_learner = learner.act(k_learner, memory[1], state)
        coin = jax.random.bernoulli(k_coin, prob, a.shape[:1])
        action = jnp.where(coin.reshape(coin.shape + (1,) * (a.ndim - 1)), a, b)
        return Decision(action, a), (of_expert, of_learner)

    return Actor(start, act)


def make(config: Config, spec: Spec, env: Env, expert: Actor | Policy) -> Algorithm:
    """DAgger; one update is one round: collect, ask the expert, clone. State: `aggregation.State`,
    whose memory is the round's number."""
    demonstrator = as_actor(expert)

    def collect(key: Key, learner: Policy, round: jax.Array) -> tuple[bc.Pairs, jax.Array, Metrics]:
        """A round's episodes with the expert's actions, whoever acted."""
        actor = mixture(beta(config, round), demonstrator, as_actor(learner))
        steps = rollout.flatten(rollout.episodes(env, actor, key, config.episodes))
        return bc.Pairs(steps.obs, steps.intended_action, steps.weight), round + 1, {}

    return aggregation.make(config, spec, collect, jnp.int32(0))
