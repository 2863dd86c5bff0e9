"""f-divergences of an expert's steps from a policy's, in a form that a network can estimate.

With p the density of the expert's steps and q that of the policy's, D_f(p, q) = E_q[f(p / q)]. For
every function v it is at least E_p[g(v)] - E_q[f*(g(v))], and equal to that for the best v (Nguyen
et al. 2010).

Sources: Ke et al. 2019 (arXiv:1905.12888), section 4 and Table 1; the activations g are those of
Nowozin et al. 2016 (arXiv:1606.00709), Table 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

MAX_EXPONENT = 10.0  # exponents are cut off here, so that one step weighs at most e^10


class Divergence(NamedTuple):
    """Two functions of the network's output v; both grow with v, which is high for the expert. Also
    the policy's reward where nothing is to be told apart."""

    expert: Callable[[jax.Array], jax.Array]
    """g(v)"""
    policy: Callable[[jax.Array], jax.Array]
    """f*(g(v)), which is the policy's reward"""
    reward_at_equality: float
    """f*(g(v)) for the best v where p = q; that is f'(1), since f(1) = 0."""


def _exp(x: jax.Array) -> jax.Array:
    return jnp.exp(jnp.minimum(x, MAX_EXPONENT))


DIVERGENCES = {
    # KL(p, q): the policy covers everything that the expert does.
    "kl": Divergence(lambda v: v, lambda v: _exp(v - 1.0), 1.0),
    # KL(q, p): the policy seeks one of the things that the expert does.
    "reverse-kl": Divergence(lambda v: -_exp(-v), lambda v: v - 1.0, -1.0),
    # Twice the usual Jensen-Shannon divergence. The reward is GAIL's `positive` one, less log 2.
    "js": Divergence(
        lambda v: jnp.log(2.0) - jax.nn.softplus(-v),
        lambda v: jax.nn.softplus(v) - jnp.log(2.0),
        0.0,
    ),
    # f has a corner at 1; 0 is in the middle of its slopes there.
    "tv": Divergence(lambda v: 0.5 * jnp.tanh(v), lambda v: 0.5 * jnp.tanh(v), 0.0),
}


def bound(divergence: Divergence, expert: jax.Array, policy: jax.Array) -> jax.Array:
    """The lower bound E_p[g(v)] - E_q[f*(g(v))] on the divergence.

    Args:
        divergence: which one.
        expert: [N] outputs v for the expert's steps.
        policy: [M] outputs v for the policy's steps.

    Returns:
        A scalar; the discriminator maximises it.
    """
    return jnp.mean(divergence.expert(expert)) - jnp.mean(divergence.policy(policy))
