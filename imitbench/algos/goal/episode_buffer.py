"""A store of whole episodes, and its pairs of a state and a goal that was achieved later."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common import hindsight
from imitbench.core import buffer
from imitbench.core.types import Key, Spec, Transition


class Episodes(struct.PyTreeNode):
    """Whole episodes [B], in T steps each; those after `length` are not real."""

    obs: jax.Array  # [B, T, O]
    action: jax.Array  # [B, T, A] the executed action
    achieved: jax.Array  # [B, T, G] the achieved goal after each step
    length: jax.Array  # [B] int32: the steps of the episode


class GoalPairs(struct.PyTreeNode):
    """Steps with goals that their episode achieved later."""

    obs: jax.Array  # [N, O] with the new goal
    action: jax.Array  # [N, A]
    steps: jax.Array  # [N] int32: steps from the observation to the goal


def episodes_of(steps: Transition, spec: Spec) -> Episodes:
    """The episodes of a rollout, whose leaves are [T, B, ...]."""
    side = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), steps)
    length = jnp.sum(side.weight > 0, axis=1).astype(jnp.int32)
    return Episodes(side.obs, side.action, hindsight.achieved_goal(side.next_obs, spec), length)


def draw_pairs(key: Key, store: buffer.Ring, batch: int, spec: Spec) -> GoalPairs:
    """Draws pairs: an episode, then two of its states, all pairs of them equally likely; the goal
    is what the later state achieved.

    Args:
        key: random key.
        store: a ring of `Episodes`, with at least one.
        batch: N, how many pairs.
        spec: of the task.
    """
    k_episode, k_one, k_other = jax.random.split(key, 3)
    episode = jax.random.randint(k_episode, (batch,), 0, store.size)
    length = store.rows.length[episode]
    # Of the length + 1 states; the other one is drawn from those that are left.
    one = jnp.floor(jax.random.uniform(k_one, (batch,)) * (length + 1)).astype(jnp.int32)
    other = jnp.floor(jax.random.uniform(k_other, (batch,)) * length).astype(jnp.int32)
    other = other + (other >= one)
    t, goal_t = jnp.minimum(one, other), jnp.maximum(one, other)
    goal = store.rows.achieved[episode, goal_t - 1]  # the state goal_t follows step goal_t - 1
    obs = hindsight.with_goal(store.rows.obs[episode, t], goal, spec)
    return GoalPairs(obs, store.rows.action[episode, t], goal_t - t)
