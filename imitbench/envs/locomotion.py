"""Locomotion with the semantics of gymnasium v5; the MJCF comes from the installed package.

Source: gymnasium 1.4, envs/mujoco/hopper_v5.py.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mujoco

from imitbench import physics
from imitbench.core.types import EnvState, Key
from imitbench.envs.base import PhysicsEnv, asset, make_spec, scalar
from imitbench.physics.engine import EngineName

HORIZON = 1000


def build_model(xml: str) -> mujoco.MjModel:
    """A model from gymnasium's assets."""
    return mujoco.MjModel.from_xml_path(asset("gymnasium", "envs", "mujoco", "assets", xml))


class Hopper(PhysicsEnv):
    """One leg that hops forward.

    Observation [11]: qpos without x, then qvel clipped to [-10, 10]. Action [3]: joint torques
    in units
    of 200 N m, clamped to [-1, 1] by the model, while the control cost counts them as given.
    Reward: forward velocity in m/s + 1 while healthy - 1e-3 |action|^2. Terminates when unhealthy.
    """

    frame_skip = 4
    reset_noise = 5e-3
    ctrl_cost = 1e-3

    def __init__(self, name: str, engine: EngineName):
        mj = build_model("hopper.xml")
        spec = make_spec([("qpos", mj.nq - 1), ("qvel", mj.nv)], mj.nu, HORIZON)
        super().__init__(name, spec, physics.load(mj, engine))
        self._qpos = jnp.asarray(mj.qpos0, jnp.float32)
        self._dt = self.frame_skip * mj.opt.timestep

    def reset(self, rng: Key) -> EnvState:
        noise = jax.random.uniform(
            rng, (self._qpos.size * 2,), minval=-self.reset_noise, maxval=self.reset_noise
        )
        d_qpos, d_qvel = jnp.split(noise, 2)
        state = self.physics.reset(self._qpos + d_qpos, d_qvel)
        zero = scalar(0.0)
        return EnvState(state, self._obs(state), zero, zero, {}, {})

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        before = state.pipeline_state
        after = self.physics.step(before, action, substeps=self.frame_skip)
        velocity = self.physics.moved(before, after)[0] / self._dt
        healthy = self._healthy(after)
        reward = velocity + jnp.where(healthy, 1.0, 0.0) - self.ctrl_cost * jnp.sum(action**2)
        return state.replace(
            pipeline_state=after,
            obs=self._obs(after),
            reward=reward,
            done=jnp.where(healthy, 0.0, 1.0),
        )

    def _obs(self, state: physics.PhysicsState) -> jax.Array:
        return jnp.concatenate([state.qpos[1:], jnp.clip(state.qvel, -10.0, 10.0)])

    def _healthy(self, state: physics.PhysicsState) -> jax.Array:
        """Height above 0.7 m, torso within 0.2 rad of upright, all but x and z's own within 100."""
        rest = jnp.concatenate([state.qpos[2:], state.qvel])
        bounded = jnp.all(jnp.abs(rest) < 100.0)
        return bounded & (state.qpos[1] > 0.7) & (jnp.abs(state.qpos[2]) < 0.2)
