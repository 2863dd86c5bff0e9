"""Generalised advantage estimates of steps in the order of time, and of rows of episodes."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def advantages(
    reward: jax.Array,
    value: jax.Array,
    next_value: jax.Array,
    terminated: jax.Array,
    truncated: jax.Array,
    discount: float,
    lam: float,
) -> jax.Array:
    """Computes generalised advantage estimates (Schulman et al. 2016, arXiv:1506.02438, eq. 16).

    A time limit bootstraps from the value of the true successor, a termination from 0; neither lets
    anything through from the next episode. The TD(lambda) returns are the advantages plus `value`.

    Args:
        reward: [T, B].
        value: [T, B] values of the observations.
        next_value: [T, B] values of the true successors.
        terminated: [T, B] bool.
        truncated: [T, B] bool.
        discount: the discount factor, in [0, 1].
        lam: lambda, in [0, 1]: 0 is one-step TD, 1 is Monte Carlo.

    Returns:
        [T, B]; positive where the action did better than `value` predicts.
    """
    delta = reward + discount * jnp.where(terminated, 0.0, next_value) - value
    decay = discount * lam * (1.0 - (terminated | truncated))

    def step(later: jax.Array, x: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        advantage = x[0] + x[1] * later
        return advantage, advantage

    return jax.lax.scan(step, jnp.zeros_like(delta[0]), (delta, decay), reverse=True)[1]


def row_advantages(
    reward: jax.Array,
    value: jax.Array,
    next_value: jax.Array,
    terminated: jax.Array,
    truncated: jax.Array,
    discount: float,
    lam: float,
    block: int,
) -> jax.Array:
    """Computes `advantages` of rows: episodes of any lengths, one after the other.

    The rows are cut into blocks, which are summed side by side; then the sums pass from each block
    to the one before. Episodes of `block` steps each give the same bits as `advantages`.

    Args:
        reward: [N].
        value: [N] values of the observations.
        next_value: [N] values of the true successors.
        terminated: [N] bool.
        truncated: [N] bool; each episode ends with one of the two.
        discount: the discount factor, in [0, 1].
        lam: lambda, in [0, 1].
        block: the rows of a block; it decides the speed alone.

    Returns:
        [N], as of `advantages`.
    """
    delta = reward + discount * jnp.where(terminated, 0.0, next_value) - value
    decay = discount * lam * (1.0 - (terminated | truncated))
    rows = delta.shape[0]
    blocks = -(-rows // block)

    def by_time(x: jax.Array) -> jax.Array:
        return jnp.pad(x, (0, blocks * block - rows)).reshape(blocks, block).T

    def step(carry: tuple[jax.Array, jax.Array], x: tuple[jax.Array, jax.Array]):
        later, share = carry
        both = x[0] + x[1] * later, x[1] * share
        return both, both

    # Each row's sum within its block, and the share that it gets of what follows the block.
    inside = (jnp.zeros(blocks), jnp.ones(blocks))
    (first, first_share), (sums, share) = jax.lax.scan(
        step, inside, (by_time(delta), by_time(decay)), reverse=True
    )

    def pass_on(later: jax.Array, x: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        return x[0] + jnp.where(x[1] == 0, 0.0, x[1] * later), later

    _, after = jax.lax.scan(pass_on, jnp.float32(0.0), (first, first_share), reverse=True)
    return (sums + jnp.where(share == 0, 0.0, share * after)).T.reshape(-1)[:rows]
