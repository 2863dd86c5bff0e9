"""Steps for replay: drawn uniformly, with hindsight goals, or by priority.

Source of the hindsight goals: Andrychowicz et al. 2017 (arXiv:1707.01495), strategy "future": new
goals come from states that the same episode reached after the step that is replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common import hindsight
from imitbench.core import buffer, ops
from imitbench.core.types import Key, Spec, Transition


class Experience(struct.PyTreeNode):
    """Steps for replay; leaves share leading axes."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A]
    reward: jax.Array  # [...]
    next_obs: jax.Array  # [..., O] the true successor
    terminated: jax.Array  # [...] bool
    t: jax.Array  # [...] int32: the step's number in its episode


RowSampler = Callable[[Key, int], Experience]
"""(key, n) -> n steps drawn at random, leaves [n, ...]."""


def sample(key: Key, replay: buffer.Ring, batch: int) -> Experience:
    """Steps [N], drawn uniformly from the filled part of a ring of rows [B, ...]."""
    k_slot, k_env = jax.random.split(key)
    envs = replay.rows.reward.shape[1]
    slot = jax.random.randint(k_slot, (batch,), 0, replay.size)
    env = jax.random.randint(k_env, (batch,), 0, envs)
    return jax.tree.map(lambda x: x[slot, env], replay.rows)


def sample_hindsight(
    key: Key,
    replay: buffer.Ring,
    batch: int,
    spec: Spec,
    share: float,
    *,
    early_ends: bool = False,
) -> Experience:
    """`sample`, with some goals replaced by what the same episode achieved later.

    Args:
        key: of all draws.
        replay: a ring of rows [B, ...], where one environment's episodes follow each other.
        batch: N, how many steps to draw.
        spec: of a task with goals.
        share: of the steps that get a new goal, in [0, 1].
        early_ends: look for the end of each episode; else all last until the time limit, and what
            follows an early end counts as the step itself.

    Returns:
        Steps [N]. A new goal is the achieved goal after a step drawn uniformly from this one and
        those that followed it in its episode, as far as the ring holds them; the reward is that of
        the new goal.
    """
    assert spec.goal is not None
    achieved = spec.fields[spec.goal.achieved]
    k_slot, k_env, k_later, k_share = jax.random.split(key, 4)
    envs = replay.rows.reward.shape[1]
    # Slots counted from the first ever written, so that "later" holds across the ring's seam.
    age = jax.random.randint(k_slot, (batch,), 0, replay.size)
    slot = replay.written - replay.size + age
    env = jax.random.randint(k_env, (batch,), 0, envs)
    rows = _rows_at(replay, slot, env)
    last = jnp.minimum(slot + spec.horizon - 1 - rows.t, replay.written - 1)
    if early_ends:
        last = jnp.minimum(last, slot + _steps_left(replay, slot, env, spec.horizon))
    ahead = jnp.floor(jax.random.uniform(k_later, (batch,)) * (last - slot + 1)).astype(jnp.int32)
    later = _rows_at(replay, slot + ahead, env)
    # After an early end the ring holds another episode, whose steps do not count.
    same_episode = later.t == rows.t + ahead
    reached = jnp.where(
        same_episode[:, None], later.next_obs[:, achieved], rows.next_obs[:, achieved]
    )
    return relabel(k_share, rows, reached, spec, share)


def relabel(key: Key, rows: Experience, reached: jax.Array, spec: Spec, share: float) -> Experience:
    """Replaces the goals of some steps.

    Args:
        key: random key.
        rows: steps [N].
        reached: the new goals [N, G].
        spec: of a task with goals.
        share: of the steps that get a new goal, in [0, 1].

    Returns:
        Steps [N]; the reward is that of the new goal.
    """
    chosen = jax.random.bernoulli(key, share, rows.reward.shape)
    return relabel_where(chosen, rows, reached, spec)


def relabel_where(
    chosen: jax.Array, rows: Experience, reached: jax.Array, spec: Spec
) -> Experience:
    """`relabel` of the steps [N] where `chosen` [N] bool says so."""
    goal = spec.goal
    assert goal is not None
    new_goal = jnp.where(chosen[:, None], reached, rows.obs[:, spec.fields[goal.desired]])
    reward = goal.reward(hindsight.achieved_goal(rows.next_obs, spec), new_goal)
    return rows.replace(
        obs=hindsight.with_goal(rows.obs, new_goal, spec),
        next_obs=hindsight.with_goal(rows.next_obs, new_goal, spec),
        reward=jnp.where(chosen, reward, rows.reward),
    )


def _rows_at(replay: buffer.Ring, slot: jax.Array, env: jax.Array) -> Experience:
    """Steps [N] of environments [N] in slots [N], counted from the first ever written."""
    return jax.tree.map(lambda x: x[slot % replay.capacity, env], replay.rows)


