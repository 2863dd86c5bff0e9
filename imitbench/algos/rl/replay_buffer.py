"""Steps for replay, with hindsight goals where a task has goals.

Hindsight experience replay: Andrychowicz et al. 2017 (arXiv:1707.01495), strategy "future".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import buffer, nets
from imitbench.core.types import Key, Metrics, Params, Spec, Transition


class Experience(struct.PyTreeNode):
    """Steps for replay; leaves share leading axes."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A]
    reward: jax.Array  # [...]
    next_obs: jax.Array  # [..., O] the true successor
    terminated: jax.Array  # [...] bool
    t: jax.Array  # [...] int32: the step's number in its episode


IsAbsorbing = Callable[[jax.Array], jax.Array]
"""obs [N, O] -> [N] bool: states in which nothing but the action 0 is possible."""


def zero_where_absorbing(still: IsAbsorbing | None, obs: jax.Array, action: jax.Array) -> jax.Array:
    """Actions [N, A] as they can be done in states [N, O]."""
    return action if still is None else jnp.where(still(obs)[:, None], 0.0, action)


def sample(key: Key, replay: buffer.Ring, batch: int) -> Experience:
    """Steps [N], uniformly from the filled part of a ring of rows [B, ...]."""
    k_slot, k_env = jax.random.split(key)
    envs = replay.rows.reward.shape[1]
    slot = jax.random.randint(k_slot, (batch,), 0, replay.size)
    env = jax.random.randint(k_env, (batch,), 0, envs)
    return jax.tree.map(lambda x: x[slot, env], replay.rows)


def sample_hindsight(
    key: Key, replay: buffer.Ring, batch: int, spec: Spec, share: float
) -> Experience:
    """As `sample`, with `share` of the goals replaced by what the episode achieved later.

    The later step is uniform over this one and those that followed it in its episode, as far as
    they have been collected and kept. Reward is that of the new goal.
    """
    goal = spec.goal
    assert goal is not None
    achieved, desired = spec.fields[goal.achieved], spec.fields[goal.desired]
    k_slot, k_env, k_later, k_share = jax.random.split(key, 4)
    envs = replay.rows.reward.shape[1]
    # Slots counted from the first ever written, so that "later" survives the ring's seam.
    age = jax.random.randint(k_slot, (batch,), 0, replay.size)
    slot = replay.written - replay.size + age
    env = jax.random.randint(k_env, (batch,), 0, envs)

    def at(slot: jax.Array) -> Experience:
        return jax.tree.map(lambda x: x[slot % replay.capacity, env], replay.rows)

    rows = at(slot)
    last = jnp.minimum(slot + spec.horizon - 1 - rows.t, replay.written - 1)
    ahead = jnp.floor(jax.random.uniform(k_later, (batch,)) * (last - slot + 1)).astype(jnp.int32)
    later = at(slot + ahead)
    # An episode that ended early is followed by another one: its steps do not count.
    same = later.t == rows.t + ahead
    reached = jnp.where(same[:, None], later.next_obs[:, achieved], rows.next_obs[:, achieved])
    swap = jax.random.bernoulli(k_share, share, (batch,))
    new_goal = jnp.where(swap[:, None], reached, rows.obs[:, desired])
    reward = goal.reward(rows.next_obs[:, achieved], new_goal)
    return rows.replace(
        obs=rows.obs.at[:, desired].set(new_goal),
        next_obs=rows.next_obs.at[:, desired].set(new_goal),
        reward=jnp.where(swap, reward, rows.reward),
    )


def critic_loss(critics: nets.CriticNet, weight: float = 1.0) -> Callable[..., Any]:
    """(params, rows [N], target [N]) -> the critics' squared errors, each averaged over the rows,
    their sum weighed; and metrics."""

    def loss(params: Params, rows: Experience, target: jax.Array) -> tuple[jax.Array, Metrics]:
        q = critics.apply(params, rows.obs, rows.action)
        total = weight * jnp.sum(jnp.mean((q - target) ** 2, axis=-1))
        return total, {"critic_loss": total, "q": jnp.mean(q)}

    return loss


def experience(demos: Transition, horizon: int) -> Experience:
    """Rows [K * T] of whole episodes; the executed actions, for they are what the rewards were
    for."""
    t = jnp.arange(demos.reward.shape[0]) % horizon
    return Experience(demos.obs, demos.action, demos.reward, demos.next_obs, demos.terminated, t)


def demo_ring(rows: Experience, horizon: int) -> buffer.Ring:
    """Rows [K * T] of whole episodes as a full ring: rows [K, ...] at each of the T steps."""
    return buffer.Ring(buffer.time_major(rows, horizon), jnp.int32(horizon))
