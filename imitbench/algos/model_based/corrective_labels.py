"""Corrective labels: states off the demonstrations, and actions that lead from them back.

A model f predicts how an action changes the state: s' is about s + f(s, a). F is the true change.
The code refers to the equations by the numbers of this list.

    (1) L_model = E ||f(s, a) - (s' - s)||^2 + w E max(0, ||f(z + d) - f(z)|| / ||d|| - L)
                  with z = (s, a) and d ~ eps N(0, I), in normalised units         model_loss
    (2) x = s - f(s, a), label a: from x the action a leads to s                   backtrack
    (3) x = s' - f(x, a~), label a~ = a + N(0, sigma^2): leads to s'               disturbed_action
    (4) ||x + F(x, a~) - target|| <= L ||(x, a~) - (s, a)|| + ||f(s, a) - (s' - s)||
                  + ||f(p, a~) - f(s, a)||, where x = target - f(p, a~)            error_bound

In (4) p is the state at which the model was evaluated: s for BackTrack, whose last term is 0, and
the last iterate before x for DisturbedAction. It holds where F is L-Lipschitz between (s, a) and
(x, a~), whatever the model is: F(x, a~) - F(s, a), F(s, a) - f(s, a) and f(s, a) - f(p, a~) add up
to the error.

Source: Ke et al. 2024 (arXiv:2310.12972), and their code, github.com/personalrobotics/CCIL.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from imitbench.core.types import Metrics, Params

Change = Callable[[jax.Array, jax.Array], jax.Array]
"""The model f: (states [..., O], actions [..., A]) -> changes [..., O], in the states' units."""


def lipschitz_excess(
    output: jax.Array, displaced: jax.Array, displacement: jax.Array, lipschitz: float
) -> jax.Array:
    """How much steeper than L a function is in some directions, the penalty of equation (1).

    Args:
        output: [N, O] f(z).
        displaced: [K, N, O] f(z + d).
        displacement: [K, N, I] d.
        lipschitz: L.

    Returns:
        [K, N] max(0, ||f(z + d) - f(z)|| / ||d|| - L).
    """
    # The small number keeps the gradient finite where nothing changes.
    change = jnp.sqrt(jnp.sum((displaced - output) ** 2, axis=-1) + 1e-12)
    return jnp.maximum(change / jnp.linalg.norm(displacement, axis=-1) - lipschitz, 0.0)


def model_loss(
    params: Params,
    apply: Callable[[Params, jax.Array], jax.Array],
    inputs: jax.Array,
    change: jax.Array,
    displacement: jax.Array,
    lipschitz: float,
    penalty: float,
) -> tuple[jax.Array, Metrics]:
    """The model's loss, equation (1), in normalised units.

    Args:
        params: of the network.
        apply: (params, inputs [..., I]) -> outputs [..., O].
        inputs: [N, I] z.
        change: [N, O] true changes.
        displacement: [K, N, I] d; not used where `penalty` is 0.
        lipschitz: L.
        penalty: w; 0 leaves the second term out.

    Returns:
        The loss, and metrics.
    """
    output = apply(params, inputs)
    error = jnp.mean((output - change) ** 2)
    if not penalty:
        return error, {"model_loss": error}
    displaced = apply(params, inputs + displacement)
    excess = jnp.mean(lipschitz_excess(output, displaced, displacement, lipschitz))
    return error + penalty * excess, {"model_loss": error, "excess": excess}


def backtrack(f: Change, state: jax.Array, action: jax.Array) -> jax.Array:
    """The states x [N, O] of equation (2), from which the actions [N, A] lead to states [N, O]."""
    return state - f(state, action)


def disturbed_action(
    f: Change, next_state: jax.Array, noisy_action: jax.Array, iterations: int
) -> tuple[jax.Array, jax.Array]:
    """The states of equation (3), from which disturbed actions lead to the next states.

    Args:
        f: the model.
        next_state: [N, O] s'.
        noisy_action: [N, A] a~.
        iterations: of x <- s' - f(x, a~) from x = s'; one is the closed form of the source's code,
            and more approach the root x + f(x, a~) = s' of its text.

    Returns:
        x [N, O], and the change f(p, a~) [N, O] that led to it.
    """
    x = change = next_state
    for _ in range(iterations):
        change = f(x, noisy_action)
        x = next_state - change
    return x, change


def mean_length(x: jax.Array) -> jax.Array:
    """The root of the mean square [...] of vectors [..., O], so that sizes do not matter."""
    return jnp.sqrt(jnp.mean(x**2, axis=-1))


def error_bound(
    lipschitz: float, distance: jax.Array, model_error: jax.Array, drift: jax.Array
) -> jax.Array:
    """The bound of a label's error, equation (4), divided by the root of O.

    Args:
        lipschitz: L.
        distance: [N, O + A] of (x, a~) from (s, a), in normalised units.
        model_error: [N, O] f(s, a) - (s' - s), in normalised units.
        drift: [N, O] f(p, a~) - f(s, a), in normalised units.

    Returns:
        [N], in standard deviations of the change in a step.
    """
    length = jnp.sqrt(jnp.sum(distance**2, axis=-1) / model_error.shape[-1])
    return lipschitz * length + mean_length(model_error) + mean_length(drift)
