"""A conditional variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.heads.head import Head, network, nothing
from imitbench.core.types import Key, Metrics, Params


def latent(hidden: Sequence[int], seen: int, size: int, latents: int, kl: float) -> Head:
    """A conditional variational autoencoder (Sohn et al. 2015): an action is decoded from a draw of
    the standard normal.

    The loss is the squared error, summed over the components, plus `kl` times the divergence of the
    encoder from the prior. A decoder with standard deviation s corresponds to kl = 2 s^2; a large
    value teaches the decoder to ignore the latent, and the head to average modes.

    Args:
        hidden: widths of the hidden layers of encoder and decoder.
        seen: size of what the policy sees.
        size: A, size of an action.
        latents: Z, size of the latent.
        kl: weight of the divergence KL(q(z | seen, action) || N(0, I)) in nats.
    """
    encoder = network(hidden, 2 * latents, seen, size)
    decoder = network(hidden, size, seen, latents)

    def init(key: Key) -> Params:
        k_encoder, k_decoder = jax.random.split(key)
        return {"encoder": encoder.init(k_encoder), "decoder": decoder.init(k_decoder)}

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        mean, log_std = jnp.split(encoder(params["encoder"], obs, action), 2, axis=-1)
        log_std = jnp.clip(log_std, -8.0, 4.0)
        z = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
        error = jnp.sum((decoder(params["decoder"], obs, z) - action) ** 2, axis=-1)
        each = 0.5 * (jnp.exp(2 * log_std) + mean**2 - 1.0) - log_std
        divergence = jnp.sum(each, axis=-1)
        return error + kl * divergence, {"latent_kl": jnp.mean(divergence)}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        z = jax.random.normal(key, (*obs.shape[:-1], latents))
        return decoder(params["decoder"], obs, z)

    return Head(init, nothing, loss, sample, 1)
