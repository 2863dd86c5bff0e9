"""A model of one step: how a state changes by an action.

Fitted by the mean Euclidean length of its error in normalised changes, not squared, as in Luo et
al. 2018 (arXiv:1807.03858).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import nets, ops
from imitbench.core.types import Key, Metrics, Params


class Norms(struct.PyTreeNode):
    """Of states, of what the model sees beside them, and of the changes."""

    state: ops.Normaliser
    more: ops.Normaliser
    change: ops.Normaliser


class Model(NamedTuple):
    """init(key) -> params; inputs(norms, state [..., D], more [..., M], action [..., A]) ->
    [..., I]; loss(params, inputs, change in normalised units) -> (scalar, metrics);
    predict(params, norms, state, more, action) -> next state. State and action may broadcast."""

    init: Callable[[Key], Params]
    inputs: Callable[[Norms, jax.Array, jax.Array, jax.Array], jax.Array]
    loss: Callable[[Params, jax.Array, jax.Array], tuple[jax.Array, Metrics]]
    predict: Callable[[Params, Norms, jax.Array, jax.Array, jax.Array], jax.Array]


def norms(state: jax.Array, more: jax.Array, next_state: jax.Array, weight: jax.Array) -> Norms:
    """Fitted to rows [N, ...], weighted by `weight` [N]."""
    return Norms(
        ops.fit_normaliser(state, weight),
        ops.fit_normaliser(more, weight, floor=1e-4),
        ops.fit_normaliser(next_state - state, weight, floor=1e-4),
    )


def make(
    state_size: int, more_size: int, actions: int, hidden: Sequence[int], clip: float
) -> Model:
    """A model with ReLU layers; its normalised inputs are clipped to [-clip, clip]."""
    net = nets.function(state_size + more_size + actions, hidden, state_size)

    def inputs(norms: Norms, state: jax.Array, more: jax.Array, action: jax.Array) -> jax.Array:
        x = jnp.concatenate([norms.state(state, clip), norms.more(more, clip)], axis=-1)
        x = jnp.broadcast_to(x, (*action.shape[:-1], x.shape[-1]))
        return jnp.concatenate([x, action], axis=-1)

    def loss(params: Params, inputs: jax.Array, change: jax.Array) -> tuple[jax.Array, Metrics]:
        off = net.apply(params, inputs) - change
        # Its slope at 0 is that of a number, not of 0 / 0.
        value = jnp.mean(jnp.sqrt(jnp.sum(off**2, axis=-1) + 1e-12))
        return value, {"model_loss": value}

    def predict(
        params: Params, norms: Norms, state: jax.Array, more: jax.Array, action: jax.Array
    ) -> jax.Array:
        change = net.apply(params, inputs(norms, state, more, action))
        return state + norms.change.mean + norms.change.std * change

    return Model(net.init, inputs, loss, predict)
