"""A one-step model of the dynamics: it predicts how an action changes the state.

Source: Luo et al. 2018 (arXiv:1807.03858), whose loss is the mean Euclidean length of the error and
not its square. VINS uses the same loss, equation (5) of the list in `vins`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import nets, ops
from imitbench.core.types import Key, Metrics, Params


class Norms(struct.PyTreeNode):
    """Normalisers of the model's inputs and of its output."""

    state: ops.Normaliser  # [D]
    extra: ops.Normaliser  # [M] of the extra inputs
    change: ops.Normaliser  # [D] of the next state minus the state


def fit_norms(
    state: jax.Array, extra: jax.Array, next_state: jax.Array, weight: jax.Array
) -> Norms:
    """Fits the normalisers to states [N, D], extra inputs [N, M] and next states [N, D].

    Rows count by their weight [N].
    """
    return Norms(
        ops.fit_normaliser(state, weight),
        ops.fit_normaliser(extra, weight, floor=1e-4),
        ops.fit_normaliser(next_state - state, weight, floor=1e-4),
    )


def prediction_loss(predicted: jax.Array, change: jax.Array) -> jax.Array:
    """Mean Euclidean length of the error, not squared: equation (5).

    Args:
        predicted: [N, D] predicted changes, in normalised units.
        change: [N, D] true changes, in normalised units.

    Returns:
        A scalar, at least 0.
    """
    error = predicted - change
    # The small number keeps the gradient finite where the error is 0.
    return jnp.mean(jnp.sqrt(jnp.sum(error**2, axis=-1) + 1e-12))


@dataclass(frozen=True, eq=False)
class Model:
    """The network M: normalised state, extra inputs and action -> normalised change."""

    net: nets.Function
    clip: float  # normalised inputs are clipped to [-clip, clip]

    def init(self, key: Key) -> Params:
        """Initial parameters."""
        return self.net.init(key)

    def inputs(
        self, norms: Norms, state: jax.Array, extra: jax.Array, action: jax.Array
    ) -> jax.Array:
        """The network's inputs [..., D + M + A].

        Args:
            norms: the normalisers.
            state: [..., D].
            extra: [..., M] extra inputs, of the same leading axes as `state`.
            action: [..., A]; the leading axes of `state` broadcast against its own.
        """
        x = jnp.concatenate([norms.state(state, self.clip), norms.extra(extra, self.clip)], axis=-1)
        x = jnp.broadcast_to(x, (*action.shape[:-1], x.shape[-1]))
        return jnp.concatenate([x, action], axis=-1)

    def loss(
        self, params: Params, inputs: jax.Array, change: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        """`prediction_loss` of the network on inputs [N, D + M + A]; and metrics."""
        value = prediction_loss(self.net.apply(params, inputs), change)
        return value, {"model_loss": value}

    def predict(
        self, params: Params, norms: Norms, state: jax.Array, extra: jax.Array, action: jax.Array
    ) -> jax.Array:
        """Next states [..., D], from the arguments of `inputs`."""
        change = self.net.apply(params, self.inputs(norms, state, extra, action))
        return state + norms.change.mean + norms.change.std * change


def make_model(
    state_size: int, extra_size: int, action_size: int, hidden: Sequence[int], clip: float
) -> Model:
    """Builds a model with ReLU layers of the widths `hidden`.

    Args:
        state_size, extra_size, action_size: D, M and A.
        hidden: widths of the hidden layers.
        clip: bound of the normalised inputs, on both sides.
    """
    return Model(nets.function(state_size + extra_size + action_size, hidden, state_size), clip)
