"""Encoders: networks from the last tokens of an episode to what a policy's layers see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from imitbench.core.nets import orthogonal
from imitbench.core.types import Key, Params

Kind = Literal["stack", "gru", "transformer"]


class Encoder(NamedTuple):
    """init(key) -> params; apply(params, tokens [..., H, I]) -> [..., size], the oldest first."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, jax.Array], jax.Array]
    size: int


def make(kind: Kind, tokens: int, token_size: int, width: int, layers: int, heads: int) -> Encoder:
    """Builds an encoder.

    Args:
        kind: stack joins all tokens, without parameters. gru reads them one after the other and
            returns its last state. transformer returns its output at the last token.
        tokens: H, the number of tokens.
        token_size: I, the size of each.
        width: size of the output of gru and transformer.
        layers: layers of the transformer.
        heads: attention heads of the transformer, a divisor of `width`.
    """
    if kind == "stack":
        size = tokens * token_size
        return Encoder(lambda key: (), lambda _, x: x.reshape(*x.shape[:-2], size), size)
    net = GRU(width) if kind == "gru" else Transformer(width, layers, heads)

    def apply(params: Params, x: jax.Array) -> jax.Array:
        rows = x.reshape(-1, tokens, token_size)
        return jnp.asarray(net.apply(params, rows)).reshape(*x.shape[:-2], width)

    return Encoder(lambda key: net.init(key, jnp.zeros((1, tokens, token_size))), apply, width)


def of_single_tokens(encoder: Encoder) -> Encoder:
    """The encoder of inputs [..., I] instead of windows of one token [..., 1, I]."""
    return encoder._replace(apply=lambda params, x: encoder.apply(params, x[..., None, :]))


def chain(first: Encoder, second: Encoder) -> Encoder:
    """The encoder of tokens [..., H, I] that encodes each by itself, then all of them.

    Args:
        first: of single tokens [..., I].
        second: of the tokens [..., H, size] that the first one returns.
    """

    def init(key: Key) -> Params:
        k_first, k_second = jax.random.split(key)
        return {"first": first.init(k_first), "second": second.init(k_second)}

    def apply(params: Params, x: jax.Array) -> jax.Array:
        return second.apply(params["second"], first.apply(params["first"], x))

    return Encoder(init, apply, second.size)


class GRU(nn.Module):
    """A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) from a state of zeros."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps tokens [N, H, I] to the last state [N, width]."""
        cell = nn.GRUCell(self.width, recurrent_kernel_init=orthogonal(1.0))
        return jnp.asarray(nn.RNN(cell)(x))[:, -1]


class Transformer(nn.Module):
    """A transformer that normalises before each part (Xiong et al. 2020, arXiv:2002.04745), with a
    learned position of each token and the GELU."""

    width: int
    layers: int
    heads: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps tokens [N, H, I] to the output at the last one [N, width]."""
        place = self.param("place", nn.initializers.normal(0.02), (x.shape[-2], self.width))
        x = nn.Dense(self.width)(x) + place
        for _ in range(self.layers):
            y = nn.LayerNorm()(x)
            x = x + nn.MultiHeadDotProductAttention(self.heads, qkv_features=self.width)(y, y)
            y = nn.gelu(nn.Dense(4 * self.width)(nn.LayerNorm()(x)))
            x = x + nn.Dense(self.width)(y)
        return nn.LayerNorm()(x)[:, -1]
