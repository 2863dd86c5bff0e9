"""Hindsight goals: what an episode achieved later, in place of the goal that it had.

Source: Andrychowicz et al. 2017 (arXiv:1707.01495), strategy "future".

Rows [N] are whole episodes, one after the other. Row i leads from state s_t to s_{t+1}; the goal
that row j >= i of the same episode achieves is that of the state after row j, so the goal of row i
itself is 1 step away, and that of row j is j - i + 1 steps away.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core.types import GoalSpec, Key, Spec
from imitbench.utils.errors import UserError


def require_goals(spec: Spec, setting: str) -> GoalSpec:
    """Returns the goal of a task whose goals can be relabelled.

    Args:
        spec: the task's.
        setting: the method, or the setting with its value, for the message.

    Raises:
        UserError: the task has no goals, or its episodes have a single step.
    """
    if spec.goal is None:
        raise UserError(
            f"{setting}: needs a task with goals, whose observation says what is achieved and what "
            "is desired; take one such as FetchReach, or bc with relabel=0"
        )
    if spec.horizon < 2:
        raise UserError(
            f"{setting}: episodes of this task have 1 step, so there is no later state to take "
            "goals from; take a task with longer ones, or bc with relabel=0"
        )
    return spec.goal


def achieved_goal(obs: jax.Array, spec: Spec) -> jax.Array:
    """What observations [..., O] of a task with goals have achieved, [..., G]."""
    assert spec.goal is not None
    return obs[..., spec.fields[spec.goal.achieved]]


def reached(obs: jax.Array, spec: Spec) -> jax.Array:
    """Whether observations [..., O] of a task with goals are at their desired goal, [...] bool."""
    assert spec.goal is not None
    return spec.goal.reached(achieved_goal(obs, spec), obs[..., spec.fields[spec.goal.desired]])


def with_goal(obs: jax.Array, goal: jax.Array, spec: Spec) -> jax.Array:
    """Observations [..., O] with these desired goals [..., G]."""
    assert spec.goal is not None
    return obs.at[..., spec.fields[spec.goal.desired]].set(goal)


def later_rows(key: Key, index: jax.Array, rest: jax.Array) -> jax.Array:
    """Draws a row for each of some rows, uniformly from it and those after it in its episode.

    Args:
        key: random key.
        index: [N] rows.
        rest: [N] how many rows of the episode follow each of them.

    Returns:
        [N] rows, from `index` to `index + rest`.
    """
    number = jax.random.uniform(key, index.shape) * (rest + 1)
    return index + jnp.floor(number).astype(jnp.int32)


def row_edges(weight: jax.Array, rest: jax.Array) -> jax.Array:
    """The cumulative numbers [N] int32 of pairs of a row of positive weight with itself or a later
    row of its episode, for `draw_first_rows`.

    Args:
        weight: [N] of the rows.
        rest: [N] how many rows of the episode follow each.
    """
    return jnp.cumsum(jnp.where(weight > 0, rest + 1, 0).astype(jnp.int32))


def draw_first_rows(key: Key, edges: jax.Array, batch: int) -> jax.Array:
    """Draws rows in proportion to the number of goals that they have, so that with `later_rows`
    all pairs of a row and a later one are equally likely.

    Args:
        key: random key.
        edges: of `row_edges`.
        batch: how many.

    Returns:
        [batch] rows.
    """
    number = jax.random.randint(key, (batch,), 0, edges[-1])
    return jnp.searchsorted(edges, number, side="right").astype(jnp.int32)


def steps_left_code(steps: jax.Array, horizon: int) -> jax.Array:
    """Codes numbers of steps as the official code of GCSL does.

    Args:
        steps: [...] int, 1 to `horizon`; larger ones count as `horizon`.
        horizon: T.

    Returns:
        [..., T] float32: the last T - steps + 1 components are 1, the others 0.
    """
    levels = jnp.arange(1, horizon + 1)
    return (levels >= jnp.minimum(steps, horizon)[..., None]).astype(jnp.float32)
