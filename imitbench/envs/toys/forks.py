"""Forks: a rod finds its way between cylinders, along one of 24 ways.

Source: the task Avoiding of D3IL (Jia et al. 2024, arXiv:2402.14606; environment
`gym_avoiding_env` of its code): the same cylinders, rod, finish line, observation and modes.

Different from the source: the rod is a disc in the plane that follows the desired position as a
critically damped spring of `STIFFNESS` rad/s does, where D3IL simulates an arm with a tracking
controller. The start is drawn, because from a fixed start a deterministic policy succeeds always or
never. An action, the change of the desired position, has a bound of 1 cm in x and in y. The time
limit is 150 steps, not 250: D3IL's evaluation stores 150 positions of an episode, and the expert's
longest way takes fewer than 130 steps.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import EnvState, Key, Modes, Transition
from imitbench.envs.base import BaseEnv, keep_wrapper_fields, make_spec, scalar

NAME = "Forks"
HORIZON = 150
STEP = 0.01  # m of the desired position per unit of action
DT = 0.035  # s
STIFFNESS = 40.0  # rad/s
START, START_RANGE = (0.525, -0.28), 0.03  # m; x is drawn within the range of the start
FINISH = 0.35  # m, the y that the rod must pass
ROD = 0.01  # m, radius

ROWS = (-0.1, 0.08, 0.26)  # m, the y of each row of cylinders
COLUMNS = ((0.5,), (0.425, 0.575), (0.35, 0.5, 0.65))  # m, the x of the cylinders of each row
RADII = (0.03, 0.025, 0.025)  # m, of the cylinders of each row
GAPS = tuple(len(columns) + 1 for columns in COLUMNS)  # of each row: 2, 3, 4
MODES = 24  # the product of `GAPS`

CENTRES = np.array(
    [(x, y) for xs, y in zip(COLUMNS, ROWS, strict=True) for x in xs], np.float32
)  # [6, 2] m
CONTACT = np.array(
    [ROD + radius for xs, radius in zip(COLUMNS, RADII, strict=True) for _ in xs], np.float32
)  # [6] m, the distance of rod and cylinder at which they touch


def follow(
    position: jax.Array, velocity: jax.Array, desired: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Computes where a critically damped spring leads the rod in one step.

    It solves x'' = w^2 (desired - x) - 2 w x' with w = `STIFFNESS` exactly, over `DT` seconds.

    Args:
        position: [2] m.
        velocity: [2] m/s.
        desired: [2] m, constant during the step.

    Returns:
        Position [2] and velocity [2] at the end of the step.
    """
    offset = position - desired
    slope = velocity + STIFFNESS * offset
    reach = offset + slope * DT
    decay = np.exp(-STIFFNESS * DT)
    return desired + decay * reach, decay * (slope - STIFFNESS * reach)


def clearance(begin: jax.Array, end: jax.Array) -> jax.Array:
    """Computes how far the rod stays from the nearest cylinder on a straight way.

    Args:
        begin: [2] m.
        end: [2] m.

    Returns:
        [] m between the surfaces; 0 or less where they touch.
    """
    way = end - begin
    length = jnp.maximum(jnp.sum(way**2), 1e-12)
    share = jnp.clip((CENTRES - begin) @ way / length, 0.0, 1.0)
    nearest = begin + share[:, None] * way
    return jnp.min(jnp.linalg.norm(nearest - CENTRES, axis=-1) - CONTACT)


def find_modes(steps: Transition) -> jax.Array:
    """Finds the gaps that episodes passed.

    The gap of a row is that of the place where the rod first crosses the row; gaps count from small
    x. A mode is (12 g1 + 4 g2 + g3) for the gaps g1 in {0, 1}, g2 in {0, 1, 2} and
    g3 in {0, 1, 2, 3}.

    Args:
        steps: episodes [T, B] of the task.

    Returns:
        [B] int32 in [0, 24), or -1 where a row was not crossed.
    """
    begin, end = steps.obs[..., 2:4], steps.next_obs[..., 2:4]
    real = steps.weight > 0
    mode, passed = 0, jnp.ones(steps.weight.shape[1:], bool)
    for y, columns, gaps in zip(ROWS, COLUMNS, GAPS, strict=True):
        crosses = real & (begin[..., 1] < y) & (end[..., 1] >= y)
        rise = jnp.where(crosses, end[..., 1] - begin[..., 1], 1.0)
        x = begin[..., 0] + (y - begin[..., 1]) / rise * (end[..., 0] - begin[..., 0])
        first = jnp.argmax(crosses, axis=0)
        x = jnp.take_along_axis(x, first[None], axis=0)[0]
        gap = jnp.sum(x[..., None] > jnp.asarray(columns, jnp.float32), axis=-1)
        mode, passed = gaps * mode + gap, passed & jnp.any(crosses, axis=0)
    return jnp.where(passed, mode, -1).astype(jnp.int32)


class Forks(BaseEnv):
    """A rod in the plane moves past three rows of cylinders to the finish line at y = 0.35 m.

    The rows have 1, 2 and 3 cylinders, so 2 * 3 * 4 = 24 ways lead past them (`find_modes`).

    Observation [4]: desired and actual position in m. Action [2] in [-1, 1] (clipped): the change
    of the desired position in units of 1 cm. Reward: 1 in the step that passes the finish line,
    else 0. Passing it is success and ends an episode; touching a cylinder is failure and ends it,
    too. A step lasts 0.035 s, the time limit is 150 steps.
    """

    def __init__(self):
        spec = make_spec(
            [("desired", 2), ("actual", 2)],
            2,
            HORIZON,
            ends="failure or success",
            failed=has_failed,
            modes=Modes(MODES, find_modes),
        )
        super().__init__(NAME, spec, engine="none")

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        x = START[0] + jax.random.uniform(rng, minval=-START_RANGE, maxval=START_RANGE)
        start = jnp.stack([x, scalar(START[1])])
        return self.reset_to(jnp.concatenate([start, start, jnp.zeros(2)]))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [2]."""
        desired, actual, velocity = jnp.split(state.pipeline_state, 3)
        desired = desired + STEP * jnp.clip(action, -1.0, 1.0)
        position, velocity = follow(actual, velocity, desired)
        touches = clearance(actual, position) <= 0
        success = ((position[1] > FINISH) & ~touches).astype(jnp.float32)
        new = self.reset_to(jnp.concatenate([desired, position, velocity])).replace(
            reward=success,
            done=jnp.where(touches, 1.0, success),
            metrics={"success": success},
        )
        return keep_wrapper_fields(state, new)

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [6] of a state: desired and actual position in m, velocity in m/s."""
        return state.pipeline_state

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a pose [6], at the start of an episode."""
        zero = scalar(0.0)
        return EnvState(pose, pose[:4], zero, zero, {"success": zero}, {})


def has_failed(obs: jax.Array) -> jax.Array:
    """Says of observations whether the rod is certainly inside a cylinder.

    Args:
        obs: [..., O].

    Returns:
        [...] bool; False within 0.1 mm of contact, where rounding decides.
    """
    distance = np.linalg.norm(np.asarray(obs)[..., None, 2:4] - CENTRES, axis=-1)
    return (distance < CONTACT - 1e-4).any(axis=-1)
