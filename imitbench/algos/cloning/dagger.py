"""DAgger: run the policy, let the expert label the states that it visits, and clone all of them.

Source: Ross, Gordon and Bagnell 2011 (arXiv:1011.0686), Algorithm 3.1.

Different from the source: the clone learns from demonstrations before the first round, and they are
the first part of the aggregate; each round continues with the parameters of the last one instead of
training new ones.

Use it when the expert can be asked for its action in any state, and BC fails in states that the
demonstrations do not visit.

Sensitive to: `episodes` and `rounds` (the expert's labels), `fits` with `clone.steps` (the gradient
steps of a round), how many updates follow the last round, and `beta`.
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
    Traits,
    Transition,
)
from imitbench.utils.errors import UserError

TRAITS = Traits(version=2, sees_images=True)


@dataclass(frozen=True)
class Config(aggregation.Config):
    """Settings of DAgger."""

    beta: Literal["zero", "indicator", "linear", "exponential"] = "zero"
    """Probability of the expert's action in each step of round i = 0, 1, ... zero: the clone plays
    from the first round on. indicator: 1 in the first round, then 0. linear:
    max(0, 1 - i / beta_rounds). exponential: beta_base ** i."""
    beta_rounds: int = 10
    """Rounds after which a linear beta is 0."""
    beta_base: float = 0.5
    """Base of an exponential beta, in [0, 1]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.beta_rounds >= 1, self, "beta_rounds", "1 or more")
        require_share(self, "beta_base")


def beta(config: Config, round: jax.Array) -> jax.Array:
    """Probability [] of the expert's action in round 0, 1, ...: beta_i of Algorithm 3.1."""
    i = round.astype(jnp.float32)
    if config.beta == "zero":
        return jnp.float32(0.0)
    if config.beta == "indicator":
        return jnp.where(i == 0, 1.0, 0.0)
    if config.beta == "linear":
        return jnp.maximum(0.0, 1.0 - i / config.beta_rounds)
    return jnp.asarray(config.beta_base) ** i


def mixture(prob: jax.Array, expert: Actor, learner: Actor) -> Actor:
    """The policy pi_i of Algorithm 3.1, which mixes the expert and the learner step by step.

    Args:
        prob: [] probability of executing the expert's action, drawn in each step and for each
            episode by itself.
        expert: the actor whose actions are the intended ones.
        learner: the other actor.

    Returns:
        An actor that executes one of the two actions and intends the expert's.
    """

    def start(key: Key, state: EnvState) -> tuple[Any, Any]:
        k_expert, k_learner = jax.random.split(key)
        return expert.start(k_expert, state), learner.start(k_learner, state)

    def act(key: Key, memory: tuple[Any, Any], state: EnvState) -> tuple[Decision, Any]:
        k_coin, k_expert, k_learner = jax.random.split(key, 3)
        expert_action, expert_memory = expert.act(k_expert, memory[0], state)
        learner_action, learner_memory = learner.act(k_learner, memory[1], state)
        coin = jax.random.bernoulli(k_coin, prob, expert_action.shape[:1])
        coin = coin.reshape(coin.shape + (1,) * (expert_action.ndim - 1))
        action = jnp.where(coin, expert_action, learner_action)
        return Decision(action, expert_action), (expert_memory, learner_memory)

    return Actor(start, act)


def make(config: Config, spec: Spec, env: Env, expert: Actor | Policy) -> Algorithm:
    """DAgger; one update is one round. State: `aggregation.State`, whose memory is the number of
    the round."""
    demonstrator = as_actor(expert)

    if config.clone.memory.past_actions and config.beta != "zero":
        raise UserError(
            f"beta={config.beta}: expected zero beside clone.memory.past_actions, because the "
            "clone remembers its own actions, not the expert's"
        )

    def collect(
        key: Key, learner: bc.SupervisedLearner, clone: bc.State, round: jax.Array
    ) -> tuple[Transition, jax.Array, Metrics]:
        actor = mixture(beta(config, round), demonstrator, learner.actor(clone))
        return rollout.episodes(env, actor, key, config.episodes), round + 1, {}

    return aggregation.make(config, spec, collect, lambda *_: jnp.int32(0), remembers=True)
