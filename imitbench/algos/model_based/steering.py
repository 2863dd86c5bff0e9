"""Actions that lead to a wanted observation, found through the environment itself.

A step of an environment is a function of its state and the action. Gauss-Newton iterations solve
it for the action, with derivatives by finite differences, so that any engine will do.

Source: Ke et al. 2024 (arXiv:2310.12972) state the problem, min ||s + F(s, a) - s'|| over a; the
iteration is the textbook's (Nocedal and Wright 2006, section 10.3).
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

DAMPING = 1e-6  # of the normal equations, relative to their mean diagonal: where actions do nothing

Residual = Callable[[jax.Array], jax.Array]
"""Actions [D, N, A] -> residuals [D, N, O], for D actions in each of N states."""


def gauss_newton_step(residual: Residual, action: jax.Array, difference: float) -> jax.Array:
    """One step towards the least squares of the residuals.

    Args:
        residual: it is called once, with D = A + 1 actions in each state.
        action: [N, A] in [-1, 1].
        difference: the finite difference h of actions, at most 1; it is taken inwards.

    Returns:
        [N, A] a - (J^T J)^-1 J^T r, clipped to [-1, 1].
    """
    size = action.shape[-1]
    h = jnp.where(action > 0, -difference, difference)  # stays within [-1, 1]
    tried = action + jnp.eye(size)[:, None] * h  # [A, N, A]: component i is changed in row i
    both = residual(jnp.concatenate([action[None], tried]))
    r = both[0]
    jacobian = jnp.moveaxis(both[1:] - r, 0, -1) / h[:, None, :]  # [N, O, A]
    normal = jnp.einsum("noi,noj->nij", jacobian, jacobian)
    damping = DAMPING * jnp.trace(normal, axis1=-2, axis2=-1) / size + 1e-12
    normal = normal + damping[:, None, None] * jnp.eye(size)
    gradient = jnp.einsum("noi,no->ni", jacobian, r)
    step = jnp.linalg.solve(normal, gradient[..., None])[..., 0]
    return jnp.clip(action - step, -1.0, 1.0)


def steer(
    residual: Residual, action: jax.Array, steps: int, difference: float
) -> tuple[jax.Array, jax.Array]:
    """Actions with small residuals.

    Args:
        residual: of actions in N states.
        action: [N, A] where the search begins, in [-1, 1].
        steps: Gauss-Newton steps.
        difference: the finite difference of actions.

    Returns:
        Actions [N, A] in [-1, 1], and their residuals [N, O].
    """
    for _ in range(steps):
        action = gauss_newton_step(residual, action, difference)
    return action, residual(action[None])[0]


def evaluations(action_size: int, steps: int) -> int:
    """How many environment steps `steer` takes for one state."""
    return steps * (action_size + 1) + 1
