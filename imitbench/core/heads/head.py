"""What every policy head is: a network from what a policy sees to actions, and how it learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from imitbench.core import nets
from imitbench.core.types import Key, Metrics, Params


class Head(NamedTuple):
    """A head's functions. Actions are scaled so that those of the data lie in [-1, 1]."""

    init: Callable[[Key], Params]
    """(key) -> parameters."""
    fit: Callable[[Key, jax.Array, jax.Array], Any]
    """(key, actions [N, A], weight [N]) -> what is computed from the data once, and not trained; ()
    for most heads."""
    loss: Callable[[Key, Params, Any, jax.Array, jax.Array], tuple[jax.Array, Metrics]]
    """(key, parameters, fitted, seen [N, O], actions [N, A]) -> losses [N] and metrics []."""
    sample: Callable[[Key, Params, Any, jax.Array], jax.Array]
    """(key, parameters, fitted, seen [..., O]) -> actions [..., A]."""
    evaluations: int
    """Passes through the network for one action."""


def nothing(key: Key, action: jax.Array, weight: jax.Array) -> tuple[()]:
    """The `fit` of heads that compute nothing from the data."""
    return ()


class Network(NamedTuple):
    """A perceptron of several inputs side by side."""

    mlp: nets.MLP
    sizes: tuple[int, ...]  # of the inputs

    def init(self, key: Key) -> Params:
        """New parameters."""
        return self.mlp.init(key, jnp.zeros((1, sum(self.sizes))))

    def __call__(self, params: Params, *inputs: jax.Array) -> jax.Array:
        """Outputs [..., out] of inputs [..., size] with equal leading axes."""
        return self.mlp.apply(params, jnp.concatenate(inputs, axis=-1))  # type: ignore[return-value]


def network(hidden: Sequence[int], out: int, *sizes: int) -> Network:
    """Builds a network with ReLU layers.

    Args:
        hidden: widths of the hidden layers.
        out: size of the output.
        sizes: sizes of the inputs.
    """
    return Network(nets.MLP(tuple(hidden), out), sizes)


def squared_error(a: jax.Array, b: jax.Array) -> jax.Array:
    """The squared error [...] of actions [..., A], averaged over the components."""
    return jnp.mean((a - b) ** 2, axis=-1)


def cross_entropy(logits: jax.Array, choice: jax.Array) -> jax.Array:
    """Minus the log probability [...], in nats, of choices [..., A] by logits [..., A, B]; summed
    over A."""
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), choice[..., None], axis=-1)
    return -jnp.sum(chosen[..., 0], axis=-1)
