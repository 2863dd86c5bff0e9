"""The dynamics model of SLBO: how it predicts, and its loss over several steps.

Source: Luo et al. 2018 (arXiv:1807.03858), equation 6.1, with the scales of the authors' code
(github.com/facebookresearch/slbo): the length of an error is divided by the square root of the
number of components.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.model_based import dynamics
from imitbench.core import nets, ops
from imitbench.core.types import Params

Loss = Literal["norm", "squared"]
Advance = Callable[[jax.Array, jax.Array], jax.Array]
"""(obs [..., O], action [..., A]) -> predicted next obs [..., O]."""

CLIP = 100.0  # standard deviations; bound on predicted observations
START_GAIN = 1e-5  # of the output layer: the first model predicts that nothing changes


class Segments(struct.PyTreeNode):
    """H steps after each other, N times."""

    obs: jax.Array  # [H, N, O]
    action: jax.Array  # [H, N, A]
    next_obs: jax.Array  # [H, N, O]
    # [H, N] bool: the next row is the next step of the same episode; the last one is not used.
    goes_on: jax.Array


class Moments(struct.PyTreeNode):
    """Running moments of the real steps."""

    obs: ops.Moments  # [O]
    change: ops.Moments  # [O] of the next observation minus the observation

    def add(self, obs: jax.Array, next_obs: jax.Array) -> Moments:
        """Returns the moments of these and of further steps [N, O]."""
        return Moments(self.obs.add(obs), self.change.add(next_obs - obs))

    def norms(self) -> dynamics.Norms:
        """Returns the normalisers of the model, which has no extra inputs."""
        nothing = ops.Normaliser(jnp.zeros(0), jnp.ones(0))
        return dynamics.Norms(self.obs.normaliser(), nothing, self.change.normaliser())


def empty_moments(size: int) -> Moments:
    """Returns the moments of observations of `size` components before any step."""
    return Moments(ops.empty_moments(size), ops.empty_moments(size))


def make_model(obs_size: int, action_size: int, hidden: Sequence[int]) -> dynamics.Model:
    """Builds a model with ReLU layers, which begins near the identity.

    Args:
        obs_size: O.
        action_size: A.
        hidden: widths of the hidden layers.
    """
    net = nets.function(obs_size + action_size, hidden, obs_size, out_gain=START_GAIN)
    return dynamics.Model(net, CLIP)


def advance(
    model: dynamics.Model, norms: dynamics.Norms, params: Params, obs: jax.Array, action: jax.Array
) -> jax.Array:
    """Predicts next observations.

    Args:
        model: the network.
        norms: its normalisers.
        params: its parameters.
        obs: [..., O].
        action: [..., A], clipped to [-1, 1] here.

    Returns:
        [..., O], within `CLIP` standard deviations of the mean observation.
    """
    nothing = jnp.zeros((*obs.shape[:-1], 0))
    predicted = model.predict(params, norms, obs, nothing, jnp.clip(action, -1.0, 1.0))
    return norms.state.mean + norms.state.std * norms.state(predicted, CLIP)


def multi_step_loss(
    advance: Advance, scale: jax.Array, kind: Loss, segments: Segments
) -> jax.Array:
    """The mean error of predicted changes over unrolled steps: equation 6.1.

    The model predicts from its own prediction; where an episode has ended, it goes on from the true
    observation. Errors are those of changes: (predicted next - input) - (true next - true obs).

    Args:
        advance: the model.
        scale: [O], the standard deviations of true changes, by which errors are divided.
        kind: norm: the length of the error over the square root of O; squared: its square.
        segments: H steps of N segments.

    Returns:
        A scalar, at least 0: the mean over H and N.
    """
    current, total = segments.obs[0], jnp.float32(0.0)
    horizon = segments.obs.shape[0]
    for i in range(horizon):
        predicted = advance(current, segments.action[i])
        change = segments.next_obs[i] - segments.obs[i]
        square = jnp.mean(((predicted - current - change) / scale) ** 2, axis=-1)
        # The small number keeps the gradient finite where the error is 0.
        total += jnp.mean(square if kind == "squared" else jnp.sqrt(square + 1e-12))
        if i + 1 < horizon:
            current = jnp.where(segments.goes_on[i][:, None], predicted, segments.obs[i + 1])
    return total / horizon


def optimiser(lr: float, weight_decay: float, max_grad_norm: float) -> optax.GradientTransformation:
    """Adam on the loss plus weight_decay / 2 times the squared norm of the parameters.

    Args:
        lr: learning rate.
        weight_decay: as above.
        max_grad_norm: largest norm of the gradient of both; larger ones are scaled down.
    """
    return optax.chain(
        optax.add_decayed_weights(weight_decay),
        optax.clip_by_global_norm(max_grad_norm),
        optax.adam(lr),
    )
