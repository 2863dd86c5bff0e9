"""What policies' heads say of actions: their distributions, with log-probabilities in nats."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core.types import Key


class Deterministic(struct.PyTreeNode):
    """A point in [-1, 1]^A."""

    mode: jax.Array  # [..., A]


class Gaussian(struct.PyTreeNode):
    """Independent normals."""

    mode: jax.Array  # [..., A]
    log_std: jax.Array  # [..., A], or [A] for all

    def log_prob(self, action: jax.Array) -> jax.Array:
        """log density [...], summed over the action's components; in nats."""
        z = (action - self.mode) / jnp.exp(self.log_std)
        return jnp.sum(-0.5 * z**2 - self.log_std - 0.5 * jnp.log(2 * jnp.pi), axis=-1)

    def sample(self, key: Key) -> jax.Array:
        return self.mode + jnp.exp(self.log_std) * jax.random.normal(key, self.mode.shape)

    def entropy(self) -> jax.Array:
        """[...] in nats."""
        each = self.log_std + 0.5 * jnp.log(2 * jnp.pi * jnp.e)
        return jnp.sum(jnp.broadcast_to(each, self.mode.shape), axis=-1)


class Squashed(struct.PyTreeNode):
    """tanh of independent normals (Haarnoja et al. 2018, arXiv:1801.01290, appendix C)."""

    normal: Gaussian

    @property
    def mode(self) -> jax.Array:  # [..., A]
        return jnp.tanh(self.normal.mode)

    def sample_and_log_prob(self, key: Key) -> tuple[jax.Array, jax.Array]:
        """An action [..., A] and its log density [...] in nats."""
        x = self.normal.sample(key)
        # log(1 - tanh(x)^2) in a form that does not cancel.
        slope = 2.0 * (jnp.log(2.0) - x - jax.nn.softplus(-2.0 * x))
        return jnp.tanh(x), self.normal.log_prob(x) - jnp.sum(slope, axis=-1)


class Categorical(struct.PyTreeNode):
    """One of A choices."""

    logits: jax.Array  # [..., A]

    @property
    def mode(self) -> jax.Array:  # [...] int
        return jnp.argmax(self.logits, axis=-1)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """log probability [...] of the integer choice `action` [...]; in nats."""
        log_p = jax.nn.log_softmax(self.logits)
        return jnp.take_along_axis(log_p, action[..., None].astype(jnp.int32), axis=-1)[..., 0]

    def sample(self, key: Key) -> jax.Array:
        return jax.random.categorical(key, self.logits)

    def entropy(self) -> jax.Array:
        """[...] in nats."""
        log_p = jax.nn.log_softmax(self.logits)
        return -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)


def kl_divergence(p: Any, q: Any) -> jax.Array:
    """Kullback-Leibler divergence [...] of q from p, in nats; both `Gaussian` or both
    `Categorical`."""
    if isinstance(p, Categorical):
        log_p, log_q = jax.nn.log_softmax(p.logits), jax.nn.log_softmax(q.logits)
        return jnp.sum(jnp.exp(log_p) * (log_p - log_q), axis=-1)
    ratio = jnp.exp(2.0 * (p.log_std - q.log_std))
    apart = ((p.mode - q.mode) / jnp.exp(q.log_std)) ** 2
    return 0.5 * jnp.sum(ratio + apart - 1.0 - jnp.log(ratio), axis=-1)


Distribution = Deterministic | Gaussian | Squashed | Categorical
