"""Categorical heads over equal bins of each component of the action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.heads.head import Head, cross_entropy, network, nothing
from imitbench.core.types import Key, Metrics, Params


def bin_of(action: jax.Array, count: int) -> jax.Array:
    """The bins [...] int32 of actions [...] in [-1, 1]; those outside are in the outermost ones."""
    return jnp.clip((action + 1.0) * 0.5 * count, 0, count - 1).astype(jnp.int32)


def draw_in_bin(key: Key, bins: jax.Array, count: int) -> jax.Array:
    """Actions [...] drawn uniformly from bins [...]."""
    inside = jax.random.uniform(key, bins.shape)
    return (bins + inside) * 2.0 / count - 1.0


def independent_bins(hidden: Sequence[int], seen: int, size: int, count: int) -> Head:
    """Each component of the action on its own: it cannot represent modes in which components go
    together, so it is the control of `autoregressive_bins`.

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
        count: B, bins of each component.
    """
    net = network(hidden, size * count, seen)

    def logits(params: Params, obs: jax.Array) -> jax.Array:
        out = net(params, obs)
        return out.reshape(*out.shape[:-1], size, count)

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        return cross_entropy(logits(params, obs), bin_of(action, count)), {}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        k_bin, k_inside = jax.random.split(key)
        return draw_in_bin(k_inside, jax.random.categorical(k_bin, logits(params, obs)), count)

    return Head(net.init, nothing, loss, sample, 1)


def autoregressive_bins(hidden: Sequence[int], seen: int, size: int, count: int) -> Head:
    """The components of the action one after the other, each by what came before.

    One network gets the components so far (0 for later ones) and which one comes next.

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
        count: B, bins of each component.
    """
    net = network(hidden, count, seen, size, size)
    number = jnp.eye(size)  # which component comes next
    before = jnp.tril(jnp.ones((size, size)), -1)  # row i: the components before i

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        lead = (*action.shape[:-1], size)  # a pass for each component
        seen_so_far = action[..., None, :] * before
        wide = jnp.broadcast_to(obs[..., None, :], (*lead, seen))
        logits = net(params, wide, seen_so_far, jnp.broadcast_to(number, (*lead, size)))
        return cross_entropy(logits, bin_of(action, count)), {}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        def draw_next(so_far: jax.Array, step: tuple[Key, jax.Array]) -> tuple[jax.Array, None]:
            key, which = step
            k_bin, k_inside = jax.random.split(key)
            logits = net(params, obs, so_far, jnp.broadcast_to(which, so_far.shape))
            drawn = draw_in_bin(k_inside, jax.random.categorical(k_bin, logits), count)
            return so_far + drawn[..., None] * which, None

        start = jnp.zeros((*obs.shape[:-1], size))
        steps = (jax.random.split(key, size), number)
        return jax.lax.scan(draw_next, start, steps)[0]

    return Head(net.init, nothing, loss, sample, size)
