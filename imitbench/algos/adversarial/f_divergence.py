"""f-divergences of an expert's steps from a policy's, as what a network can estimate.

D_f(p, q) = sum of q f(p / q), with p the expert's and q the policy's, is at least
E_p[g(v)] - E_q[f*(g(v))] for any v, and equal to it for the best one (Nguyen et al. 2010).

Source: Ke et al. 2019 (arXiv:1905.12888), section 4 and table 1; the activations g are those of
Nowozin et al. 2016 (arXiv:1606.00709), table 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

BOUND = 10.0  # on exponents: e^10 is as much as one step may weigh


class Divergence(NamedTuple):
    """Of the network's output v. `expert` is g(v); `policy` is f*(g(v)), which the policy wants to
    be high: it is its reward. Both grow with v."""

    expert: Callable[[jax.Array], jax.Array]
    policy: Callable[[jax.Array], jax.Array]


def _exp(x: jax.Array) -> jax.Array:
    return jnp.exp(jnp.minimum(x, BOUND))


DIVERGENCES = {
    # Of the expert from the policy: covers all that the expert does.
    "kl": Divergence(lambda v: v, lambda v: _exp(v - 1.0)),
    # Of the policy from the expert: seeks one of the things that the expert does.
    "reverse-kl": Divergence(lambda v: -_exp(-v), lambda v: v - 1.0),
    # Twice what is usually called so. GAIL's `positive` reward, less log 2.
    "js": Divergence(
        lambda v: jnp.log(2.0) - jax.nn.softplus(-v), lambda v: jax.nn.softplus(v) - jnp.log(2.0)
    ),
    "tv": Divergence(lambda v: 0.5 * jnp.tanh(v), lambda v: 0.5 * jnp.tanh(v)),
}


def bound(kind: Divergence, expert: jax.Array, policy: jax.Array) -> jax.Array:
    """The lower bound on the divergence, from outputs [N] for the steps of each; a scalar."""
    return jnp.mean(kind.expert(expert)) - jnp.mean(kind.policy(policy))
