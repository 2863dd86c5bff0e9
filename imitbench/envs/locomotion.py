"""Locomotion with the semantics of gymnasium v5; the MJCF comes from the installed package.

Each task has a variant of fixed horizon, `<Task>-fh`, in which nothing ends an episode but the time
limit (gymnasium's `terminate_when_unhealthy=False`): the healthy reward is paid as ever.

Source: gymnasium 1.4, envs/mujoco/*_v5.py with default arguments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import mujoco

from imitbench import physics
from imitbench.core.types import EnvState, Key
from imitbench.envs.base import PhysicsEnv, asset, make_spec, scalar
from imitbench.physics.engine import EngineName, derived_at_rest

HORIZON = 1000
# m, rad and their rates per second. Running robots stay below 1,000; a simulation that passes
# this bound is on its way to infinity.
EXPLODED = 1e4


@dataclass(frozen=True)
class Task:
    """What sets one locomotion task apart."""

    xml: str
    frame_skip: int
    ctrl_cost: float  # per squared unit of control
    reset_noise: float
    healthy_reward: float = 1.0
    terminates: bool = True  # when unhealthy
    z: tuple[float, float] = (-math.inf, math.inf)  # m, healthy heights
    max_angle: float = math.inf  # rad from upright, healthy
    max_state: float = math.inf  # healthy size of all but x and z's own positions
    forward_weight: float = 1.0
    contact_cost: float = 0.0  # per squared unit of `cfrc_ext`
    max_contact_cost: float = math.inf
    normal_velocity: bool = False  # whether the noise on qvel is normal instead of uniform
    planar: bool = True  # moves in a plane, and x alone is hidden; else x and y are
    max_velocity: float = math.inf  # clips the observed qvel
    max_contact: float = math.inf  # clips the contact forces, observed and paid for
    action_scale: float = 1.0  # control per unit of action
    position: str = ""  # whose x velocity is rewarded, in `derived`; else the first coordinate
    observed: tuple[str, ...] = ()  # of `derived`, beyond qpos and qvel

    @property
    def hidden(self) -> int:
        """Leading coordinates of qpos that are not observed; the next one is the height."""
        return 1 if self.planar else 2

    @property
    def derived(self) -> tuple[str, ...]:
        return (*self.observed, *([self.position] if self.position else []))


TASKS = {
    "Hopper": Task(
        "hopper.xml",
        4,
        1e-3,
        5e-3,
        z=(0.7, math.inf),
        max_angle=0.2,
        max_state=100,
        max_velocity=10,
    ),
    "Walker2d": Task(
        "walker2d_v5.xml", 4, 1e-3, 5e-3, z=(0.8, 2.0), max_angle=1.0, max_velocity=10
    ),
    "HalfCheetah": Task(
        "half_cheetah.xml", 5, 0.1, 0.1, healthy_reward=0, terminates=False, normal_velocity=True
    ),
    "Ant": Task(
        "ant.xml",
        5,
        0.5,
        0.1,
        z=(0.2, 1.0),
        contact_cost=5e-4,
        normal_velocity=True,
        planar=False,
        max_contact=1.0,
        position="xpos",
        observed=("cfrc_ext",),
    ),
    "Humanoid": Task(
        "humanoid.xml",
        5,
        0.1,
        1e-2,
        healthy_reward=5.0,
        z=(1.0, 2.0),
        forward_weight=1.25,
        contact_cost=5e-7,
        max_contact_cost=10.0,
        planar=False,
        action_scale=0.4,
        position="subtree_com",
        observed=("cinert", "cvel", "qfrc_actuator", "cfrc_ext"),
    ),
}
TASKS |= {f"{name}-fh": replace(task, terminates=False) for name, task in TASKS.items()}

# The row of each derived position that is meant: the torso's, and the whole model's.
_ROW = {"xpos": 1, "subtree_com": 0}


def build_model(xml: str) -> mujoco.MjModel:
    """A model from gymnasium's assets."""
    return mujoco.MjModel.from_xml_path(asset("gymnasium", "envs", "mujoco", "assets", xml))


