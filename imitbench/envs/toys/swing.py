"""Swing: a pendulum whose motor is too weak to lift it at once, with and without walls.

Source: Ke et al. 2024 (arXiv:2310.12972), the pendulum tasks, with the sizes of their code
(github.com/personalrobotics/CCIL, envs/pendulum_env.py).

Different from the source: an action of 1 is the motor's largest acceleration, 3 rad/s^2, and larger
actions are clipped. The angle is integrated instead of its sine and cosine.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import EnvState, Key
from imitbench.envs.base import BaseEnv, make_spec, scalar

TASKS = {"Swing": False, "Swing-walls": True}
"""The tasks, and whether there are walls."""
HORIZON = 500
GRAVITY = 9.81  # 1/s^2: m/s^2 over a length of 1 m
MAX_ACTION = 3.0  # rad/s^2
DT = 0.02  # s
START = (1.0, 0.5)  # rad, rad/s: bounds of the first angle and velocity, on both sides
WALLS = (np.pi / 6, np.pi / 3)  # rad
WALL_WIDTH = 1e-2  # rad, on both sides


def acceleration(angle: jax.Array, action: jax.Array) -> jax.Array:
    """The acceleration [...] of the angle in rad/s^2: -g sin(angle) + 3 action.

    Args:
        angle: [...] in rad, 0 where the pendulum hangs.
        action: [...] in [-1, 1].
    """
    return -GRAVITY * jnp.sin(angle) + MAX_ACTION * action


def advance(state: jax.Array, action: jax.Array) -> jax.Array:
    """Integrates the motion over one step, by one step of the classical Runge-Kutta method.

    Args:
        state: [2] angle in rad and velocity in rad/s.
        action: [] in [-1, 1], constant in the step.

    Returns:
        [2] the state after `DT`; its error is below 1e-6.
    """

    def rate(x: jax.Array) -> jax.Array:
        return jnp.stack([x[1], acceleration(x[0], action)])

    a = rate(state)
    b = rate(state + 0.5 * DT * a)
    c = rate(state + 0.5 * DT * b)
    d = rate(state + DT * c)
    return state + DT / 6.0 * (a + 2.0 * b + 2.0 * c + d)


def bounce(state: jax.Array) -> jax.Array:
    """Turns the velocity round where the angle is at a wall.

    Args:
        state: [2] angle in (-pi, pi] and velocity.

    Returns:
        [2] the state, with the velocity times -1 within `WALL_WIDTH` of one of `WALLS`.
    """
    at_wall = jnp.any(jnp.abs(state[0] - jnp.asarray(WALLS)) < WALL_WIDTH)
    return state.at[1].multiply(jnp.where(at_wall, -1.0, 1.0))


def wrap(angle: jax.Array) -> jax.Array:
    """The same angle in [-pi, pi)."""
    return jnp.mod(angle + jnp.pi, 2.0 * jnp.pi) - jnp.pi


def reward(state: jax.Array, action: jax.Array) -> jax.Array:
    """The reward [] of an action: -1/2 ||(angle, velocity) - (pi, 0)||^2 - 1/2 (3 action)^2.

    Args:
        state: [2] before the step; the angle counts as one in [0, 2 pi).
        action: [] in [-1, 1].
    """
    angle = jnp.mod(state[0], 2.0 * jnp.pi)
    cost = (angle - jnp.pi) ** 2 + state[1] ** 2 + (MAX_ACTION * action) ** 2
    return -0.5 * cost


class Swing(BaseEnv):
    """A pendulum that is to swing up and to stand.

    Observation [3]: sine and cosine of the angle, which is 0 where it hangs, and its velocity in
    rad/s. Action [1] in [-1, 1] (clipped): acceleration in units of 3 rad/s^2; gravity pulls with
    up to 9.81 rad/s^2. Reward: minus half the squared distance from standing still, and half the
    squared acceleration of the motor. Nothing but the time limit, 500 steps of 0.02 s, ends an
    episode.

    With walls, the velocity turns round where a step ends within 0.01 rad of pi / 6 or pi / 3. A
    fast pendulum mostly jumps over these narrow bands.

    Args:
        name: one of `TASKS`.
    """

    def __init__(self, name: str):
        self._walls = TASKS[name]
        sizes = [("sin", 1), ("cos", 1), ("velocity", 1)]
        super().__init__(name, make_spec(sizes, 1, HORIZON), engine="none")
        self.action_scale = MAX_ACTION

    @property
    def actuated(self) -> np.ndarray:
        """[2] bool: the parts of a pose that the motor acts on, which are both."""
        return np.ones(2, bool)

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        bound = jnp.asarray(START)
        return self.reset_to(jax.random.uniform(rng, (2,), minval=-bound, maxval=bound))

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [2] of a state: angle in rad and velocity in rad/s."""
        return state.pipeline_state

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a pose [2], at the start of an episode."""
        return EnvState(pose, _observe(pose), scalar(0.0), scalar(0.0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [1]."""
        before, action = state.pipeline_state, jnp.clip(action[0], -1.0, 1.0)
        after = advance(before, action)
        after = after.at[0].set(wrap(after[0]))
        after = bounce(after) if self._walls else after
        return state.replace(
            pipeline_state=after, obs=_observe(after), reward=reward(before, action)
        )


def _observe(state: jax.Array) -> jax.Array:
    return jnp.stack([jnp.sin(state[0]), jnp.cos(state[0]), state[1]])
