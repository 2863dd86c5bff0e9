"""Locomotion with the semantics of gymnasium v5. The MJCF comes from the installed package.

Each task has a variant of fixed horizon, `<Task>-fh`, in which nothing but the time limit ends an
episode (gymnasium's `terminate_when_unhealthy=False`); the healthy reward stays as it is. Ant-27 is
Ant without the contact forces in its observation, which its reward still counts. The tasks
`<Task>-no-velocity` are the same as `<Task>`, but the velocities are not observed. The states of
both hold the full observation for experts.

Source: gymnasium 1.4, envs/mujoco/*_v5.py with default arguments.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mujoco

from imitbench import physics
from imitbench.core.types import FULL_OBS, EnvState, Key
from imitbench.envs.base import PhysicsEnv, make_spec, scalar
from imitbench.envs.locomotion_tasks import TASKS, Task, build_model
from imitbench.physics.engine import EngineName, derived_at_rest

HORIZON = 1000
# Bound on qpos and qvel, in m, rad and their rates per second. Running robots stay below 1,000; a
# simulation that passes this bound is about to reach infinity.
EXPLODED = 1e4

MARGIN = 1e-4  # m, rad: rounding of data of others near the bounds of a healthy state

# The row of each derived position: that of the torso, and that of the whole model.
_ROW = {"xpos": 1, "subtree_com": 0}


class Motion(NamedTuple):
    """The outcome of one step of a robot."""

    after: physics.PhysicsState  # may have exploded
    ctrl: jax.Array  # [A] in units of the actuators' ranges
    velocity: jax.Array  # [] m/s, the mean over the step, forward
    finite: jax.Array  # [] bool: the simulation has not exploded


class Locomotion(PhysicsEnv):
    """A robot that runs in the direction of x.

    Observation: `qpos` without x (in 3-D tasks without x and y), `qvel` (except in `-no-velocity`
    tasks), then those of `cinert`, `cvel`, `qfrc_actuator` and `cfrc_ext` that the task observes,
    without the rows of the world and the forces on the root. Action in [-1, 1]: control in units of
    its range, so that the Humanoid's control is 0.4 times the action. The model clips the control;
    its cost counts it unclipped.

    Reward: forward velocity in m/s times its weight + healthy reward - control cost - contact cost.
    An episode terminates where the robot is unhealthy, except in `-fh` tasks and HalfCheetah.

    A state that explodes becomes the model's rest pose with reward 0, and is unhealthy. (In
    gymnasium MuJoCo resets such a state to that pose in the middle of a step, and the reward counts
    the jump to the origin as a velocity; MJX has no such reset.)

    In MJX the Humanoid's solver is Newton instead of PGS, which MJX does not have.

    Args:
        name: the task's name.
        engine: the physics engine.
        task: the settings; by default those of `TASKS`.
    """

    def __init__(self, name: str, engine: EngineName, task: Task | None = None):
        self._task = task = task or TASKS[name]
        model = build_model(task.xml, task.edit)
        model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
        if engine == "mjx" and model.opt.solver == mujoco.mjtSolver.mjSOL_PGS:
            model.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON
        self._qpos = jnp.asarray(model.qpos0, jnp.float32)
        self._nv = model.nv
        self._rest = derived_at_rest(model, task.derived)
        velocities = model.nv if task.observes_velocity else 0
        sizes = [("qpos", model.nq - task.hidden), ("qvel", velocities)][: 1 + bool(velocities)]
        sizes += [(k, self._rest[k][_observed_part(k)].size) for k in task.observed]
        ends = "failure" if task.terminates else "never"
        failed = functools.partial(has_failed, task, model.nq - task.hidden + velocities)
        spec = make_spec(
            sizes, model.nu, HORIZON, ends=ends, failed=failed if task.terminates else None
        )
        super().__init__(name, spec, physics.load(model, engine, task.derived), task.frame_skip)
        self.action_scale = task.action_scale

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        return self._observe(self._draw_start(rng), jnp.zeros(0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [A]."""
        task = self._task
        motion = self._move(state.pipeline_state, action)
        after, finite = motion.after, motion.finite
        healthy = finite & self._healthy(after)
        reward = task.forward_weight * motion.velocity
        reward += jnp.where(healthy, task.healthy_reward, 0.0)
        reward -= task.ctrl_cost * jnp.sum(motion.ctrl**2) + self._contact_cost(after)
        after = self._rest_unless(finite, after)
        return state.replace(
            pipeline_state=after,
            obs=self._obs(after),
            reward=jnp.where(finite, reward, 0.0),
            done=jnp.where(healthy, 0.0, 1.0) if task.terminates else scalar(0.0),
            info=state.info | self._info(after),
        )

    def _draw_start(self, rng: Key) -> physics.PhysicsState:
        nq, scale = self._qpos.size, self._task.reset_noise
        if self._task.normal_velocity:
            rng, k_qvel = jax.random.split(rng)
            d_qpos = jax.random.uniform(rng, (nq,), minval=-scale, maxval=scale)
            d_qvel = scale * jax.random.normal(k_qvel, (self._nv,))
        else:
            noise = jax.random.uniform(rng, (nq + self._nv,), minval=-scale, maxval=scale)
            d_qpos, d_qvel = noise[:nq], noise[nq:]
        return self.physics.reset(self._qpos + d_qpos, d_qvel)

    def _move(self, before: physics.PhysicsState, action: jax.Array) -> Motion:
        ctrl = self._task.action_scale * action
        after = self.physics.step(before, ctrl, substeps=self._task.frame_skip)
        finite = jnp.all(jnp.abs(jnp.concatenate([after.qpos, after.qvel])) < EXPLODED)
        return Motion(after, ctrl, self._velocity(before, after), finite)

    def _rest_unless(self, finite: jax.Array, after: physics.PhysicsState) -> physics.PhysicsState:
        """Returns the state, or the rest pose where it is not finite."""
        return jax.tree.map(lambda a, b: jnp.where(finite, a, b), after, self._at_rest(after))

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        zero = scalar(0.0)
        return EnvState(state, self._obs(state), zero, zero, {}, self._info(state))

    def _info(self, state: physics.PhysicsState) -> dict[str, jax.Array]:
        """Returns the full observation, in tasks that hide a part of it."""
        return {FULL_OBS: self._full_obs(state)} if self._task.hides else {}

    def _obs(self, state: physics.PhysicsState) -> jax.Array:
        task = self._task
        return jnp.concatenate(self._parts(state, task.observes_velocity, task.observed))

    def _full_obs(self, state: physics.PhysicsState) -> jax.Array:
        fields = (*self._task.observed, *self._task.unobserved)
        return jnp.concatenate(self._parts(state, velocity=True, fields=fields))

    def _parts(
        self, state: physics.PhysicsState, velocity: bool, fields: tuple[str, ...]
    ) -> list[jax.Array]:
        """Returns the parts of an observation, with `qvel` or without, with fields of MjData."""
        bound = self._task.max_velocity
        extra = [self._derived(state, k)[_observed_part(k)].ravel() for k in fields]
        qvel = [jnp.clip(state.qvel, -bound, bound)] if velocity else []
        return [state.qpos[self._task.hidden :], *qvel, *extra]

    def _derived(self, state: physics.PhysicsState, name: str) -> jax.Array:
        bound = self._task.max_contact if name == "cfrc_ext" else math.inf
        return jnp.clip(state.derived[name], -bound, bound)

    def _velocity(self, before: physics.PhysicsState, after: physics.PhysicsState) -> jax.Array:
        displacement = self.physics.displacement(before, after)[0]  # of the root, in m
        if name := self._task.position:  # derived positions are relative to the root
            displacement += (after.derived[name] - before.derived[name])[_ROW[name], 0]
        return displacement / self.dt

    def _contact_cost(self, state: physics.PhysicsState) -> jax.Array:
        if not self._task.contact_cost:
            return scalar(0.0)
        cost = self._task.contact_cost * jnp.sum(self._derived(state, "cfrc_ext") ** 2)
        return jnp.minimum(cost, self._task.max_contact_cost)

    def _healthy(self, state: physics.PhysicsState) -> jax.Array:
        task = self._task
        low, high = task.z
        height = state.qpos[task.hidden]
        healthy = (low < height) & (height < high)
        if math.isfinite(task.max_angle):
            healthy &= jnp.abs(state.qpos[2]) < task.max_angle
        if math.isfinite(task.max_state):
            bounded = jnp.concatenate([state.qpos[2:], state.qvel])
            healthy &= jnp.all(jnp.abs(bounded) < task.max_state)
        return healthy

    def _at_rest(self, state: physics.PhysicsState) -> physics.PhysicsState:
        """Returns the model's rest pose, as a state of the engine of `state`."""
        zeros = jax.tree.map(jnp.zeros_like, state)
        return zeros.replace(qpos=self._qpos, derived=dict(self._rest))


def _observed_part(name: str) -> slice:
    """Returns the observed rows of a derived quantity: not the world's, no forces on the root."""
    return slice(6 if name == "qfrc_actuator" else 1, None)


def has_failed(task: Task, size: int, obs: Any) -> Any:
    """Says of observations whether the robot is certainly unhealthy.

    Args:
        task: the task's settings.
        size: the number of observed components of qpos and qvel, which come first.
        obs: [..., O].

    Returns:
        [...] bool; False within `MARGIN` of a bound, where rounding decides.
    """
    low, high = task.z
    failed = (obs[..., 0] < low - MARGIN) | (obs[..., 0] > high + MARGIN)
    if math.isfinite(task.max_angle):
        failed = failed | (abs(obs[..., 1]) > task.max_angle + MARGIN)
    if math.isfinite(task.max_state):
        rest = abs(obs[..., 2 - task.hidden : size])
        failed = failed | (rest > task.max_state + MARGIN).any(axis=-1)
    return failed
