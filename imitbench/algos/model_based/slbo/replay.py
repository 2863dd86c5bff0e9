"""The real steps of SLBO: kept in the order of time, drawn as segments."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.model_based.slbo.model import Segments
from imitbench.core import buffer
from imitbench.core.types import Key, Spec, Transition


class Row(struct.PyTreeNode):
    """One step of B environments."""

    obs: jax.Array  # [B, O]
    action: jax.Array  # [B, A] as executed
    next_obs: jax.Array  # [B, O] the true successor
    ended: jax.Array  # [B] bool: terminated, or the time limit


def empty(spec: Spec, envs: int, capacity: int) -> buffer.Ring:
    """Builds an empty store.

    Args:
        spec: of the task.
        envs: B.
        capacity: steps of all environments that it holds.
    """
    obs, action = jnp.zeros((1, envs, spec.obs_size)), jnp.zeros((1, envs, spec.action_size))
    return buffer.ring(Row(obs, action, obs, jnp.zeros((1, envs), bool)), capacity // envs)


def rows(steps: Transition) -> Row:
    """The rows [T, B] of collected steps [T, B]."""
    return Row(steps.obs, steps.action, steps.next_obs, steps.terminated | steps.truncated)


def cut(store: buffer.Ring) -> buffer.Ring:
    """Marks the newest steps as the last of their episodes: other episodes are written next."""
    newest = (store.written - 1) % store.capacity
    ended = store.rows.ended.at[newest].set(True)
    return store.replace(rows=store.rows.replace(ended=ended))


def draw(key: Key, store: buffer.Ring, batch: int, horizon: int) -> Segments:
    """Draws segments, whose first steps are uniform over all steps.

    Args:
        key: random key.
        store: at least one row.
        batch: N.
        horizon: H, at most the capacity.

    Returns:
        Segments [H, N]. `goes_on` is False at the end of an episode, and at the newest step, which
        the oldest one follows in the store.
    """
    k_age, k_env = jax.random.split(key)
    env = jax.random.randint(k_env, (batch,), 0, store.rows.ended.shape[1])
    age = jax.random.randint(k_age, (batch,), 0, store.size)
    age = age + jnp.arange(horizon)[:, None]  # from the oldest
    slot = (store.written - store.size + age % store.size) % store.capacity
    found = jax.tree.map(lambda x: x[slot, env], store.rows)
    newest = age % store.size == store.size - 1
    return Segments(found.obs, found.action, found.next_obs, ~(found.ended | newest))
