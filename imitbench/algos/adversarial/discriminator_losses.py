"""Losses of a discriminator, as functions of its logits.

The logit f is high for the expert, and D = sigmoid(f) is the probability that a step is the
expert's. That is the convention of the official code, and the opposite of the paper's.

Sources: Ho and Ermon 2016 (arXiv:1606.03476), equation 17; Gulrajani et al. 2017
(arXiv:1704.00028), equation 3.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp


def cross_entropy(expert: jax.Array, policy: jax.Array) -> jax.Array:
    """The loss of equation 17 of Ho and Ermon: E_expert[-log D] + E_policy[-log(1 - D)].

    Args:
        expert: [N] logits of the expert's steps.
        policy: [M] logits of the policy's steps.

    Returns:
        A scalar in nats, at least 0; log 4 for a discriminator that cannot tell them apart.
    """
    return jnp.mean(jax.nn.softplus(-expert)) + jnp.mean(jax.nn.softplus(policy))


def entropy(logit: jax.Array) -> jax.Array:
    """Mean entropy of D over steps with logits [N], in nats: at most log 2, where D is 1/2."""
    d = jax.nn.sigmoid(logit)
    return jnp.mean((1.0 - d) * logit + jax.nn.softplus(-logit))


def gradient_penalty(
    logit: Callable[[jax.Array], jax.Array], mixing: jax.Array, inputs: jax.Array
) -> jax.Array:
    """Equation 3 of Gulrajani et al.: E[(||grad f(x)|| - 1)^2], x between expert and policy.

    Args:
        logit: inputs [N, I] -> logits [N].
        mixing: [N, 1] in [0, 1]: share of the expert's input in x.
        inputs: [2, N, I]: the expert's, the policy's.

    Returns:
        A scalar, at least 0; without the weight lambda.
    """
    between = mixing * inputs[0] + (1.0 - mixing) * inputs[1]
    slope = jax.vmap(jax.grad(lambda x: logit(x[None])[0]))(between)
    # The root's derivative at 0 is infinite.
    norm = jnp.sqrt(jnp.sum(slope**2, axis=-1) + 1e-12)
    return jnp.mean((norm - 1.0) ** 2)
