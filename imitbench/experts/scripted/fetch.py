"""The laws of the Fetch tasks: pure functions of the observation, so they can be asked anywhere.

Notation: p gripper, b block, g goal, all in metres; a displacement action of 1 is 5 cm, so a gain
of 10 per metre closes half of a distance in a step.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

Law = Callable[[jax.Array], jax.Array]  # obs [O] -> action [A]


def clip(x: jax.Array) -> jax.Array:
    """Clips actions to [-1, 1]."""
    return jnp.clip(x, -1.0, 1.0)


def ramp(x: jax.Array, start: float, width: float) -> jax.Array:
    """Rises from 0 at `start` to 1 at `start + width`, linearly."""
    return jnp.clip((x - start) / width, 0.0, 1.0)


def _action(move: jax.Array, fingers: jax.Array | float) -> jax.Array:
    return jnp.append(move, fingers)


def reach(obs: jax.Array) -> jax.Array:
    """Straight to the goal."""
    p, g = obs[0:3], obs[-3:]
    return _action(clip(10.0 * (g - p)), 0.0)


def _line(p: jax.Array, b: jax.Array, g: jax.Array) -> tuple[jax.Array, ...]:
    """On the table, of the line from block to goal: its length [], its direction [2], and where the
    gripper is seen from the block: along it [], and beside it [2]."""
    gap = (g - b)[:2]
    d = jnp.linalg.norm(gap)
    u = gap / jnp.maximum(d, 1e-6)
    r = (p - b)[:2]
    along = jnp.dot(r, u)
    return d, u, along, r - along * u


def _get_behind(
    p: jax.Array, b: jax.Array, u: jax.Array, back: float, low: float, clear: float
) -> jax.Array:
    """Rise, fly to the place `back` behind the block, come down to the height `low`.

    Sideways only high above the block, `clear` away from it, or already behind it: flying over at
    less than 0.51 m sweeps it off the table.
    """
    start = b[:2] - back * u
    e = jnp.linalg.norm(start - p[:2])
    far = ramp(e, 0.01, 0.02)
    away = jnp.linalg.norm((p - b)[:2])
    free = jnp.maximum(ramp(p[2], 0.455, 0.02), ramp(away, clear, 0.02))
    free = jnp.maximum(free, 1.0 - far)
    height = low + (0.51 - low) * far
    return clip(jnp.append(15.0 * free * (start - p[:2]), 15.0 * (height - p[2])))


def push(obs: jax.Array) -> jax.Array:
    """Rise, fly to behind the block, come down, push it along the line to the goal, slow down
    there."""
    p, b, g = obs[0:3], obs[3:6], obs[-3:]
    d, u, along, lateral = _line(p, b, g)
    behind = ramp(-along, 0.015, 0.01)
    behind *= ramp(0.025 - jnp.linalg.norm(lateral), 0.0, 0.01) * ramp(0.475 - p[2], 0.0, 0.02)
    forward = u * jnp.clip(15.0 * d, 0.0, 1.0) - 10.0 * lateral
    pushing = clip(jnp.append(forward, 15.0 * (0.425 - p[2])))
    approach = _get_behind(p, b, u, 0.06, 0.425, 0.07)
    move = (behind * pushing + (1.0 - behind) * approach) * ramp(d, 0.01, 0.01)
    return _action(move, 0.0)


def slide(obs: jax.Array) -> jax.Array:
    """Get behind the puck, hit it with the speed that friction takes away on the way to the goal,
    follow while it is too slow, then stand still. It solves about half of the goals.

    The puck loses 0.0016 m per step in each step; a gripper told to move at action 1 hits it to
    0.043 m per step (both measured).
    """
    p, b, g = obs[0:3], obs[3:6], obs[-3:]
    velocity = (obs[14:17] + obs[20:23])[:2]  # of the puck, in m per step
    d, u, along, lateral = _line(p, b, g)
    low, beside = 0.438, jnp.linalg.norm(lateral)
    wanted = jnp.sqrt(2.0 * 0.0016 * d)
    moving = ramp(jnp.linalg.norm(velocity), 0.002, 0.002)
    slow = ramp(0.79 * wanted - jnp.dot(velocity, u), -0.001, 0.001)
    near = ramp(-along, 0.0, 0.001) * ramp(0.2 + along, 0.0, 0.05) * ramp(0.03 - beside, 0, 0.01)
    ready = ramp(-along, 0.03, 0.02) * ramp(0.0145 - beside, 0.0, 0.00725)
    ready *= ramp(low + 0.03 - p[2], 0.0, 0.01)
    follow = moving * slow * near
    hit = jnp.maximum((1.0 - moving) * ready, follow)
    hitting = clip(jnp.append(u * wanted / 0.0434 - 10.0 * lateral, 15.0 * (low - p[2])))
    approach = _get_behind(p, b, u, 0.14, low, 0.09)
    return _action((1.0 - moving + follow) * (hit * hitting + (1.0 - hit) * approach), 0.0)


def pick_and_place(obs: jax.Array, detour: jax.Array | float = 0.0) -> jax.Array:
    """Hover over the block, funnel down, close the fingers, carry it to the goal; smooth gates."""
    # The detour [3], in m, moves the place to fly to as long as the block is not held.
    p, b, fingers, g = obs[0:3], obs[3:6], obs[9:11], obs[-3:]
    rel = b - p
    e = jnp.linalg.norm(rel[:2])
    near = jax.nn.sigmoid((0.015 - e) / 0.004)
    near *= jax.nn.sigmoid((0.015 - jnp.abs(rel[2])) / 0.004)
    held = near * jax.nn.sigmoid((0.07 - jnp.sum(fingers)) / 0.005)
    hover = jnp.array([0.0, 0.0, 0.08]) * ramp(e, 0.01, 0.02)
    move = held * clip(10.0 * (g - b)) + (1.0 - held) * clip(10.0 * (rel + hover + detour))
    return _action(move, clip(3.0 * (1.0 - 2.0 * near)))
