"""Reacher with the semantics of gymnasium v5. The MJCF comes from the installed package.

Source: gymnasium 1.4, envs/mujoco/reacher_v5.py with default arguments.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mujoco

from imitbench import physics
from imitbench.core.types import EnvState, Key
from imitbench.envs.base import PhysicsEnv, asset_path, make_spec, scalar
from imitbench.physics.engine import EngineName

HORIZON = 50
FRAME_SKIP = 2
RADIUS = 0.2  # m; targets are at most so far from the shoulder
UPPER, LOWER = 0.1, 0.11  # m, lengths of the arm's two links
# rad and rad/s: the initial joint angles and rates are uniform within these bounds, on both sides.
MAX_ANGLE, MAX_RATE = 0.1, 0.005


class Reacher(PhysicsEnv):
    """A planar arm of two links moves its tip to a fixed target.

    Observation [10]: cos and sin of the joint angles, target in m, joint rates in rad/s, tip minus
    target in m. Action [2] in [-1, 1]: torques in units of their range. Reward: minus the distance
    in m from tip to target after the step, minus the sum of squared actions. Nothing but the time
    limit, 50 steps, ends an episode.

    The tip's position is computed from the joint angles. Gymnasium's is that of the integrator's
    last stage: less than 0.01 mm away, and some mm while the elbow hits its limit.

    Args:
        engine: the physics engine.
    """

    def __init__(self, engine: EngineName):
        model = mujoco.MjModel.from_xml_path(
            asset_path("gymnasium", "envs", "mujoco", "assets", "reacher.xml")
        )
        sizes = [("cos", 2), ("sin", 2), ("target", 2), ("qvel", 2), ("offset", 2)]
        spec = make_spec(sizes, model.nu, HORIZON)
        super().__init__("Reacher", spec, physics.load(model, engine), FRAME_SKIP)

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        k_arm, k_rate, k_radius, k_angle = jax.random.split(rng, 4)
        arm = jax.random.uniform(k_arm, (2,), minval=-MAX_ANGLE, maxval=MAX_ANGLE)
        rates = jax.random.uniform(k_rate, (2,), minval=-MAX_RATE, maxval=MAX_RATE)
        radius = RADIUS * jnp.sqrt(jax.random.uniform(k_radius))  # uniform over the disc
        angle = jax.random.uniform(k_angle, maxval=2.0 * jnp.pi)
        target = radius * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        qpos, qvel = jnp.concatenate([arm, target]), jnp.concatenate([rates, jnp.zeros(2)])
        return self._observe(self.physics.reset(qpos, qvel), jnp.zeros(0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [2]."""
        after = self.physics.step(state.pipeline_state, action, substeps=FRAME_SKIP)
        obs = self._obs(after)
        distance = jnp.linalg.norm(obs[self.spec.fields["offset"]])
        return state.replace(pipeline_state=after, obs=obs, reward=-distance - jnp.sum(action**2))

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        zero = scalar(0.0)
        return EnvState(state, self._obs(state), zero, zero, {}, {})

    def _obs(self, state: physics.PhysicsState) -> jax.Array:
        arm, target = state.qpos[:2], state.qpos[2:]
        cos, sin = jnp.cos(arm), jnp.sin(arm)
        forearm = jnp.sum(arm)  # rad, the direction of the second link
        tip = UPPER * jnp.stack([cos[0], sin[0]])
        tip += LOWER * jnp.stack([jnp.cos(forearm), jnp.sin(forearm)])
        return jnp.concatenate([cos, sin, target, state.qvel[:2], tip - target])
