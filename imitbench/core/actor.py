"""What acts in an environment: policies, policies with memory, and how they are combined."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.types import Actor, Algorithm, Decision, EnvState, Key, Policy


def from_policy(policy: Policy) -> Actor:
    """The actor that follows a memoryless policy.

    Args:
        policy: (key, obs [B, O]) -> action [B, A].
    """

    def act(key: Key, memory: tuple[()], state: EnvState) -> tuple[jax.Array, tuple[()]]:
        return policy(key, state.obs), memory

    return Actor(lambda key, state: (), act)


def as_actor(policy: Actor | Policy) -> Actor:
    """The actor itself, or the one that follows a memoryless policy."""
    return policy if isinstance(policy, Actor) else from_policy(policy)


def actor_of(algo: Algorithm, state: Any) -> Actor:
    """What acts for a method.

    Args:
        algo: the method.
        state: its state for one seed.
    """
    if algo.actor is not None:
        return algo.actor(state)
    return from_policy(lambda key, obs: algo.act(key, state, obs))


def noisy(actor: Actor | Policy, std: float, uniform: float = 0.0) -> Actor:
    """An actor whose executed actions are disturbed; it intends the undisturbed ones.

    Args:
        actor: with continuous actions.
        std: standard deviation of the Gaussian noise; the sum is clipped to [-1, 1].
        uniform: probability of an action drawn from the whole range instead.
    """
    own = as_actor(actor)

    def act(key: Key, memory: Any, state: EnvState) -> tuple[Decision, Any]:
        k_act, k_noise = jax.random.split(key)
        intended, memory = own.act(k_act, memory, state)
        assert not isinstance(intended, Decision), "an actor is disturbed once"
        noise = std * jax.random.normal(k_noise, intended.shape)
        action = jnp.clip(intended + noise, -1.0, 1.0)
        if uniform:
            k_coin, k_other = jax.random.split(jax.random.fold_in(key, 1))
            coin = jax.random.bernoulli(k_coin, uniform, (*action.shape[:-1], 1))
            other = jax.random.uniform(k_other, action.shape, minval=-1.0, maxval=1.0)
            action = jnp.where(coin, other, action)
        return Decision(action, intended), memory

    return Actor(own.start, act)


def without_intent(actor: Actor | Policy) -> Actor:
    """An actor that intends what it executes."""
    own = as_actor(actor)

    def act(key: Key, memory: Any, state: EnvState) -> tuple[jax.Array, Any]:
        action, memory = own.act(key, memory, state)
        return (action.action if isinstance(action, Decision) else action), memory

    return Actor(own.start, act)
