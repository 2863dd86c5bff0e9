"""A network's input for a time between 0 and 1."""

from __future__ import annotations

import jax
import jax.numpy as jnp

EMBEDDING = 32  # size
LONGEST, SHORTEST = 4.0, 1 / 8  # wavelengths


def embed(t: jax.Array) -> jax.Array:
    """Sines and cosines [..., EMBEDDING] of times t [...], at wavelengths from 4 down to 1/8."""
    waves = jnp.geomspace(1 / LONGEST, 1 / SHORTEST, EMBEDDING // 2)
    angles = 2 * jnp.pi * t[..., None] * waves
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
