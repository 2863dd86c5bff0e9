"""DAgger: clone, run the clone, let the expert label where it went, and clone all of it again.

Source: Ross, Gordon, Bagnell 2011 (arXiv:1011.0686), algorithm 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos import bc
from imitbench.core import buffer, rollout
from imitbench.core.types import (
    Algorithm,
    Cost,
    Env,
    Key,
    Metrics,
    Policy,
    Spec,
    Transition,
    UserError,
    require,
    require_share,
)


@dataclass(frozen=True)
class Config:
    """Settings of DAgger."""

    clone: bc.Config = field(default_factory=bc.Config)
    """The supervised learner."""
    beta: Literal["indicator", "linear", "exponential"] = "indicator"
    """Probability of the expert's action at each step of round i = 0, 1, ...: indicator 1 then 0;
    linear max(0, 1 - i / beta_rounds); exponential beta_base ** i."""
    beta_rounds: int = 10
    """Rounds until a linear beta is 0."""
    beta_base: float = 0.5
    """Base of an exponential beta."""
    episodes: int = 2
    """Episodes collected and labelled in a round."""
    fits: int = 10
    """Updates of the clone in a round: fits * clone.steps gradient steps."""
    capacity: int = 20_000
    """Rows of the aggregate, demonstrations included; beyond it the oldest make room."""

    def __post_init__(self) -> None:
        for name in ("beta_rounds", "episodes", "fits", "capacity"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require_share(self, "beta_base")


class State(struct.PyTreeNode):
    clone: bc.State
    data: buffer.Ring  # of bc.Pairs: the demonstrations, then the rounds
    round: jax.Array  # [] int32


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
    """DAgger; one update is one round: collect, label, clone. State: `State`."""
    clone = bc.learner(config.clone, spec)
    rows_per_round = config.episodes * spec.horizon

    def init(key: Key, demos: Transition) -> State:
        pairs, _ = bc.split(config.clone, spec, demos)
        needed = max(pairs.weight.shape[0], rows_per_round)
        if config.capacity < needed:
            raise UserError(f"capacity={config.capacity}: a round or the demos need {needed} rows")
        data = buffer.append(buffer.ring(pairs, config.capacity), pairs)
        return State(clone.init(key, pairs), data, jnp.int32(0))

    def collect(key: Key, state: State) -> bc.Pairs:
        """A round's episodes, labelled by the expert, whoever acted."""

        def learner(key: Key, obs: jax.Array) -> jax.Array:
            return clone.act(key, state.clone, obs)

        actor = mixture(beta(config, state.round), expert, learner)
        steps = rollout.rows(rollout.episodes(env, actor, key, config.episodes, label=expert))
        return bc.Pairs(steps.obs, steps.label, steps.weight)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_collect, k_fit = jax.random.split(key)
        data = buffer.append(state.data, collect(k_collect, state))

        def fit(inner: bc.State, key: Key) -> tuple[bc.State, Any]:
            return clone.fit(key, inner, data.rows)

        inner, metrics = jax.lax.scan(fit, state.clone, jax.random.split(k_fit, config.fits))
        inner, more = clone.validate(inner, bc.split(config.clone, spec, demos)[1])
        new = State(inner, data, state.round + 1)
        return new, jax.tree.map(jnp.mean, metrics) | more | {"rows": data.size.astype(jnp.float32)}

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return clone.act(key, state.clone, obs)

    cost = Cost(
        env_steps=rows_per_round,
        expert_queries=rows_per_round,
        grad_steps=config.fits * config.clone.steps,
    )
    return Algorithm(init, update, act, cost)
