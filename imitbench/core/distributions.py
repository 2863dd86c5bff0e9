"""Distributions over actions. Log-probabilities, entropies and divergences are in nats."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core.types import Key


class Deterministic(struct.PyTreeNode):
    """All mass on one point in [-1, 1]^A."""

    mode: jax.Array  # [..., A]


class Gaussian(struct.PyTreeNode):
    """Independent normal distributions of the components."""

    mode: jax.Array  # [..., A]
    log_std: jax.Array  # [..., A], or [A] for all

    def log_prob(self, action: jax.Array) -> jax.Array:
        """Returns the log density [...] of actions [..., A], summed over the components; in
        nats."""
        z = (action - self.mode) / jnp.exp(self.log_std)
        return jnp.sum(-0.5 * z**2 - self.log_std - 0.5 * jnp.log(2 * jnp.pi), axis=-1)

    def sample(self, key: Key) -> jax.Array:
        """Draws actions [..., A]."""
        return self.mode + jnp.exp(self.log_std) * jax.random.normal(key, self.mode.shape)

    def entropy(self) -> jax.Array:
        """Returns the entropy [...], summed over the components; in nats."""
        entropies = self.log_std + 0.5 * jnp.log(2 * jnp.pi * jnp.e)
        return jnp.sum(jnp.broadcast_to(entropies, self.mode.shape), axis=-1)

    def limited_entropy(self, limit: float) -> jax.Array:
        """The entropy bonus of the code of Luo et al. 2018 (arXiv:1807.03858), which rewards no
        width far beyond the limit.

        With l, h = (-limit - mean) / (sqrt(2) std), (limit - mean) / (sqrt(2) std), a component has

            (log std + log(2 pi) / 2) (erf h - erf l) / 2 + (h exp(-h^2) - l exp(-l^2)) / 2.

        That is not the part of the entropy between -limit and limit, as its name there says: of
        that part the last term would be (erf h - erf l) / 4 - (h exp(-h^2) - l exp(-l^2)) / (2
        sqrt(pi)). Where the limits are far away it is the entropy minus 1/2.

        Args:
            limit: a positive number, in units of the action.

        Returns:
            [...] in nats, summed over the components.
        """
        scale = jnp.sqrt(2.0) * jnp.exp(self.log_std)
        low, high = (-limit - self.mode) / scale, (limit - self.mode) / scale
        mass = jax.scipy.special.erf(high) - jax.scipy.special.erf(low)
        edges = high * jnp.exp(-(high**2)) - low * jnp.exp(-(low**2))
        parts = (self.log_std + 0.5 * jnp.log(2 * jnp.pi)) * mass + edges
        return 0.5 * jnp.sum(parts, axis=-1)


class Squashed(struct.PyTreeNode):
    """tanh of independent normals (Haarnoja et al. 2018, arXiv:1801.01290, appendix C)."""

    normal: Gaussian  # before the tanh

    @property
    def mode(self) -> jax.Array:
        """[..., A]: tanh of the normals' mode."""
        return jnp.tanh(self.normal.mode)

    def sample_and_log_prob(self, key: Key) -> tuple[jax.Array, jax.Array]:
        """Draws actions [..., A], and returns their log densities [...] in nats too."""
        x = self.normal.sample(key)
        # log(1 - tanh(x)^2), in a form that does not cancel.
        log_slope = 2.0 * (jnp.log(2.0) - x - jax.nn.softplus(-2.0 * x))
        return jnp.tanh(x), self.normal.log_prob(x) - jnp.sum(log_slope, axis=-1)


class Categorical(struct.PyTreeNode):
    """One of A choices."""

    logits: jax.Array  # [..., A]

    @property
    def mode(self) -> jax.Array:
        """[...] integers: the most probable choices."""
        return jnp.argmax(self.logits, axis=-1)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """Returns the log probability [...] of integer choices [...]; in nats."""
        log_p = jax.nn.log_softmax(self.logits)
        return jnp.take_along_axis(log_p, action[..., None].astype(jnp.int32), axis=-1)[..., 0]

    def sample(self, key: Key) -> jax.Array:
        """Draws integer choices [...]."""
        return jax.random.categorical(key, self.logits)

    def entropy(self) -> jax.Array:
        """Returns the entropy [...] in nats."""
        log_p = jax.nn.log_softmax(self.logits)
        return -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)


def kl_divergence(p: Any, q: Any) -> jax.Array:
    """Computes the Kullback-Leibler divergence KL(p || q), which is 0 only where p equals q.

    Args:
        p: a `Gaussian` or a `Categorical` over actions [..., A].
        q: a distribution of the same kind and shape.

    Returns:
        [...] in nats, never negative.
    """
    if isinstance(p, Categorical):
        log_p, log_q = jax.nn.log_softmax(p.logits), jax.nn.log_softmax(q.logits)
        return jnp.sum(jnp.exp(log_p) * (log_p - log_q), axis=-1)
    ratio = jnp.exp(2.0 * (p.log_std - q.log_std))  # of variances
    distance = ((p.mode - q.mode) / jnp.exp(q.log_std)) ** 2
    return 0.5 * jnp.sum(ratio + distance - 1.0 - jnp.log(ratio), axis=-1)


Distribution = Deterministic | Gaussian | Squashed | Categorical
