"""PointMass: a ball on a plane that is pushed to a goal. It compiles quickly, for tests."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mujoco

from imitbench import physics
from imitbench.core.types import EnvState, GoalSpec, Key
from imitbench.envs import goal
from imitbench.envs.base import PhysicsEnv, keep_wrapper_fields, make_spec, scalar
from imitbench.physics.engine import EngineName

THRESHOLD = 0.1  # m
HORIZON = 20
SUBSTEPS = 5

XML = """
<mujoco>
  <option timestep="0.02"/>
  <worldbody>
    <body>
      <joint name="x" type="slide" axis="1 0 0" damping="2"/>
      <joint name="y" type="slide" axis="0 1 0" damping="2"/>
      <geom type="sphere" size="0.05" mass="1" contype="0" conaffinity="0"/>
    </body>
  </worldbody>
  <actuator><motor joint="x" gear="4"/><motor joint="y" gear="4"/></actuator>
</mujoco>
"""


class PointMass(PhysicsEnv):
    """A ball of 1 kg on a plane is pushed to a goal.

    Observation [6]: position in m, velocity in m/s, goal in m. Action [2] in [-1, 1] (clipped):
    force in units of 4 N. Reward: 0 within 0.1 m of the goal, else -1. Nothing but the time limit,
    20 steps, ends an episode.

    Args:
        name: the task's name.
        engine: the physics engine.
    """

    def __init__(self, name: str, engine: EngineName):
        spec = make_spec(
            [("pos", 2), ("vel", 2), ("desired_goal", 2)],
            2,
            HORIZON,
            GoalSpec("pos", "desired_goal", goal.sparse_reward(THRESHOLD)),
        )
        model = mujoco.MjModel.from_xml_string(XML)
        super().__init__(name, spec, physics.load(model, engine), SUBSTEPS)

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        pos, target = jax.random.uniform(rng, (2, 2), minval=-1.0, maxval=1.0)
        return self._observe(self.physics.reset(pos, jnp.zeros(2)), target)

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [2]."""
        ctrl = jnp.clip(action, -1.0, 1.0)
        after = self.physics.step(state.pipeline_state, ctrl, substeps=SUBSTEPS)
        return keep_wrapper_fields(state, self._observe(after, state.info["goal"]))

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        goal_spec = self.spec.goal
        assert goal_spec is not None
        return EnvState(
            pipeline_state=state,
            obs=jnp.concatenate([state.qpos, state.qvel, desired]),
            reward=goal_spec.reward(state.qpos, desired),
            done=scalar(0.0),
            metrics={"success": goal.reached(state.qpos, desired, THRESHOLD)},
            info={"goal": desired},
        )
