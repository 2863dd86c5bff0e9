"""HalfCheetah at a target speed that is hidden, and its fully observed form.

Source: Swamy et al. 2022 (arXiv:2208.02225), the task with the hidden target of HalfCheetah: a
target drawn from U(0, 3) m/s, one bit that says whether the robot is too fast, and the reward
-|v - target| - 0.05 |a|^2.

Different from the source: the body and its reset noise are those of gymnasium v5.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench import physics
from imitbench.core.types import FULL_OBS, EnvState, Key
from imitbench.envs.base import keep_wrapper_fields, make_spec, scalar
from imitbench.envs.locomotion import HORIZON, Locomotion
from imitbench.physics.engine import EngineName

BODY = "HalfCheetah"
HIDDEN, OBSERVED = f"{BODY}-target", f"{BODY}-target-observed"
MAX_TARGET = 3.0  # m/s
CTRL_COST = 0.05  # per squared unit of control


class TargetSpeed(Locomotion):
    """A HalfCheetah that runs at a target speed, drawn uniformly from [0, 3] m/s at each reset.

    Observation [18]: that of HalfCheetah, then one number. In `HalfCheetah-target` it is +1 where
    the robot was faster than the target in the last step, else -1; the target itself is hidden. In
    `HalfCheetah-target-observed` it is the target. At a reset the robot's velocity stands for that
    of the last step.

    Action [6] in [-1, 1]: control. Reward: -|v - target| - 0.05 times the sum of squared controls,
    with the mean velocity v of the step in m/s. Nothing but the time limit ends an episode.

    A state that explodes becomes the rest pose with reward 0, as in HalfCheetah.

    Args:
        name: `HIDDEN` or `OBSERVED`.
        engine: the physics engine.
    """

    def __init__(self, name: str, engine: EngineName):
        super().__init__(BODY, engine)
        self.name = name
        self._shows_target = name == OBSERVED
        sizes = [(field, part.stop - part.start) for field, part in self.spec.fields.items()]
        sizes.append(("target" if self._shows_target else "too_fast", 1))
        self.spec = make_spec(sizes, self.spec.action_size, HORIZON)

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        k_robot, k_target = jax.random.split(rng)
        target = jax.random.uniform(k_target, (1,), maxval=MAX_TARGET)
        return self._observe(self._draw_start(k_robot), target)

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [6]."""
        motion = self._move(state.pipeline_state, action)
        target = state.info["target"]
        reward = -jnp.abs(motion.velocity - target[0]) - CTRL_COST * jnp.sum(motion.ctrl**2)
        velocity = jnp.where(motion.finite, motion.velocity, 0.0)
        new = self._state(self._rest_unless(motion.finite, motion.after), target, velocity)
        new = new.replace(reward=jnp.where(motion.finite, reward, 0.0))
        return keep_wrapper_fields(state, new)

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [nq + nv + 1] of a state: qpos, qvel and the target."""
        return jnp.concatenate([super().pose(state), state.info["target"]])

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        return self._state(state, desired, state.qvel[0])

    def _state(
        self, state: physics.PhysicsState, target: jax.Array, velocity: jax.Array
    ) -> EnvState:
        """Builds the environment's state with reward 0, from the target [1] and the velocity."""
        too_fast = jnp.where(velocity > target, 1.0, -1.0)
        body = self._obs(state)
        full = jnp.concatenate([body, target])
        info = {"target": target}
        if self._shows_target:
            return EnvState(state, full, scalar(0.0), scalar(0.0), {}, info)
        obs = jnp.concatenate([body, too_fast])
        return EnvState(state, obs, scalar(0.0), scalar(0.0), {}, info | {FULL_OBS: full})
