"""The expert of Forks: it draws gaps and a smooth way through them once an episode."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core.types import Actor, EnvState, Key
from imitbench.envs.toys import forks

SPEED = 0.9  # of the largest, along the way
GAIN = 0.5  # share of the distance to the way that is corrected in a step
SPREAD = 0.01  # m: the way passes a gap within this distance of its middle
BEYOND = 0.075  # m: the outer gaps' middles lie this far from the outer cylinders

KNOTS = (forks.START[1], *forks.ROWS, forks.FINISH + 0.05)  # m, the y of the knots


def middles(row: int) -> jax.Array:
    """Returns the middles of the gaps of a row.

    Args:
        row: 0, 1 or 2.

    Returns:
        [gaps] m, from small x on.
    """
    columns = jnp.array(forks.COLUMNS[row])
    return jnp.concatenate(
        [columns[:1] - BEYOND, (columns[1:] + columns[:-1]) / 2, columns[-1:] + BEYOND]
    )


def way(plan: jax.Array, y: jax.Array) -> jax.Array:
    """Computes the x of a way at a height.

    Between two knots the way is the cubic that has no slope at either.

    Args:
        plan: [5] m, the x at each of `KNOTS`.
        y: [] m.

    Returns:
        [] m.
    """
    knots = jnp.array(KNOTS)
    part = jnp.clip(jnp.searchsorted(knots, y, side="right") - 1, 0, len(KNOTS) - 2)
    low, high = knots[part], knots[part + 1]
    share = jnp.clip((y - low) / (high - low), 0.0, 1.0)
    return plan[part] + share**2 * (3.0 - 2.0 * share) * (plan[part + 1] - plan[part])


def draw_plan(key: Key, obs: jax.Array) -> jax.Array:
    """Draws a gap of each row, all with the same probability, and a place in each gap.

    Args:
        key: random key.
        obs: [4] the first observation.

    Returns:
        [5] m, the x at each of `KNOTS`.
    """
    k_gap, k_place = jax.random.split(key)
    mode = jax.random.randint(k_gap, (), 0, forks.MODES)
    gaps = (mode // 12, mode // 4 % 3, mode % 4)
    xs = jnp.stack([middles(row)[gap] for row, gap in enumerate(gaps)])
    xs += jax.random.uniform(k_place, (3,), minval=-SPREAD, maxval=SPREAD)
    return jnp.concatenate([obs[:1], xs, xs[-1:]])


def follow(plan: jax.Array, obs: jax.Array) -> jax.Array:
    """Moves the desired position along a way, and back to it after a disturbance.

    Args:
        plan: [5] m, as `draw_plan` returns it.
        obs: [4].

    Returns:
        [2] the action.
    """
    x, y = obs[0], obs[1]
    slope = jax.grad(way, argnums=1)(plan, y)
    tangent = jnp.stack([slope, jnp.ones(())]) / jnp.sqrt(1.0 + slope**2)
    normal = jnp.stack([tangent[1], -tangent[0]])
    # The distance across the way; (x - way) alone overstates it where the way is flat.
    across = (way(plan, y) - x) * tangent[1]
    move = SPEED * tangent + GAIN * across / forks.STEP * normal
    return jnp.clip(move, -1.0, 1.0)


def make() -> Actor:
    """Draws a gap of each row and a smooth way through them once an episode, and follows the way.

    Returns:
        The actor; its memory is the plan [B, 5].
    """

    def start(key: Key, state: EnvState) -> jax.Array:
        return jax.vmap(draw_plan)(jax.random.split(key, state.obs.shape[0]), state.obs)

    def act(key: Key, plan: jax.Array, state: EnvState) -> tuple[jax.Array, jax.Array]:
        return jax.vmap(follow)(plan, state.obs), plan

    return Actor(start, act)
