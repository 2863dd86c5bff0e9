"""FetchReach, FetchPush, FetchSlide and FetchPickAndPlace: gymnasium-robotics v4 semantics.

The MJCF and meshes are loaded from the installed `gymnasium_robotics` package. The flat observation
is [observation, desired_goal]; the achieved goal is a field of the observation. Lengths in metres,
angles in radians, velocities in metres or radians per environment step (0.04 s), as in the
original.

Source: gymnasium-robotics 1.4.2, envs/fetch and envs/robot_env.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench import physics
from imitbench.core.types import EnvState, GoalSpec, Key
from imitbench.envs import goal
from imitbench.envs.base import PhysicsEnv, asset, follow, layout, make_spec, scalar
from imitbench.physics.engine import EngineName

SUBSTEPS = 20
THRESHOLD = 0.05  # m
HORIZON = 50
STEP = 0.05  # m of mocap displacement per unit of action
FINGERS = ("robot0:r_gripper_finger_joint", "robot0:l_gripper_finger_joint")  # in model order
ModelName = Literal["full", "reduced"]


@dataclass(frozen=True)
class Task:
    """What sets one Fetch task apart."""

    xml: str
    initial_qpos: tuple[tuple[str, tuple[float, ...]], ...]
    has_object: bool
    block_gripper: bool
    extra_height: float  # m, of the gripper above its standard start
    target_in_the_air: bool
    obj_range: float = 0.15
    target_range: float = 0.15
    target_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m, of goals for an object
    mjx: bool = True  # whether MJX has the collisions that the reduced model keeps


_BASE = (("robot0:slide1", (0.48,)), ("robot0:slide2", (0.0,)))
_OBJECT = ("object0:joint", (1.25, 0.53, 0.4, 1.0, 0.0, 0.0, 0.0))
_PUCK = ("object0:joint", (1.7, 1.1, 0.41, 1.0, 0.0, 0.0, 0.0))
_WITH_OBJECT = (("robot0:slide0", (0.405,)), *_BASE, _OBJECT)

TASKS = {
    "FetchReach": Task("reach.xml", (("robot0:slide0", (0.4049,)), *_BASE), False, True, 0.2, True),
    "FetchPush": Task("push.xml", _WITH_OBJECT, True, True, 0.0, False),
    "FetchSlide": Task(
        "slide.xml",
        (("robot0:slide0", (0.05,)), *_BASE, _PUCK),
        True,
        True,
        -0.02,
        False,
        obj_range=0.1,
        target_range=0.3,
        target_offset=(0.4, 0.0, 0.0),
        mjx=False,  # no cylinder against a box
    ),
    "FetchPickAndPlace": Task("pick_and_place.xml", _WITH_OBJECT, True, False, 0.2, True),
}

_S = mujoco.mjtSensor
_O = mujoco.mjtObj
_ARM_SENSORS = (
    ("grip_pos", 3, _S.mjSENS_FRAMEPOS, _O.mjOBJ_SITE, "robot0:grip"),
    ("grip_velp", 3, _S.mjSENS_FRAMELINVEL, _O.mjOBJ_SITE, "robot0:grip"),
    ("hand_pos", 3, _S.mjSENS_FRAMEPOS, _O.mjOBJ_XBODY, "robot0:gripper_link"),
    ("hand_quat", 4, _S.mjSENS_FRAMEQUAT, _O.mjOBJ_XBODY, "robot0:gripper_link"),
)
_OBJECT_SENSORS = (
    ("object_pos", 3, _S.mjSENS_FRAMEPOS, _O.mjOBJ_SITE, "object0"),
    ("object_quat", 4, _S.mjSENS_FRAMEQUAT, _O.mjOBJ_SITE, "object0"),
    ("object_velp", 3, _S.mjSENS_FRAMELINVEL, _O.mjOBJ_SITE, "object0"),
    ("object_velr", 3, _S.mjSENS_FRAMEANGVEL, _O.mjOBJ_SITE, "object0"),
)


def build_model(task: Task, variant: ModelName) -> mujoco.MjModel:
    """The compiled model with the sensors that the observation needs.

    `full` is the original physics. `reduced` is what MJX can step: no mesh collisions, four contact
    pairs (finger-object, finger-table, object-table, object-floor), three massless spheres as
    feet in place of the base's mesh contacts, fewer solver iterations.
    """
    xml = asset("gymnasium_robotics", "envs", "assets", "fetch", task.xml)
    spec = mujoco.MjSpec.from_file(xml)
    for name, _, kind, objtype, obj in _ARM_SENSORS + (_OBJECT_SENSORS if task.has_object else ()):
        spec.add_sensor(name=name, type=kind, objtype=objtype, objname=obj)
    if variant == "reduced":
        _reduce(spec)
    model = spec.compile()
    # gymnasium-robotics' reset_mocap_welds
    welds = model.eq_type == mujoco.mjtEq.mjEQ_WELD
    model.eq_data[welds, :7] = [0, 0, 0, 0, 0, 0, 1]
    return model


def _reduce(spec: mujoco.MjSpec) -> None:
    # (contype, conaffinity): two geoms touch where one's contype meets the other's conaffinity.
    bits = {"floor0": (0, 5), "object0": (1, 0), "table0": (2, 1)}
    for geom in spec.geoms:
        owner = geom.name if geom.name in bits else geom.parent.name
        fingers = owner.endswith("gripper_finger_link") and geom.type == mujoco.mjtGeom.mjGEOM_BOX
        geom.contype, geom.conaffinity = (0, 3) if fingers else bits.get(owner, (0, 0))
    base = spec.body("robot0:base_link")
    for x, y in ((-0.2098, 0.1239), (0.1662, 0.1239), (0.1662, -0.1101)):
        base.add_geom(
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[0.02, 0, 0],
            pos=[x, y, 0.02],
            mass=0,
            contype=4,
            conaffinity=0,
            condim=3,
            margin=0.001,
            solref=[0.01, 1],
            solimp=[0.99, 0.99, 0.01, 0.5, 2],
        )
    spec.option.iterations = 8
    spec.option.ls_iterations = 12


def settle(model: mujoco.MjModel, task: Task) -> mujoco.MjData:
    """Brings the gripper to its start as gymnasium-robotics does: ten control steps towards a
    pose."""
    data = mujoco.MjData(model)
    for name, value in task.initial_qpos:
        data.joint(name).qpos[:] = value
    mujoco.mj_forward(model, data)
    target = np.array([-0.498, 0.005, -0.431 + task.extra_height])
    data.mocap_pos[0] = data.site("robot0:grip").xpos + target
    data.mocap_quat[0] = [1, 0, 1, 0]
    mujoco.mj_step(model, data, nstep=10 * SUBSTEPS)
    return data


class Fetch(PhysicsEnv):
    """One Fetch task.

    Action [4] in [-1, 1] (clipped): gripper displacement in units of 5 cm, and the finger command.
    Never terminates. Success and reward look at the distance of achieved and desired goal.
    """

    def __init__(self, name: str, engine: EngineName, model: ModelName):
        task = TASKS[name]
        mj = build_model(task, model)
        start = settle(mj, task)
        obj = [("object_pos", 3), ("object_rel_pos", 3)] if task.has_object else []
        vel = [("object_rot", 3), ("object_velp", 3), ("object_velr", 3)] if task.has_object else []
        sizes = [("grip_pos", 3), *obj, ("gripper_state", 2), *vel, ("grip_velp", 3)]
        sizes += [("gripper_vel", 2), ("desired_goal", 3)]
        achieved = "object_pos" if task.has_object else "grip_pos"
        goal_spec = GoalSpec(achieved, "desired_goal", goal.sparse_reward(THRESHOLD))
        spec = make_spec(sizes, 4, HORIZON, goal_spec)
        super().__init__(name, spec, physics.load(mj, engine), SUBSTEPS)
        self._task = task
        used = _ARM_SENSORS + (_OBJECT_SENSORS if task.has_object else ())
        self._sensors = layout([(s[0], s[1]) for s in used])
        self._qpos = jnp.asarray(start.qpos, jnp.float32)
        self._qvel = jnp.asarray(start.qvel, jnp.float32)
        self._grip = jnp.asarray(start.site("robot0:grip").xpos, jnp.float32)
        self._height = float(start.site("object0").xpos[2]) if task.has_object else 0.0
        self._fingers = np.array([mj.joint(n).qposadr[0] for n in FINGERS])
        self._finger_dofs = np.array([mj.joint(n).dofadr[0] for n in FINGERS])
        self._driven = mj.jnt_qposadr[mj.actuator_trnid[:, 0]]  # none in Reach
        self._object = mj.joint("object0:joint").qposadr[0] if task.has_object else None

    def reset(self, rng: Key) -> EnvState:
        k_object, k_goal = jax.random.split(rng)
        qpos = self._qpos
        if self._object is not None:
            xy = self._grip[:2] + self._sample_offset(k_object)
            qpos = qpos.at[self._object : self._object + 2].set(xy)
        state = self.physics.reset(qpos, self._qvel)
        return self._observe(state, self._sample_goal(k_goal))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        action = jnp.clip(action, -1.0, 1.0)
        before = state.pipeline_state
        # The mocap body is put on the hand, as the sensors know it, and then moved by the action.
        offset = jnp.concatenate([action[:3] * STEP, jnp.array([1.0, 0.0, 1.0, 0.0])])
        pose = jnp.concatenate([self._read(before, "hand_pos"), self._read(before, "hand_quat")])
        command = 0.0 if self._task.block_gripper else action[3]
        ctrl = before.qpos[self._driven] + command
        # With a blocked gripper gymnasium-robotics calls `mj_forward` after the step, else it
        # does not.
        lagged = not self._task.block_gripper
        after = self.physics.step(before, ctrl, pose + offset, substeps=SUBSTEPS, lagged=lagged)
        if self._task.block_gripper:
            after = self.physics.set_qpos(after, self._fingers, 0.0)
        return follow(state, self._observe(after, state.info["goal"]))

    def _sample_offset(self, key: Key) -> jax.Array:
        """Object offset [2]: uniform in a square, drawn again until 0.1 m away from the gripper."""
        r = self._task.obj_range

        def draw(carry: tuple[Key, jax.Array]) -> tuple[Key, jax.Array]:
            key, _ = carry
            key, sub = jax.random.split(key)
            return key, jax.random.uniform(sub, (2,), minval=-r, maxval=r)

        def near(carry: tuple[Key, jax.Array]) -> jax.Array:
            return jnp.linalg.norm(carry[1]) < 0.1

        return jax.lax.while_loop(near, draw, draw((key, jnp.zeros(2))))[1]

    def _sample_goal(self, key: Key) -> jax.Array:
        """Desired goal [3]: around the gripper; with an object at its height, or up to 0.45 m
        above."""
        k_pos, k_air, k_height = jax.random.split(key, 3)
        r = self._task.target_range
        target = self._grip + jax.random.uniform(k_pos, (3,), minval=-r, maxval=r)
        if not self._task.has_object:
            return target
        target = target + jnp.asarray(self._task.target_offset)
        height = scalar(self._height)
        if self._task.target_in_the_air:
            lifted = jax.random.bernoulli(k_air)
            height = height + jnp.where(lifted, jax.random.uniform(k_height, maxval=0.45), 0.0)
        return target.at[2].set(height)

    def _read(self, state: physics.PhysicsState, name: str) -> jax.Array:
        return state.sensordata[self._sensors[name]]

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        grip = self._read(state, "grip_pos")
        grip_velp = self._read(state, "grip_velp") * self.dt
        parts = [grip]
        rest = []
        achieved = grip
        if self._task.has_object:
            achieved = self._read(state, "object_pos")
            parts += [achieved, achieved - grip]
            rest = [
                goal.quat_to_euler(self._read(state, "object_quat")),
                self._read(state, "object_velp") * self.dt - grip_velp,
                self._read(state, "object_velr") * self.dt,
            ]
        parts += [state.qpos[self._fingers], *rest, grip_velp]
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
