"""FetchPickAndPlace by a gripper that waits above the block before it goes down.

While it waits nothing in the observation changes, so the observation does not tell how long it has
waited: a policy that sees one observation and decides one action cannot know when to go on.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core.types import Actor, EnvState, Key
from imitbench.experts.scripted.fetch import pick_and_place

SHORTEST, LONGEST = 6, 14  # steps of a pause, drawn uniformly
ACROSS, ABOVE = 0.03, 0.03  # m: the pause begins within this distance across, this far above

Memory = tuple[jax.Array, jax.Array]
"""The steps [B] int32 that are left to wait, and whether the pause has begun [B]."""


def is_above(obs: jax.Array) -> jax.Array:
    """Says of observations [..., O] whether the gripper is above the block; [...] bool."""
    offset = obs[..., 0:3] - obs[..., 3:6]
    return (jnp.linalg.norm(offset[..., :2], axis=-1) < ACROSS) & (offset[..., 2] > ABOVE)


def wait(memory: Memory, obs: jax.Array) -> tuple[jax.Array, Memory]:
    """Decides who waits.

    Args:
        memory: as above.
        obs: [B, O].

    Returns:
        [B] bool, and the memory afterwards.
    """
    left, begun = memory
    begun = begun | is_above(obs)
    waits = begun & (left > 0)
    return waits, (left - waits, begun)


def make() -> Actor:
    """Picks and places; when the gripper is above the block, it waits 6 to 14 steps first.

    Returns:
        The actor; its memory is `Memory`.
    """

    def start(key: Key, state: EnvState) -> Memory:
        num = state.obs.shape[0]
        left = jax.random.randint(key, (num,), SHORTEST, LONGEST + 1)
        return left, jnp.zeros(num, bool)

    def act(key: Key, memory: Memory, state: EnvState) -> tuple[jax.Array, Memory]:
        waits, memory = wait(memory, state.obs)
        still = jnp.array([0.0, 0.0, 0.0, 1.0])  # the fingers stay open
        action = jax.vmap(pick_and_place)(state.obs)
        return jnp.where(waits[:, None], still, action), memory

    return Actor(start, act)
