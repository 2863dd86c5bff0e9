"""HalfCheetah and Hopper whose reward is a function of what is observed, for learned models.

Source: Luo et al. 2018 (arXiv:1807.03858), section 6: observations hold what the reward needs, and
an episode has 500 steps.

Different from the source: bodies, rewards and resets are those of gymnasium v5, where the source
has those of rllab. The observation has one more number, the mean forward velocity of the last step,
which is what gymnasium rewards; the source observes the position and the velocity of the torso.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import jax
import jax.numpy as jnp

from imitbench import physics
from imitbench.core.types import FULL_OBS, EnvState
from imitbench.envs.base import keep_wrapper_fields, make_spec, scalar
from imitbench.envs.locomotion import Locomotion
from imitbench.envs.locomotion_tasks import TASKS
from imitbench.envs.target_speed import CTRL_COST, MAX_TARGET
from imitbench.physics.engine import EngineName

HORIZON = 500
SUFFIX = "-known-reward"
NAMES = tuple(body + SUFFIX for body in ("HalfCheetah", "Hopper"))
SPEED = "HalfCheetah-speed-"
SPEEDS = {f"{SPEED}{target:g}": target for target in (1.0, 2.0)}
"""The tasks with a target speed, and the speed in m/s."""


class KnownRewardRobot(Locomotion):
    """A planar robot whose reward and whose ends are functions of its observations.

    Observation: the one of the robot's task, without a bound on velocities, then `velocity`: the
    mean forward velocity of the last step in m/s; at a reset that of the root. Action [A] in
    [-1, 1]: control.

    Reward: that of the robot's task in gymnasium, computed by `known_reward`. Episodes terminate
    where `known_end` says so, and after 500 steps.

    A state that explodes becomes the rest pose with velocity 0, and has the reward of that; it is
    an end in Hopper, the only one that no observation shows.

    Args:
        name: the task's name.
        engine: the physics engine.
        body: the task of `locomotion` with the same robot.
    """

    def __init__(self, name: str, engine: EngineName, body: str):
        super().__init__(name, engine, replace(TASKS[body], max_velocity=math.inf))
        self._full_bound = TASKS[body].max_velocity
        sizes = [(field, part.stop - part.start) for field, part in self.spec.fields.items()]
        self.spec = make_spec(
            [*sizes, ("velocity", 1)],
            self.spec.action_size,
            HORIZON,
            ends=self.spec.ends,
            failed=self.spec.failed,
        )

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [A]."""
        motion = self._move(state.pipeline_state, action)
        velocity = jnp.where(motion.finite, motion.velocity, 0.0)
        new = self._state(self._rest_unless(motion.finite, motion.after), velocity)
        end = self.known_end(state.obs, action, new.obs) | (self._task.terminates & ~motion.finite)
        reward = self.known_reward(state.obs, action, new.obs)
        return keep_wrapper_fields(state, new.replace(reward=reward, done=jnp.float32(end)))

    def known_reward(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        """Returns the reward [] of a step: forward velocity + healthy reward - control cost.

        Args:
            obs: [O].
            action: [A].
            next_obs: [O], observed or predicted.
        """
        task = self._task
        healthy = jnp.where(self._healthy_obs(next_obs), task.healthy_reward, 0.0)
        return next_obs[-1] + healthy - task.ctrl_cost * jnp.sum(action**2)

    def known_end(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        """Returns whether a step terminates the episode, [] bool: the robot is unhealthy."""
        return self._task.terminates & ~self._healthy_obs(next_obs)

    def _healthy_obs(self, obs: jax.Array) -> jax.Array:
        """Whether a robot with an observation [O] is healthy, with the bounds of gymnasium."""
        task = self._task
        low, high = task.z
        healthy = (low < obs[0]) & (obs[0] < high) & (jnp.abs(obs[1]) < task.max_angle)
        return healthy & jnp.all(jnp.abs(obs[1:-1]) < task.max_state)

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        return self._state(state, state.qvel[0])

    def _state(self, state: physics.PhysicsState, velocity: jax.Array) -> EnvState:
        """Builds the environment's state with reward 0."""
        obs = jnp.append(self._obs(state), velocity)
        return EnvState(state, obs, scalar(0.0), scalar(0.0), {}, {FULL_OBS: self._shown(state)})

    def _shown(self, state: physics.PhysicsState) -> jax.Array:
        """The observation of the robot's own task, for its experts."""
        qvel = jnp.clip(state.qvel, -self._full_bound, self._full_bound)
        return jnp.concatenate([state.qpos[self._task.hidden :], qvel])


class Speed(KnownRewardRobot):
    """A HalfCheetah that runs at a target speed, one task of a family.

    Observation, action and ends are those of `HalfCheetah-known-reward`. Reward: -|v - target|
    - 0.05 times the sum of squared controls, with v the mean velocity of the step in m/s. The
    target is not observed, because it is the same in all episodes.

    Args:
        name: one of `SPEEDS`.
        engine: the physics engine.
    """

    target_range = (0.0, MAX_TARGET)

    def __init__(self, name: str, engine: EngineName):
        super().__init__(name, engine, "HalfCheetah")
        self.target: jax.Array | float = SPEEDS[name]

    def with_target(self, target: jax.Array) -> Speed:
        """Returns the environment with another target [] in m/s."""
        other = copy.copy(self)
        other.target = target
        return other

    def known_reward(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        """Returns the reward [] of a step: -|v - target| - control cost."""
        return -jnp.abs(next_obs[-1] - self.target) - CTRL_COST * jnp.sum(action**2)

    def _shown(self, state: physics.PhysicsState) -> jax.Array:
        return jnp.append(super()._shown(state), self.target)


def make(name: str, engine: EngineName) -> KnownRewardRobot:
    """Builds one of `NAMES` or of `SPEEDS`.

    Args:
        name: the task's name.
        engine: the physics engine.
    """
    if name in SPEEDS:
        return Speed(name, engine)
    return KnownRewardRobot(name, engine, name.removesuffix(SUFFIX))
