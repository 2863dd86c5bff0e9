"""FetchReach, FetchPush, FetchSlide and FetchPickAndPlace: gymnasium-robotics v4 semantics.

The flat observation is [observation, desired_goal]; the achieved goal is a field of the
observation. Lengths are in metres, angles in radians, velocities in metres or radians per
environment step (0.04 s), as in the original.

Source: gymnasium-robotics 1.4.2, envs/fetch and envs/robot_env.py.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import physics
from imitbench.core.types import EnvState, GoalSpec, Key, Modes, Transition
from imitbench.envs import goal
from imitbench.envs.base import PhysicsEnv, field_slices, keep_wrapper_fields, make_spec, scalar
from imitbench.envs.fetch_model import (
    ARM,
    FINGERS,
    SUBSTEPS,
    TASKS,
    ModelName,
    Task,
    build_model,
    sensors,
    settle,
)
from imitbench.physics.engine import EngineName

THRESHOLD = 0.05  # m
HORIZON = 50
NEAR = 0.05  # m, the distance from the block on the table at which its side counts
PICK = "FetchPickAndPlace"


def find_side(steps: Transition) -> jax.Array:
    """Finds the side from which the gripper came to the block.

    Args:
        steps: episodes [T, B] of a task with a block.

    Returns:
        [B] int32: 1 where the gripper was on the side of larger y when it first was less than 5 cm
        from the block, seen from above; 0 on the other side; -1 where it never was.
    """
    offset = (steps.next_obs[..., 0:2] - steps.next_obs[..., 3:5]).astype(jnp.float32)
    near = (jnp.linalg.norm(offset, axis=-1) < NEAR) & (steps.weight > 0)
    first = jnp.argmax(near, axis=0)
    side = jnp.take_along_axis(offset[..., 1] > 0, first[None], axis=0)[0]
    return jnp.where(jnp.any(near, axis=0), side, -1).astype(jnp.int32)


class Fetch(PhysicsEnv):
    """One Fetch task.

    Observation: the original's observation, then the desired goal. Action [4] in [-1, 1] (clipped):
    the gripper's displacement in units of `Task.step` (5 cm), and the command of the fingers.
    Reward: 0 within 0.05 m of the goal, else -1. Nothing but the time limit, 50 steps, ends an
    episode.

    Args:
        name: the task's name.
        engine: the physics engine.
        model: the variant of the model; MJX can step `reduced` alone.
        task: the settings; by default those of `TASKS`.
    """

    def __init__(self, name: str, engine: EngineName, model: ModelName, task: Task | None = None):
        task = task or TASKS[name]
        mj_model = build_model(task, model)
        start = settle(mj_model, task)
        obj = [("object_pos", 3), ("object_rel_pos", 3)] if task.has_object else []
        vel = [("object_rot", 3), ("object_velp", 3), ("object_velr", 3)] if task.has_object else []
        sizes = [("grip_pos", 3), *obj, ("gripper_state", 2), *vel, ("grip_velp", 3)]
        sizes += [("gripper_vel", 2), ("desired_goal", 3)]
        achieved = "object_pos" if task.has_object else "grip_pos"
        goal_spec = GoalSpec(achieved, "desired_goal", goal.sparse_reward(THRESHOLD))
        modes = Modes(2, find_side) if name == PICK else None
        spec = make_spec(sizes, 4, HORIZON, goal_spec, modes=modes)
        super().__init__(name, spec, physics.load(mj_model, engine), SUBSTEPS)
        self.task = task
        self._sensors = field_slices([(s[0], s[1]) for s in sensors(task)])
        self._qpos = jnp.asarray(start.qpos, jnp.float32)
        self._qvel = jnp.asarray(start.qvel, jnp.float32)
        self._grip = jnp.asarray(start.site("robot0:grip").xpos, jnp.float32)
        self._height = float(start.site("object0").xpos[2]) if task.has_object else 0.0
        self._fingers = np.array([mj_model.joint(n).qposadr[0] for n in FINGERS])
        self._finger_dofs = np.array([mj_model.joint(n).dofadr[0] for n in FINGERS])
        # The positions that actuators drive; there are none in FetchReach.
        self._driven = mj_model.jnt_qposadr[mj_model.actuator_trnid[:, 0]]
        self._object = mj_model.joint("object0:joint").qposadr[0] if task.has_object else None

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        k_object, k_goal = jax.random.split(rng)
        qpos = self._qpos
        if self._object is not None:
            xy = self._grip[:2] + self._sample_offset(k_object)
            qpos = qpos.at[self._object : self._object + 2].set(xy)
        state = self.physics.reset(qpos, self._qvel)
        return self._observe(state, self._sample_goal(k_goal))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [4]."""
        action = jnp.clip(action, -1.0, 1.0)
        before = state.pipeline_state
        # The mocap body is placed at the hand, as the sensors report it, and moved by the action.
        offset = jnp.concatenate([action[:3] * self.task.step, jnp.array([1.0, 0.0, 1.0, 0.0])])
        pose = jnp.concatenate([self._read(before, "hand_pos"), self._read(before, "hand_quat")])
        command = 0.0 if self.task.block_gripper else action[3]
        ctrl = before.qpos[self._driven] + command
        # gymnasium-robotics calls `mj_forward` after the step only if the gripper is blocked.
        lagged = not self.task.block_gripper
        after = self.physics.step(before, ctrl, pose + offset, substeps=SUBSTEPS, lagged=lagged)
        if self.task.block_gripper:
            after = self.physics.set_qpos(after, self._fingers, 0.0)
        return keep_wrapper_fields(state, self._observe(after, state.info["goal"]))

    def _driven_joints(self) -> np.ndarray:
        """The arm, which follows the mocap body, and the fingers where they move."""
        names = ARM if self.task.block_gripper else ARM + FINGERS
        return np.array([self.physics.model.joint(name).id for name in names])

    def _sample_offset(self, key: Key) -> jax.Array:
        """Draws the object's offset [2] in m: uniform in a square, 0.1 m or more from the
        gripper."""
        r = self.task.obj_range

        def draw(carry: tuple[Key, jax.Array]) -> tuple[Key, jax.Array]:
            key, _ = carry
            key, sub = jax.random.split(key)
            return key, jax.random.uniform(sub, (2,), minval=-r, maxval=r)

        def near(carry: tuple[Key, jax.Array]) -> jax.Array:
            return jnp.linalg.norm(carry[1]) < 0.1

        return jax.lax.while_loop(near, draw, draw((key, jnp.zeros(2))))[1]

    def _sample_goal(self, key: Key) -> jax.Array:
        """Draws a goal [3] in m: around the gripper; with an object at the object's height, or up
        to 0.45 m above it."""
        k_pos, k_air, k_height = jax.random.split(key, 3)
        r = self.task.target_range
        target = self._grip + jax.random.uniform(k_pos, (3,), minval=-r, maxval=r)
        if not self.task.has_object:
            return target
        target = target + jnp.asarray(self.task.target_offset)
        height = scalar(self._height)
        if self.task.target_in_the_air:
            lifted = jax.random.bernoulli(k_air)
            height = height + jnp.where(lifted, jax.random.uniform(k_height, maxval=0.45), 0.0)
        return target.at[2].set(height)

    def _read(self, state: physics.PhysicsState, name: str) -> jax.Array:
        return state.sensordata[self._sensors[name]]

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        grip = self._read(state, "grip_pos")
        grip_velp = self._read(state, "grip_velp") * self.dt
        parts = [grip]
        object_motion = []
        achieved = grip
        if self.task.has_object:
            achieved = self._read(state, "object_pos")
            parts += [achieved, achieved - grip]
            object_motion = [
                goal.quat_to_euler(self._read(state, "object_quat")),
                self._read(state, "object_velp") * self.dt - grip_velp,
                self._read(state, "object_velr") * self.dt,
            ]
        parts += [state.qpos[self._fingers], *object_motion, grip_velp]
        parts += [state.qvel[self._finger_dofs] * self.dt, desired]
        goal_spec = self.spec.goal
        assert goal_spec is not None
        return EnvState(
            pipeline_state=state,
            obs=jnp.concatenate(parts),
            reward=goal_spec.reward(achieved, desired),
            done=scalar(0.0),
            metrics={"success": goal.reached(achieved, desired, THRESHOLD)},
            info={"goal": desired},
        )
