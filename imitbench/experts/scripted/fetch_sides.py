"""FetchPickAndPlace by a gripper that comes to the block from a chosen side.

Once the side is chosen, the action is a function of the observation: the gripper flies along a
circle around the block until it is on the chosen side, then straight to the block. So data of two
sides are multimodal, and data of one side come from a law that is as hard to learn.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core.types import Actor, EnvState, Key
from imitbench.experts.scripted.fetch import pick_and_place, ramp

RADIUS = 0.1  # m, of the circle
TURN = jnp.pi / 4  # rad, how far ahead on the circle the gripper aims
CONE, EDGE = jnp.pi / 9, 5 * jnp.pi / 36  # rad: inside of the cone straight to the block; its edge
CORE = 0.02  # m, within which the gripper is over the block


def detour(offset: jax.Array, side: jax.Array) -> jax.Array:
    """Computes where to fly instead of straight to the block.

    Args:
        offset: [2] gripper minus block on the table, in m.
        side: [] 1 to come from the side of larger y, -1 from the other one.

    Returns:
        [3] m, to be added to the block's position.
    """
    angle = jnp.arctan2(offset[0], side * offset[1])  # 0 on the chosen side
    ahead = angle - jnp.sign(angle) * jnp.minimum(jnp.abs(angle), TURN)
    radius = RADIUS * ramp(jnp.abs(angle), CONE, EDGE)
    radius *= ramp(jnp.linalg.norm(offset), CORE, 0.01)
    return radius * jnp.stack([jnp.sin(ahead), side * jnp.cos(ahead), jnp.zeros(())])


def pick_from(obs: jax.Array, side: jax.Array) -> jax.Array:
    """The law for a side.

    Args:
        obs: [O].
        side: [] 1 or -1, as in `detour`.

    Returns:
        [4] the action.
    """
    return pick_and_place(obs, detour(obs[0:2] - obs[3:5], side))


def make_two_sides() -> Actor:
    """Draws a side of the block, +y or -y, once an episode; comes from there, picks and places.

    Returns:
        The actor; its memory is the side [B], 1 or -1.
    """

    def start(key: Key, state: EnvState) -> jax.Array:
        return jax.random.rademacher(key, state.obs.shape[:1], jnp.float32)

    return Actor(start, _act)


def make_one_side() -> Actor:
    """Comes to the block from the side of larger y, picks and places.

    Returns:
        The actor; its memory is the side [B], always 1.
    """
    return Actor(lambda key, state: jnp.ones(state.obs.shape[0]), _act)


def _act(key: Key, side: jax.Array, state: EnvState) -> tuple[jax.Array, jax.Array]:
    return jax.vmap(pick_from)(state.obs, side), side