def _steps_left(replay: buffer.Ring, slot: jax.Array, env: jax.Array, horizon: int) -> jax.Array:
    """The steps [N] of the episode after those in slots [N] of environments [N], which may count
    steps beyond the newest one."""
    ahead = jnp.arange(1, horizon)
    t = replay.rows.t
    later = t[(slot[:, None] + ahead) % replay.capacity, env[:, None]]
    same = later == t[slot % replay.capacity, env][:, None] + ahead
    return jnp.sum(jnp.cumprod(same, axis=1), axis=1)


def demo_experience(demos: Transition) -> Experience:
    """Demonstrated steps [N] of whole episodes for replay.

    They keep the executed actions, not the intended ones: the rewards belong to those.
    """
    t = buffer.find_episodes(demos).t
    return Experience(demos.obs, demos.action, demos.reward, demos.next_obs, demos.terminated, t)


def demo_hindsight_sampler(demos: Transition, spec: Spec, share: float) -> RowSampler:
    """Draws demonstrated steps of positive weight, some with goals that their episode achieved.

    Args:
        demos: rows [N] of whole episodes.
        spec: of a task with goals.
        share: of the steps that get a new goal, as in `sample_hindsight`.
    """
    assert spec.goal is not None
    achieved = spec.fields[spec.goal.achieved]
    rows, rest = demo_experience(demos), buffer.find_episodes(demos).rest
    real, count = buffer.real_rows(demos.weight)

    def draw(key: Key, batch: int) -> Experience:
        k_step, k_block, k_later, k_share = jax.random.split(key, 4)
        # A step of a block of the time limit's length; where the last block is not full and the
        # step lies beyond its end, any step.
        step = jax.random.randint(k_step, (batch,), 0, spec.horizon)
        block = jax.random.randint(k_block, (batch,), 0, -(-count // spec.horizon))
        place = block * spec.horizon + step
        again = jax.random.randint(ops.fold_in_name(k_step, "again"), (batch,), 0, count)
        index = real[jnp.where(place < count, place, again)]
        later = hindsight.later_rows(k_later, index, rest[index])
        reached = buffer.take(rows.next_obs, later)[:, achieved]
        return relabel(k_share, buffer.take(rows, index), reached, spec, share)

    return draw


def agent_sampler(
    replay: buffer.Ring, spec: Spec, her: float, *, early_ends: bool = False
) -> RowSampler:
    """Draws steps from a replay.

    Args:
        replay: a ring of rows [B, ...].
        spec: of the task; with `her` above 0 it has goals.
        her: hindsight goals for each original goal (k in the paper); 0 for none.
        early_ends: as in `sample_hindsight`.
    """
    if not her:
        return lambda key, batch: sample(key, replay, batch)
    return lambda key, batch: sample_hindsight(
        key, replay, batch, spec, her / (her + 1.0), early_ends=early_ends
    )


def demo_sampler(demos: Transition, spec: Spec, her: float) -> RowSampler:
    """Draws demonstrated steps.

    Args:
        demos: rows [N] of whole episodes.
        spec: of the task; with `her` above 0 it has goals.
        her: hindsight goals for each original goal; 0 for none.
    """
    if not her:
        return buffer.real_row_sampler(demo_experience(demos), demos.weight)
    return demo_hindsight_sampler(demos, spec, her / (her + 1.0))


def priority_sampler(
    rows: Any, priority: jax.Array, batch: int, beta: float
) -> Callable[[Key], tuple[Any, jax.Array]]:
    """Draws rows in proportion to their priorities (Schaul et al. 2016, arXiv:1511.05952, section
    3.4).

    Args:
        rows: pytree with leaves [N, ...].
        priority: [N], 0 for rows that are never drawn.
        batch: number of rows to draw.
        beta: how far the weights correct for unequal probabilities p, 0 to 1.

    Returns:
        key -> (rows [batch, ...], weights [batch]). A weight is (M p)^-beta for M rows of positive
        priority, divided by that of the row of least positive priority, the largest there is.
    """
    probability = priority / jnp.sum(priority)
    count = jnp.sum(priority > 0)
    edges = jnp.cumsum(probability)
    least = jnp.min(jnp.where(priority > 0, probability, 1.0))
    largest_weight = (count * least) ** -beta

    def draw(key: Key) -> tuple[Any, jax.Array]:
        index = jnp.searchsorted(edges, jax.random.uniform(key, (batch,)) * edges[-1])
        index = jnp.minimum(index, priority.size - 1)
        weight = (count * jnp.maximum(probability[index], 1e-12)) ** -beta
        return buffer.take(rows, index), weight / largest_weight

    return draw
