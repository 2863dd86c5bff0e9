"""Actors: policies with and without memory, and combinations of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import jax
import jax.numpy as jnp

from imitbench.core import ops
from imitbench.core.types import Actor, Algorithm, Decision, EnvState, Key, Policy
from imitbench.utils.errors import UserError


def from_policy(policy: Policy) -> Actor:
    """Builds the actor that follows a memoryless policy.

    Args:
        policy: (key, obs [B, O]) -> action [B, A].

    Returns:
        An actor whose memory is ().
    """

    def act(key: Key, memory: tuple[()], state: EnvState) -> tuple[jax.Array, tuple[()]]:
        return policy(key, state.obs), memory

    return Actor(lambda key, state: (), act)


def as_actor(policy: Actor | Policy) -> Actor:
    """Returns an actor unchanged, and the actor of a memoryless policy.

    Args:
        policy: an actor, or a policy (key, obs [B, O]) -> action [B, A].
    """
    return policy if isinstance(policy, Actor) else from_policy(policy)


def actor_of(algo: Algorithm, state: Any) -> Actor:
    """Returns the actor of a method in a given training state.

    Args:
        algo: the method.
        state: its state for one seed.

    Returns:
        The method's own actor where it defines one, else the actor of `algo.act`.
    """
    if algo.actor is not None:
        return algo.actor(state)
    return from_policy(lambda key, obs: algo.act(key, state, obs))


def noisy(actor: Actor | Policy, std: float, uniform: float = 0.0) -> Actor:
    """Builds an actor whose executed actions are disturbed; it intends the undisturbed ones.

    Args:
        actor: an actor or a policy with continuous actions in [-1, 1], not disturbed already.
        std: standard deviation of the Gaussian noise on each component; the sum is clipped to
            [-1, 1].
        uniform: probability, in each step, of an action drawn uniformly from [-1, 1]^A instead.

    Returns:
        An actor that returns a `Decision`.
    """
    undisturbed = as_actor(actor)

    def act(key: Key, memory: Any, state: EnvState) -> tuple[Decision, Any]:
        k_act, k_noise = jax.random.split(key)
        intended, memory = undisturbed.act(k_act, memory, state)
        assert not isinstance(intended, Decision), "an actor cannot be disturbed twice"
        noise = std * jax.random.normal(k_noise, intended.shape)
        action = jnp.clip(intended + noise, -1.0, 1.0)
        if uniform:
            k_coin, k_uniform = jax.random.split(jax.random.fold_in(key, 1))
            coin = jax.random.bernoulli(k_coin, uniform, (*action.shape[:-1], 1))
            uniform_action = jax.random.uniform(k_uniform, action.shape, minval=-1.0, maxval=1.0)
            action = jnp.where(coin, uniform_action, action)
        return Decision(action, intended), memory

    return Actor(undisturbed.start, act)


def with_noisy_observations(actor: Actor | Policy, std: jax.Array) -> Actor:
    """Builds an actor that sees observations with Gaussian noise.

    Args:
        actor: an actor or a policy. What it uses of the state besides the observation has no noise.
        std: [O] standard deviation of the noise on each component, drawn anew in each step.

    Returns:
        An actor whose own random numbers have nothing to do with the noise.
    """
    source = as_actor(actor)

    def seen(key: Key, state: EnvState) -> EnvState:
        noise = jax.random.normal(jax.random.fold_in(key, 1), state.obs.shape)
        return state.replace(obs=state.obs + std * noise)

    def act(key: Key, memory: Any, state: EnvState) -> tuple[Any, Any]:
        return source.act(ops.fold_in_name(key, "policy"), memory, seen(key, state))

    def start(key: Key, state: EnvState) -> Any:
        return source.start(ops.fold_in_name(key, "policy"), seen(key, state))

    return Actor(start, act)


def with_intent(actor: Actor | Policy) -> Actor:
    """Builds an actor that executes the same actions, and whose intended actions stay as they are
    where a rollout executes 0 in place of a number that is not finite.

    Args:
        actor: an actor or a policy, disturbed or not.

    Returns:
        An actor that returns a `Decision`.
    """
    source = as_actor(actor)

    def act(key: Key, memory: Any, state: EnvState) -> tuple[Decision, Any]:
        action, memory = source.act(key, memory, state)
        return action if isinstance(action, Decision) else Decision(action, action), memory

    return Actor(source.start, act)


def without_intent(actor: Actor | Policy) -> Actor:
    """Builds an actor that executes the same actions and intends what it executes.

    Args:
        actor: an actor or a policy, disturbed or not.

    Returns:
        An actor that returns plain actions, never a `Decision`.
    """
    source = as_actor(actor)

    def act(key: Key, memory: Any, state: EnvState) -> tuple[jax.Array, Any]:
        action, memory = source.act(key, memory, state)
        return (action.action if isinstance(action, Decision) else action), memory

    return Actor(source.start, act)


class ObservationActor(NamedTuple):
    """An actor outside of an environment: it sees observations alone.

    start(key, obs [B, O]) -> memory, a pytree with leaves [B, ...], () for a memoryless actor.

    act(key, memory, obs [B, O]) -> (action, memory). The action [B, A] lies in [-1, 1]; a choice is
    an integer [B].
    """

    start: Callable[[Key, jax.Array], Any]
    act: Callable[[Key, Any, jax.Array], tuple[jax.Array, Any]]


@jax.tree_util.register_pytree_node_class
class _HiddenState:
    """Stands where the state of the physics would be."""

    def tree_flatten(self) -> tuple[tuple[()], None]:
        return (), None

    @classmethod
    def tree_unflatten(cls, _: None, leaves: tuple[()]) -> _HiddenState:
        return cls()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._refuse()

    def __iter__(self) -> Any:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UserError(
            "this policy looks at the physics behind an observation, so it acts in imitbench's own "
            "environment alone: use imitbench.evaluate, or `imitbench evaluate`"
        )


def on_observations(actor: Actor, discrete: bool) -> ObservationActor:
    """Builds an actor that needs no environment.

    Args:
        actor: the actor of a trained policy.
        discrete: whether its actions are choices.

    Returns:
        The same actor. When it is called or traced it raises a `UserError` if it looks at more than
        the observation.
    """

    def state_of(obs: jax.Array) -> EnvState:
        zeros = jnp.zeros(obs.shape[0])
        return EnvState(_HiddenState(), obs, zeros, zeros)

    def start(key: Key, obs: jax.Array) -> Any:
        return actor.start(key, state_of(obs))

    def act(key: Key, memory: Any, obs: jax.Array) -> tuple[jax.Array, Any]:
        action, memory = actor.act(key, memory, state_of(obs))
        action = action.action if isinstance(action, Decision) else action
        return (action if discrete else jnp.clip(action, -1.0, 1.0)), memory

    return ObservationActor(start, act)
