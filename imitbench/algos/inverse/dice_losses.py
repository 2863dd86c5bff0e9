"""The losses of DemoDICE and SMODICE: a value function, and cloning weighted by its advantages.

d_E is the distribution of demonstrated steps, d_O that of all data, R = log(d_E / d_O) the reward
that a discriminator estimates, and delta = R + discount V(s') - V(s) the advantage of a step. The
policy that is sought maximises E[R] - (1 + alpha) KL(d || d_O) over the distributions d of steps
that policies from the initial states have. V is its dual, and the solution weighs the data's steps
by d / d_O, proportional to exp(delta / (1 + alpha)).

Sources: Kim et al. 2022 (ICLR, "DemoDICE"), equations 12 to 19; Ma et al. 2022 (arXiv:2202.02433),
equations 20 to 22 (alpha = 0, and the chi-squared divergence).
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp

from imitbench.core.types import Metrics

Divergence = Literal["kl", "chi2"]


def advantages(
    reward: jax.Array,
    value: jax.Array,
    next_value: jax.Array,
    terminated: jax.Array,
    discount: float,
) -> jax.Array:
    """R + discount V(s') - V(s) [N], where nothing follows a terminated step.

    Args:
        reward: R [N].
        value: V(s) [N].
        next_value: V(s') [N].
        terminated: [N] bool.
        discount: in [0, 1).
    """
    return reward + discount * jnp.where(terminated, 0.0, next_value) - value


def dual_loss(
    divergence: Divergence, alpha: float, discount: float, initial: jax.Array, advantage: jax.Array
) -> jax.Array:
    """The loss [] that V descends.

    kl: (1 - discount) E[V(s0)] + (1 + alpha) log E[exp(delta / (1 + alpha))].
    chi2: (1 - discount) E[V(s0)] + E[delta^2 / 2 + delta], without alpha.

    Args:
        divergence: from the distribution of all data.
        alpha: 0 or more.
        discount: in [0, 1).
        initial: V [M] of initial states.
        advantage: delta [N] of steps of all data.
    """
    first = (1.0 - discount) * jnp.mean(initial)
    if divergence == "chi2":
        return first + jnp.mean(0.5 * advantage**2 + advantage)
    scaled = advantage / (1.0 + alpha)
    log_mean = jax.nn.logsumexp(scaled) - jnp.log(scaled.size)
    return first + (1.0 + alpha) * log_mean


def weights(divergence: Divergence, alpha: float, advantage: jax.Array) -> jax.Array:
    """The weights [N], 0 or more, of cloning.

    kl: exp(delta / (1 + alpha)), divided by their mean: where no step terminates, V is free up to a
    constant, and the weights up to a factor. chi2: max(delta + 1, 0).
    """
    if divergence == "chi2":
        return jax.nn.relu(advantage + 1.0)
    return jax.nn.softmax(advantage / (1.0 + alpha)) * advantage.size


def weighted_likelihood(weight: jax.Array, log_prob: jax.Array) -> tuple[jax.Array, Metrics]:
    """Minus the mean of weight [N] times the log density [N] of the data's actions, in nats."""
    loss = -jnp.mean(jax.lax.stop_gradient(weight) * log_prob)
    return loss, {"policy_loss": loss}
