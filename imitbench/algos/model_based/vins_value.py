"""The value function of VINS: the steps it is trained on, its targets and its loss.

Source: Luo, Xu and Ma 2019 (arXiv:1907.05634), Algorithm 2. Equation numbers are those of the list
in `vins`. Values are minus the number of steps to the goal: 0 at the goal, and higher is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.goal_features import FeatureMap
from imitbench.core import buffer
from imitbench.core.types import Key, Metrics, Spec, Transition

GoalHandling = Literal["absorbing", "first", "last"]


class Rows(struct.PyTreeNode):
    """Steps [N], as value and model get them."""

    state: jax.Array  # [N, D]
    next_state: jax.Array  # [N, D]
    extra: jax.Array  # [N, M] the model's extra inputs
    desired: jax.Array  # [N, G] the desired goal
    action: jax.Array  # [N, A] as executed
    reward: jax.Array  # [N] -1, or 0 where the state is at the goal
    terminal: jax.Array  # [N] bool: the state is at the goal and worth 0
    next_terminal: jax.Array  # [N] bool: the next state is worth 0
    weight: jax.Array  # [N] 0 for rows that are not trained on


def make_rows(
    feature_map: FeatureMap, steps: Transition, goal: GoalHandling, extra_fields: Sequence[str]
) -> Rows:
    """Converts environment steps.

    Args:
        feature_map: which part of the observation is the state.
        steps: [N] steps; whole episodes, one after the other, where `goal` is `first`.
        goal: as in `vins.Config.goal`.
        extra_fields: fields of the observation that are the model's extra inputs.

    Returns:
        Rows [N].
    """
    terminal, weight = feature_map.reached(steps.obs), steps.weight
    next_terminal = feature_map.reached(steps.next_obs)
    reward = jnp.where(terminal, 0.0, -1.0)
    if goal == "last":
        reward, terminal = steps.reward, jnp.zeros_like(terminal)
        next_terminal = steps.terminated | steps.truncated
    if goal == "first":
        after = buffer.happened_before(terminal, buffer.find_episodes(steps))
        weight = jnp.where(terminal | after, 0.0, weight)
    return Rows(
        state=feature_map.state(steps.obs),
        next_state=feature_map.state(steps.next_obs),
        extra=extra_inputs(feature_map.spec, extra_fields, steps.obs),
        desired=feature_map.desired(steps.obs),
        action=steps.action,
        reward=reward,
        terminal=terminal,
        next_terminal=next_terminal,
        weight=weight,
    )


def extra_inputs(spec: Spec, fields: Sequence[str], obs: jax.Array) -> jax.Array:
    """The named fields [..., M] of observations [..., O], joined; M may be 0."""
    return jnp.concatenate([obs[..., :0], *(obs[..., spec.fields[f]] for f in fields)], axis=-1)


def td_target(
    reward: jax.Array, terminal: jax.Array, next_value: jax.Array, discount: float
) -> jax.Array:
    """The value that V is fitted to at s, equation (1): r + V'(s').

    Args:
        reward: [N], -1 or 0.
        terminal: [N] bool: s is worth its reward alone, which is 0 at the goal.
        next_value: [N] target network's value of s', 0 where s' is at the goal.
        discount: factor of `next_value`; 1 in the paper.

    Returns:
        [N] targets.
    """
    return reward + jnp.where(terminal, 0.0, discount * next_value)


def interpolate(
    key: Key, rows: Rows, target: jax.Array, next_value: jax.Array, number: int
) -> tuple[jax.Array, jax.Array]:
    """States between s and s', and their targets: both are interpolated linearly.

    Args:
        key: random key.
        rows: steps [N].
        target: [N] values that V is fitted to at s.
        next_value: [N] target network's value of s'.
        number: states for each step (J).

    Returns:
        States [J, N, D] and targets [J, N].
    """
    t = jax.random.uniform(key, (number, *target.shape))  # 1 at s, 0 at s'
    states = t[..., None] * rows.state + (1 - t[..., None]) * rows.next_state
    return states, t * target + (1 - t) * next_value


def value_loss(
    value: jax.Array, target: jax.Array, data_rows: int, mu: float
) -> tuple[jax.Array, Metrics]:
    """The loss of the value, equation (4): L_td + mu L_ns, the latter by equation (3).

    Args:
        value: [P] V of the states on the data, then of the negative samples.
        target: [P] what they are fitted to; no gradient flows through it.
        data_rows: how many of the P states are on the data.
        mu: weight of the negative samples; with 0 there are none.

    Returns:
        The loss, and metrics.
    """
    squared_error = (value - target) ** 2
    td = jnp.mean(squared_error[:data_rows])
    if not mu:
        return td, {"td_loss": td}
    ns = jnp.mean(squared_error[data_rows:])
    return td + mu * ns, {"td_loss": td, "ns_loss": ns}
