"""Bellman targets and the critics' loss, shared by the methods that learn action values."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from imitbench.algos.common.replay_buffer import Experience
from imitbench.core import nets
from imitbench.core.types import Metrics, Params

IsAbsorbing = Callable[[jax.Array], jax.Array]
"""obs [N, O] -> [N] bool: states in which no action but 0 is possible."""


def zero_where_absorbing(
    is_absorbing: IsAbsorbing | None, obs: jax.Array, action: jax.Array
) -> jax.Array:
    """Actions [N, A] with those in absorbing states [N, O] replaced by 0; None: no such states."""
    if is_absorbing is None:
        return action
    return jnp.where(is_absorbing(obs)[:, None], 0.0, action)


def bootstrapped_target(
    rows: Experience,
    next_value: jax.Array,
    discount: float,
    value_range: tuple[float, ...] = (),
) -> jax.Array:
    """The one-step target r + discount V(s') [N], and r where the step terminated.

    Args:
        rows: steps [N]; a step that the time limit cut off has terminated=False and bootstraps.
        next_value: V(s') [N], by whatever estimate the method takes.
        discount: in [0, 1].
        value_range: bounds (low, high) on the target; empty for none.
    """
    target = rows.reward + discount * jnp.where(rows.terminated, 0.0, next_value)
    return jnp.clip(target, *value_range) if value_range else target


def critic_loss(
    critics: nets.CriticNet, weight: float, params: Params, rows: Experience, target: jax.Array
) -> tuple[jax.Array, Metrics]:
    """`weight` times the sum over M critics of the mean of (Q_m(s, a) - target)^2.

    Args:
        critics: M action-value networks.
        weight: factor on the sum; 1 for TD3 and BCQ, 1/2 for SAC.
        params: of the critics.
        rows: steps [N].
        target: [N], a constant.

    Returns:
        The loss [] and the metrics "critic_loss" and "q", the mean value over critics and rows.
    """
    q = critics.apply(params, rows.obs, rows.action)  # [M, N]
    loss = weight * jnp.sum(jnp.mean((q - target) ** 2, axis=-1))
    return loss, {"critic_loss": loss, "q": jnp.mean(q)}
