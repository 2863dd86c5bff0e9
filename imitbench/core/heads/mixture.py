"""A mixture of Gaussians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.stats.norm as normal

from imitbench.core.heads.head import Head, network, nothing
from imitbench.core.types import Key, Metrics, Params

MIN_STD = 1e-4  # robomimic's


def mixture(hidden: Sequence[int], seen: int, size: int, modes: int) -> Head:
    """A mixture of Gaussians with independent components, learned by its likelihood.

    An action is the mean of a Gaussian drawn by its weight, without the Gaussian's own noise, as in
    robomimic's low-noise evaluation (Mandlekar et al. 2021, arXiv:2108.03298).

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
        modes: K, the number of Gaussians.
    """
    net = network(hidden, modes * (1 + 2 * size), seen)

    def parts(params: Params, obs: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Logits [..., K], means and standard deviations [..., K, A]."""
        out = net(params, obs)
        logits, rest = out[..., :modes], out[..., modes:]
        mean, raw = jnp.split(rest.reshape(*rest.shape[:-1], modes, 2 * size), 2, axis=-1)
        return logits, mean, jax.nn.softplus(raw) + MIN_STD

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        logits, mean, std = parts(params, obs)
        each = normal.logpdf(action[..., None, :], mean, std).sum(axis=-1)
        losses = -jax.nn.logsumexp(jax.nn.log_softmax(logits) + each, axis=-1)
        return losses, {"std": jnp.mean(std)}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        logits, mean, _ = parts(params, obs)
        mode = jax.random.categorical(key, logits)
        return jnp.take_along_axis(mean, mode[..., None, None], axis=-2)[..., 0, :]

    return Head(net.init, nothing, loss, sample, 1)
