"""MountainCar with the semantics of gymnasium, and a form that shows the previous action.

Source: gymnasium 1.4, envs/classic_control/mountain_car.py (MountainCar-v0). The confounded form is
that of de Haan et al. 2019 (arXiv:1905.11979), section 5: the previous action is a third input. It
tells nothing that position and velocity do not, but it predicts the expert's next action.

Different from the source: the previous action is -1, 0 or 1 instead of 0, 1 or 2. De Haan et al.
demonstrate from more initial states; here demonstrations and evaluations have those of gymnasium.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core import ops
from imitbench.core.types import FULL_OBS, EnvState, Key
from imitbench.envs.base import BaseEnv, keep_wrapper_fields, make_spec, scalar

PLAIN, CONFOUNDED = "MountainCar", "MountainCar-confounded"
TASKS = (PLAIN, CONFOUNDED)
HORIZON = 200
MIN_POSITION, MAX_POSITION, FLAG = -1.2, 0.6, 0.5
MAX_SPEED = 0.07  # per step
FORCE, GRAVITY = 0.001, 0.0025  # per step squared


class MountainCar(BaseEnv):
    """A car in a valley is too weak to drive straight up to the flag on the right hill.

    Observation [2]: position and velocity per step; in the confounded form [3] also the previous
    action: -1 (left), 0 (none) or 1 (right), and a drawn one at a reset. Action: a choice 0, 1 or 2
    (push to the left, none, to the right). Reward: -1 in each step. Reaching the flag is success
    and ends an episode; the time limit is 200 steps.

    Args:
        name: one of `TASKS`.
    """

    def __init__(self, name: str):
        self._confounded = name == CONFOUNDED
        sizes = [("position", 1), ("velocity", 1)]
        sizes += [("previous_action", 1)] if self._confounded else []
        spec = make_spec(sizes, 3, HORIZON, discrete=True, ends="success")
        super().__init__(name, spec, engine="none")

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        position = jax.random.uniform(rng, minval=-0.6, maxval=-0.4)
        previous = 0.0
        if self._confounded:
            previous = jax.random.randint(ops.fold_in_name(rng, "previous"), (), -1, 2)
        return self._state(jnp.stack([position, 0.0, previous]))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with a choice [], 0, 1 or 2."""
        position, velocity = state.pipeline_state[:2]
        push = jnp.asarray(action, jnp.float32) - 1.0
        velocity += FORCE * push - GRAVITY * jnp.cos(3.0 * position)
        velocity = jnp.clip(velocity, -MAX_SPEED, MAX_SPEED)
        position = jnp.clip(position + velocity, MIN_POSITION, MAX_POSITION)
        velocity = jnp.where((position == MIN_POSITION) & (velocity < 0), 0.0, velocity)
        new = self._state(jnp.stack([position, velocity, push]))
        return keep_wrapper_fields(state, new.replace(reward=scalar(-1.0)))

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [3] of a state: position, velocity and previous action (-1, 0 or 1)."""
        return state.pipeline_state

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a pose [3], at the start of an episode."""
        return self._state(pose)

    def _state(self, pose: jax.Array) -> EnvState:
        """Builds the state with reward 0 from position, velocity and previous action [3]."""
        at_flag = ((pose[0] >= FLAG) & (pose[1] >= 0)).astype(jnp.float32)
        info = {FULL_OBS: pose[:2]} if self._confounded else {}
        obs = pose if self._confounded else pose[:2]
        return EnvState(pose, obs, scalar(0.0), at_flag, {"success": at_flag}, info)
