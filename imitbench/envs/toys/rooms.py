"""PointMass-rooms: a ball is pushed through the doors of four rooms to a goal; without a simulator.

The rooms are those of the play-to-goals experiments of Ghosh et al. 2021 (arXiv:1912.06088), with
the ball and the force of PointMass in place of position control.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import EnvState, GoalSpec, Key
from imitbench.envs import goal
from imitbench.envs.base import BaseEnv, keep_wrapper_fields, make_spec, scalar

THRESHOLD = 0.1  # m
HORIZON = 50
SUBSTEPS = 5
TIMESTEP = 0.02  # s
FORCE = 4.0  # N for an action of 1; the ball's mass is 1 kg
DAMPING = 2.0  # N s/m
SIZE = 1.0  # m from the centre of the house to its outer walls
WALL = 0.08  # m from the middle of an inner wall to where the ball's centre is stopped
DOOR = 0.5  # m from the centre of the house to the middle of each door
OPENING = 0.15  # m from the middle of a door to where the ball's centre is stopped

# The rectangles [6, 2, 2] that the ball's centre cannot enter: lower and upper corners. They reach
# beyond the outer walls, so that there is no way along these.
_END = 2.0 * SIZE
_LONG = ((-_END, -DOOR - OPENING), (-DOOR + OPENING, DOOR - OPENING), (DOOR + OPENING, _END))
WALLS = np.array(
    [[(-WALL, low), (WALL, high)] for low, high in _LONG]
    + [[(low, -WALL), (high, WALL)] for low, high in _LONG],
    np.float32,
)


def inside_wall(pos: jax.Array) -> jax.Array:
    """Returns [6] bool: in which of the walls a position [2] lies."""
    return jnp.all((pos > WALLS[:, 0]) & (pos < WALLS[:, 1]), axis=-1)


def move(pos: jax.Array, vel: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """Moves the ball along one axis for a time step; walls stop it.

    Args:
        pos: [2] in m, outside of the walls.
        vel: [2] in m/s, below 8 m/s, so that the ball cannot jump over a wall.
        axis: 0 or 1.

    Returns:
        Position and velocity afterwards. A wall takes away the velocity along the axis, and not
        that along the wall.
    """
    target = pos[axis] + TIMESTEP * vel[axis]
    moved = pos.at[axis].set(target)
    hit = inside_wall(moved)
    forward = vel[axis] > 0
    # The faces that the ball runs into: the lower ones where it moves forward.
    faces = jnp.where(forward, WALLS[:, 0, axis], WALLS[:, 1, axis])
    nearest = jnp.where(
        forward,
        jnp.min(jnp.where(hit, faces, jnp.inf)),
        jnp.max(jnp.where(hit, faces, -jnp.inf)),
    )
    stopped = jnp.where(jnp.any(hit), nearest, target)
    bounded = jnp.clip(stopped, -SIZE, SIZE)
    is_free = bounded == target
    return pos.at[axis].set(bounded), vel.at[axis].set(jnp.where(is_free, vel[axis], 0.0))


def step_ball(pos: jax.Array, vel: jax.Array, action: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Moves the ball for one step of the environment.

    Args:
        pos: [2] in m.
        vel: [2] in m/s.
        action: [2] in [-1, 1].

    Returns:
        Position and velocity after `SUBSTEPS` time steps of the semi-implicit Euler method.
    """
    for _ in range(SUBSTEPS):
        vel = vel + TIMESTEP * (FORCE * action - DAMPING * vel)
        for axis in range(2):
            pos, vel = move(pos, vel, axis)
    return pos, vel


def draw_place(key: Key) -> jax.Array:
    """Draws a position [2] uniformly from the four rooms; doorways are left out."""
    k_room, k_inside = jax.random.split(key)
    room = jax.random.rademacher(k_room, (2,), jnp.float32)
    return room * jax.random.uniform(k_inside, (2,), minval=WALL, maxval=SIZE)


class PointMassRooms(BaseEnv):
    """A ball of 1 kg is pushed through doors to a goal; start and goal may be in any of four rooms.

    The house is a square of 2 m, and two walls divide it. Each half of a wall has a door 0.3 m
    wide. Walls stop the ball; they take away the speed towards them.

    Observation [6]: position in m, velocity in m/s, goal in m. Action [2] in [-1, 1] (clipped):
    force in units of 4 N. Reward: 0 within 0.1 m of the goal, else -1. Nothing but the time limit,
    50 steps of 0.1 s, ends an episode.

    Args:
        name: the task's name.
    """

    def __init__(self, name: str):
        spec = make_spec(
            [("pos", 2), ("vel", 2), ("desired_goal", 2)],
            2,
            HORIZON,
            GoalSpec("pos", "desired_goal", goal.sparse_reward(THRESHOLD)),
        )
        super().__init__(name, spec, engine="none")
        self.dt = SUBSTEPS * TIMESTEP

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        k_start, k_goal = jax.random.split(rng)
        return self._observe(draw_place(k_start), jnp.zeros(2), draw_place(k_goal))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [2]."""
        pos, vel, desired = jnp.split(state.obs, 3)
        pos, vel = step_ball(pos, vel, jnp.clip(action, -1.0, 1.0))
        return keep_wrapper_fields(state, self._observe(pos, vel, desired))

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [6] of a state: position, velocity and goal."""
        return state.obs

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a given pose [6], at the start of an episode."""
        return self._observe(*jnp.split(pose, 3))

    def _observe(self, pos: jax.Array, vel: jax.Array, desired: jax.Array) -> EnvState:
        goal_spec = self.spec.goal
        assert goal_spec is not None
        return EnvState(
            pipeline_state=None,
            obs=jnp.concatenate([pos, vel, desired]),
            reward=goal_spec.reward(pos, desired),
            done=scalar(0.0),
            metrics={"success": goal.reached(pos, desired, THRESHOLD)},
            info={},
        )
