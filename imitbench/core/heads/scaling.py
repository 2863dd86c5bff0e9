"""Actions scaled to [-1, 1] by the range of the data, component by component."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core.heads.head import Head
from imitbench.core.types import Key, Metrics, Params

MIN_RANGE = 0.02  # of a component, in units of the action: one that hardly varies is not blown up


class Scale(struct.PyTreeNode):
    """The middle and the half range of each component, and what the head itself fitted."""

    middle: jax.Array  # [A]
    half: jax.Array  # [A]
    inner: Any

    def to_unit(self, action: jax.Array) -> jax.Array:
        """Actions [..., A] in units of the half range around the middle."""
        return (action - self.middle) / self.half

    def from_unit(self, action: jax.Array) -> jax.Array:
        """The inverse of `to_unit`, clipped to the actions [-1, 1] that there are."""
        return jnp.clip(self.middle + self.half * action, -1.0, 1.0)


def fit_scale(action: jax.Array, weight: jax.Array) -> Scale:
    """Fits the scale to actions [N, A] with weight [N] above 0."""
    real = (weight > 0)[:, None]
    low = jnp.min(jnp.where(real, action, jnp.inf), axis=0)
    high = jnp.max(jnp.where(real, action, -jnp.inf), axis=0)
    return Scale((low + high) / 2, jnp.maximum(high - low, MIN_RANGE) / 2, ())


def scaled(head: Head, full_range: bool = False) -> Head:
    """A head for actions in their own units; its `fit` includes the scale.

    Losses are in units of the scaled actions.

    Args:
        head: a head for actions in [-1, 1].
        full_range: leave actions as they are, for data that are not all there yet.
    """

    def fit(key: Key, action: jax.Array, weight: jax.Array) -> Scale:
        scale = fit_scale(action, weight)
        if full_range:
            scale = Scale(jnp.zeros_like(scale.middle), jnp.ones_like(scale.half), ())
        inside = jnp.where((weight > 0)[:, None], scale.to_unit(action), 0.0)
        return scale.replace(inner=head.fit(key, inside, weight))

    def loss(
        key: Key, params: Params, fitted: Scale, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        return head.loss(key, params, fitted.inner, obs, fitted.to_unit(action))

    def sample(key: Key, params: Params, fitted: Scale, obs: jax.Array) -> jax.Array:
        return fitted.from_unit(head.sample(key, params, fitted.inner, obs))

    return head._replace(fit=fit, loss=loss, sample=sample)
