"""The head of the Behavior Transformer: a cluster of actions, and the offset from its centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.heads.head import Head, network
from imitbench.core.types import Key, Metrics, Params

ITERATIONS = 50  # of Lloyd's algorithm
FOCUS = 2.0  # gamma of the focal loss


def squared_distances(action: jax.Array, centres: jax.Array) -> jax.Array:
    """Squared distances [..., K] of actions [..., A] to centres [K, A]."""
    return jnp.sum((action[..., None, :] - centres) ** 2, axis=-1)


def find_centres(key: Key, action: jax.Array, weight: jax.Array, count: int) -> jax.Array:
    """k-means: centres [K, A] of actions [N, A], begun as in k-means++.

    Args:
        key: random key of the first centres.
        action: [N, A]; rows of weight 0 may hold anything finite.
        weight: [N], none negative.
        count: K. A centre without actions stays where it is.
    """

    def spread(carry: tuple[jax.Array, jax.Array], step: tuple[Key, jax.Array]) -> Any:
        centres, nearest = carry
        key, i = step
        drawn = action[jax.random.categorical(key, jnp.log(weight * nearest + 1e-30))]
        distance = jnp.sum((action - drawn) ** 2, axis=-1)
        return (centres.at[i].set(drawn), jnp.minimum(nearest, distance)), None

    def move(centres: jax.Array, _: Any) -> tuple[jax.Array, None]:
        nearest = jnp.argmin(squared_distances(action, centres), axis=-1)
        share = jax.nn.one_hot(nearest, count) * weight[:, None]
        total = share.sum(axis=0)
        mean = (share.T @ action) / jnp.maximum(total, 1e-8)[:, None]
        return jnp.where(total[:, None] > 0, mean, centres), None

    start = (jnp.zeros((count, action.shape[-1])), jnp.ones(len(action)))
    steps = (jax.random.split(key, count), jnp.arange(count))
    (centres, _), _ = jax.lax.scan(spread, start, steps)
    return jax.lax.scan(move, centres, None, ITERATIONS)[0]


def kmeans(hidden: Sequence[int], seen: int, size: int, count: int, offset: float) -> Head:
    """The Behavior Transformer's head (Shafiullah et al. 2022, arXiv:2206.11251).

    The loss is the focal loss of the nearest centre plus `offset` times the squared error, summed
    over the components, of the offset from that centre alone.

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
        count: K, the number of centres.
        offset: weight of the offsets' error.
    """
    net = network(hidden, count * (1 + size), seen)

    def parts(params: Params, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Logits [..., K] and offsets [..., K, A]."""
        out = net(params, obs)
        return out[..., :count], out[..., count:].reshape(*out.shape[:-1], count, size)

    def chosen(offsets: jax.Array, which: jax.Array) -> jax.Array:
        return jnp.take_along_axis(offsets, which[..., None, None], axis=-2)[..., 0, :]

    def fit(key: Key, action: jax.Array, weight: jax.Array) -> jax.Array:
        return find_centres(key, action, weight, count)

    def loss(
        key: Key, params: Params, fitted: jax.Array, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        logits, offsets = parts(params, obs)
        nearest = jnp.argmin(squared_distances(action, fitted), axis=-1)
        log_p = jnp.take_along_axis(jax.nn.log_softmax(logits), nearest[..., None], axis=-1)[..., 0]
        focal = -((1.0 - jnp.exp(log_p)) ** FOCUS) * log_p
        error = jnp.sum((fitted[nearest] + chosen(offsets, nearest) - action) ** 2, axis=-1)
        return focal + offset * error, {"offset_error": jnp.mean(error)}

    def sample(key: Key, params: Params, fitted: jax.Array, obs: jax.Array) -> jax.Array:
        logits, offsets = parts(params, obs)
        which = jax.random.categorical(key, logits)
        return fitted[which] + chosen(offsets, which)

    return Head(net.init, fit, loss, sample, 1)
