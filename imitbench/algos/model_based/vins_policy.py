"""The policy of VINS: the best of several candidate actions, equation (6) of the list in `vins`.

Source: Luo, Xu and Ma 2019 (arXiv:1907.05634), the function "Policy" of Algorithm 2.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core.types import Key


def candidates(key: Key, centre: jax.Array, number: int, alpha: float) -> jax.Array:
    """The candidate actions of equation (6), clipped to [-1, 1].

    Args:
        key: random key.
        centre: [..., A] action a0 around which they are drawn.
        number: how many (K).
        alpha: half the width of the uniform noise.

    Returns:
        [..., K, A] actions.
    """
    shape = (*centre.shape[:-1], number, centre.shape[-1])
    noise = jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)
    return jnp.clip(centre[..., None, :] + alpha * noise, -1.0, 1.0)


def pick_best(actions: jax.Array, values: jax.Array) -> jax.Array:
    """The action [..., A] of the candidates [..., K, A] with the greatest value [..., K]."""
    best = jnp.argmax(values, axis=-1)[..., None, None]
    return jnp.take_along_axis(actions, best, axis=-2)[..., 0, :]
