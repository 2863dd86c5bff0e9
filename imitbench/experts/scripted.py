"""Scripted, memoryless experts: pure functions of the observation, so they can be asked anywhere.

Notation in the Fetch laws: p gripper, b block, g goal, all in metres; a displacement action of 1 is
5 cm, so a gain of 10 per metre closes half of a distance in a step.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from imitbench.core.types import Policy
from imitbench.envs import swing, tightrope

VERSION = 1  # raised with every change of what a law does; see `make golden`

Law = Callable[[jax.Array], jax.Array]  # obs [O] -> action [A]


def _clip(x: jax.Array) -> jax.Array:
    return jnp.clip(x, -1.0, 1.0)


def _ramp(x: jax.Array, start: float, width: float) -> jax.Array:
    """0 up to `start`, 1 from `start + width`, linear between."""
    return jnp.clip((x - start) / width, 0.0, 1.0)


def _action(move: jax.Array, fingers: jax.Array | float) -> jax.Array:
    return jnp.append(move, fingers)


def reach(obs: jax.Array) -> jax.Array:
    """Straight to the goal."""
    p, g = obs[0:3], obs[-3:]
    return _action(_clip(10.0 * (g - p)), 0.0)


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
    far = _ramp(e, 0.01, 0.02)
    away = jnp.linalg.norm((p - b)[:2])
    free = jnp.maximum(_ramp(p[2], 0.455, 0.02), _ramp(away, clear, 0.02))
    free = jnp.maximum(free, 1.0 - far)
    height = low + (0.51 - low) * far
    return _clip(jnp.append(15.0 * free * (start - p[:2]), 15.0 * (height - p[2])))


def push(obs: jax.Array) -> jax.Array:
    """Rise, fly to behind the block, come down, push it along the line to the goal, slow down
    there."""
    p, b, g = obs[0:3], obs[3:6], obs[-3:]
    d, u, along, lateral = _line(p, b, g)
    behind = _ramp(-along, 0.015, 0.01)
    behind *= _ramp(0.025 - jnp.linalg.norm(lateral), 0.0, 0.01) * _ramp(0.475 - p[2], 0.0, 0.02)
    forward = u * jnp.clip(15.0 * d, 0.0, 1.0) - 10.0 * lateral
    pushing = _clip(jnp.append(forward, 15.0 * (0.425 - p[2])))
    approach = _get_behind(p, b, u, 0.06, 0.425, 0.07)
    move = (behind * pushing + (1.0 - behind) * approach) * _ramp(d, 0.01, 0.01)
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
    moving = _ramp(jnp.linalg.norm(velocity), 0.002, 0.002)
    slow = _ramp(0.79 * wanted - jnp.dot(velocity, u), -0.001, 0.001)
    near = _ramp(-along, 0.0, 0.001) * _ramp(0.2 + along, 0.0, 0.05) * _ramp(0.03 - beside, 0, 0.01)
    ready = _ramp(-along, 0.03, 0.02) * _ramp(0.0145 - beside, 0.0, 0.00725)
    ready *= _ramp(low + 0.03 - p[2], 0.0, 0.01)
    follow = moving * slow * near
    hit = jnp.maximum((1.0 - moving) * ready, follow)
    hitting = _clip(jnp.append(u * wanted / 0.0434 - 10.0 * lateral, 15.0 * (low - p[2])))
    approach = _get_behind(p, b, u, 0.14, low, 0.09)
    return _action((1.0 - moving + follow) * (hit * hitting + (1.0 - hit) * approach), 0.0)


def pick_and_place(obs: jax.Array) -> jax.Array:
    """Hover over the block, funnel down, close the fingers, carry it to the goal; smooth gates."""
    p, b, fingers, g = obs[0:3], obs[3:6], obs[9:11], obs[-3:]
    rel = b - p
    e = jnp.linalg.norm(rel[:2])
    near = jax.nn.sigmoid((0.015 - e) / 0.004)
    near *= jax.nn.sigmoid((0.015 - jnp.abs(rel[2])) / 0.004)
    held = near * jax.nn.sigmoid((0.07 - jnp.sum(fingers)) / 0.005)
    hover = jnp.array([0.0, 0.0, 0.08]) * _ramp(e, 0.01, 0.02)
    move = held * _clip(10.0 * (g - b)) + (1.0 - held) * _clip(10.0 * (rel + hover))
    return _action(move, _clip(3.0 * (1.0 - 2.0 * near)))


def point_mass(obs: jax.Array) -> jax.Array:
    """Proportional and derivative control."""
    pos, vel, g = obs[0:2], obs[2:4], obs[4:6]
    return _clip(4.0 * (g - pos) - 1.5 * vel)


# Gains of the linear-quadratic regulator at the top, with the costs of the task's reward: for the
# angle x from the top x'' = g x + u, and the cost 1/2 (x^2 + x'^2 + u^2).
SWING_ANGLE = swing.GRAVITY + (swing.GRAVITY**2 + 1.0) ** 0.5
SWING_VELOCITY = (1.0 + 2.0 * SWING_ANGLE) ** 0.5


def swing_up(obs: jax.Array) -> jax.Array:
    """Pump energy until it is that of standing, then a linear-quadratic regulator at the top."""
    sin, cos, velocity = obs
    lacking = swing.GRAVITY * (1.0 + cos) - 0.5 * velocity**2  # energy that standing has more
    pump = jnp.tanh(2.0 * lacking) * jnp.tanh(4.0 * velocity)
    angle = jnp.arctan2(-sin, -cos)  # from the top
    balance = -(SWING_ANGLE * angle + SWING_VELOCITY * velocity) / swing.MAX_ACTION
    caught = (jnp.abs(balance) < 2.0) & (jnp.abs(angle) < 0.4)
    return _clip(jnp.where(caught, balance, pump))[None]


LAWS: dict[str, Law] = {
    "FetchReach": reach,
    "FetchPush": push,
    "FetchPickAndPlace": pick_and_place,
    "FetchSlide": slide,
    "PointMass": point_mass,
    **dict.fromkeys(swing.TASKS, swing_up),
    **dict.fromkeys(tightrope.TASKS, tightrope.correct_choice),
    "ProbeAction": lambda obs: jnp.int32(1),
    "ProbePolicy": lambda obs: (obs[0] > 0).astype(jnp.int32),
    "ProbeTarget": lambda obs: obs,
    "ProbeGoal": lambda obs: _clip(10.0 * (obs[2:4] - obs[0:2])),
    "ProbeWalk": lambda obs: _clip(-10.0 * obs),
}


def policy(law: Law) -> Policy:
    """The law as a policy over any leading axes; it needs no randomness."""

    def act(key: jax.Array, obs: jax.Array) -> jax.Array:
        flat = jax.vmap(law)(obs.reshape(-1, obs.shape[-1]))
        return flat.reshape(*obs.shape[:-1], *flat.shape[1:])

    return act