class Locomotion(PhysicsEnv):
    """One robot that runs in the direction of x.

    Observation: `qpos` without x (3-D tasks: x and y), `qvel`, then what the task names of
    `cinert`, `cvel`, `qfrc_actuator` and `cfrc_ext`, without the world's rows and the root's
    forces. Action in [-1, 1]: control in units of its range, so the Humanoid's is 0.4 times the
    action; the model clamps it while the control cost counts it as given.
    Reward: forward velocity in m/s times its weight + healthy reward - control cost - contact cost.
    Terminates when unhealthy, except in `-fh` variants and HalfCheetah.

    A state that explodes becomes the model's rest pose with reward 0, and is unhealthy. (There
    gymnasium gets MuJoCo's automatic reset to that pose in the middle of a step, whose reward takes
    the jump back to the origin for a velocity; MJX has no such reset.)

    In MJX the Humanoid's solver is Newton instead of PGS, which MJX does not have.
    """

    def __init__(self, name: str, engine: EngineName):
        self._task = task = TASKS[name]
        mj = build_model(task.xml)
        mj.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
        if engine == "mjx" and mj.opt.solver == mujoco.mjtSolver.mjSOL_PGS:
            mj.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON
        self._qpos = jnp.asarray(mj.qpos0, jnp.float32)
        self._nv = mj.nv
        self._rest = derived_at_rest(mj, task.derived)
        sizes = [("qpos", mj.nq - task.hidden), ("qvel", mj.nv)]
        sizes += [(k, self._rest[k][_seen(k)].size) for k in task.observed]
        load = physics.load(mj, engine, task.derived)
        ends = "failure" if task.terminates else "never"
        super().__init__(name, make_spec(sizes, mj.nu, HORIZON, ends=ends), load, task.frame_skip)
        self.action_scale = task.action_scale

    def reset(self, rng: Key) -> EnvState:
        nq, scale = self._qpos.size, self._task.reset_noise
        if self._task.normal_velocity:
            rng, k_qvel = jax.random.split(rng)
            d_qpos = jax.random.uniform(rng, (nq,), minval=-scale, maxval=scale)
            d_qvel = scale * jax.random.normal(k_qvel, (self._nv,))
        else:
            noise = jax.random.uniform(rng, (nq + self._nv,), minval=-scale, maxval=scale)
            d_qpos, d_qvel = noise[:nq], noise[nq:]
        return self._observe(self.physics.reset(self._qpos + d_qpos, d_qvel), jnp.zeros(0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        task = self._task
        before = state.pipeline_state
        ctrl = task.action_scale * action
        after = self.physics.step(before, ctrl, substeps=task.frame_skip)
        fine = jnp.all(jnp.abs(jnp.concatenate([after.qpos, after.qvel])) < EXPLODED)
        healthy = fine & self._healthy(after)
        reward = task.forward_weight * self._velocity(before, after)
        reward += jnp.where(healthy, task.healthy_reward, 0.0)
        reward -= task.ctrl_cost * jnp.sum(ctrl**2) + self._contact_cost(after)
        after = jax.tree.map(lambda a, b: jnp.where(fine, a, b), after, self._at_rest(after))
        return state.replace(
            pipeline_state=after,
            obs=self._obs(after),
            reward=jnp.where(fine, reward, 0.0),
            done=jnp.where(healthy, 0.0, 1.0) if task.terminates else scalar(0.0),
        )

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        zero = scalar(0.0)
        return EnvState(state, self._obs(state), zero, zero, {}, {})

    def _obs(self, state: physics.PhysicsState) -> jax.Array:
        bound = self._task.max_velocity
        extra = [self._derived(state, k)[_seen(k)].ravel() for k in self._task.observed]
        qpos, qvel = state.qpos[self._task.hidden :], jnp.clip(state.qvel, -bound, bound)
        return jnp.concatenate([qpos, qvel, *extra])

    def _derived(self, state: physics.PhysicsState, name: str) -> jax.Array:
        bound = self._task.max_contact if name == "cfrc_ext" else math.inf
        return jnp.clip(state.derived[name], -bound, bound)

    def _velocity(self, before: physics.PhysicsState, after: physics.PhysicsState) -> jax.Array:
        moved = self.physics.displacement(before, after)[0]
        if name := self._task.position:  # held relative to the root, which is what has moved
            moved += (after.derived[name] - before.derived[name])[_ROW[name], 0]
        return moved / self.dt

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
            rest = jnp.concatenate([state.qpos[2:], state.qvel])
            healthy &= jnp.all(jnp.abs(rest) < task.max_state)
        return healthy

    def _at_rest(self, state: physics.PhysicsState) -> physics.PhysicsState:
        """The model's own pose, for the engine of `state`."""
        zeros = jax.tree.map(jnp.zeros_like, state)
        return zeros.replace(qpos=self._qpos, derived=dict(self._rest))


def _seen(name: str) -> slice:
    """What is observed of a derived quantity: no rows of the world, no forces on the free root."""
    return slice(6 if name == "qfrc_actuator" else 1, None)
