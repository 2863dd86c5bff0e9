"""The expert of the pendulums: it pumps energy, then balances at the top."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.envs.toys import swing
from imitbench.experts.scripted.fetch import clip

# Gains of the linear-quadratic regulator at the top, with the costs of the task's reward: for the
# angle x from the top x'' = g x + u, and the cost 1/2 (x^2 + x'^2 + u^2).
ANGLE_GAIN = swing.GRAVITY + (swing.GRAVITY**2 + 1.0) ** 0.5
VELOCITY_GAIN = (1.0 + 2.0 * ANGLE_GAIN) ** 0.5


def swing_up(obs: jax.Array) -> jax.Array:
    """Pump energy until it is that of standing, then a linear-quadratic regulator at the top."""
    sin, cos, velocity = obs
    lacking = swing.GRAVITY * (1.0 + cos) - 0.5 * velocity**2  # energy that standing has more
    pump = jnp.tanh(2.0 * lacking) * jnp.tanh(4.0 * velocity)
    angle = jnp.arctan2(-sin, -cos)  # from the top
    balance = -(ANGLE_GAIN * angle + VELOCITY_GAIN * velocity) / swing.MAX_ACTION
    caught = (jnp.abs(balance) < 2.0) & (jnp.abs(angle) < 0.4)
    return clip(jnp.where(caught, balance, pump))[None]
