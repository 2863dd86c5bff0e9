"""Encoders of tokens: against plain loops."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.core.observations import encoders

KEY = jax.random.key(0)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def test_stack_joins_the_tokens():
    encoder = encoders.make("stack", 3, 2, 8, 1, 1)
    tokens = jnp.arange(12.0).reshape(2, 3, 2)
    assert encoder.size == 6
    np.testing.assert_array_equal(encoder.apply((), tokens), np.arange(12.0).reshape(2, 6))


def test_gru_equals_a_plain_loop():
    """Cho et al. 2014: the reset gate acts on the state before its product, as in cuDNN."""
    encoder = encoders.make("gru", 4, 2, 5, 1, 1)
    params = encoder.init(KEY)
    (cell,) = params["params"].values()
    p = jax.tree.map(np.asarray, cell)
    tokens = jax.random.normal(jax.random.key(1), (3, 4, 2))
    h = np.zeros((3, 5))
    for t in range(4):
        x = np.asarray(tokens[:, t])
        gate = {g: x @ p[f"i{g}"]["kernel"] + p[f"i{g}"]["bias"] for g in "rzn"}
        r = sigmoid(gate["r"] + h @ p["hr"]["kernel"])
        z = sigmoid(gate["z"] + h @ p["hz"]["kernel"])
        n = np.tanh(gate["n"] + r * (h @ p["hn"]["kernel"] + p["hn"]["bias"]))
        h = (1 - z) * n + z * h
    np.testing.assert_allclose(encoder.apply(params, tokens), h, rtol=2e-5, atol=1e-6)


def layer_norm(x: Any, p: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * p["scale"] + p["bias"]


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def test_transformer_equals_plain_attention():
    encoder = encoders.make("transformer", 3, 2, 8, 1, 2)
    params = encoder.init(KEY)
    p = jax.tree.map(np.asarray, params["params"])
    tokens = np.asarray(jax.random.normal(jax.random.key(1), (1, 3, 2)))
    x = tokens[0] @ p["Dense_0"]["kernel"] + p["Dense_0"]["bias"] + p["place"]
    y, a = layer_norm(x, p["LayerNorm_0"]), p["MultiHeadDotProductAttention_0"]
    q, k, v = (
        np.einsum("ti,ihd->thd", y, a[n]["kernel"]) + a[n]["bias"]
        for n in ("query", "key", "value")
    )
    scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(4)
    share = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    mixed = np.einsum("hts,shd->thd", share, v)
    x = x + np.einsum("thd,hdo->to", mixed, a["out"]["kernel"]) + a["out"]["bias"]
    y = gelu(layer_norm(x, p["LayerNorm_1"]) @ p["Dense_1"]["kernel"] + p["Dense_1"]["bias"])
    x = x + y @ p["Dense_2"]["kernel"] + p["Dense_2"]["bias"]
    expected = layer_norm(x, p["LayerNorm_2"])[-1]
    found = encoder.apply(params, jnp.asarray(tokens))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["stack", "gru", "transformer"])
def test_any_leading_axes(kind):
    encoder = encoders.make(kind, 3, 2, 8, 1, 2)
    params = encoder.init(KEY)
    tokens = jax.random.normal(jax.random.key(1), (2, 5, 3, 2))
    out = encoder.apply(params, tokens)
    assert out.shape == (2, 5, encoder.size)
    single = encoder.apply(params, tokens[1, 2])
    np.testing.assert_allclose(single, out[1, 2], rtol=1e-5, atol=1e-6)
