"""Imitation of a clip: the environment, with variants for the ablations of DeepMimic.

Policies of a variant are evaluated in the task without a suffix, so that their returns compare.

Source: Peng et al. 2018 (arXiv:1804.02717): the phase is observed, episodes begin at a random
moment of the clip and end where a part of the body other than a foot touches the ground; the reward
is 0 while one does. At each new cycle the reference comes to the place of the body.

Different from the source: 4 or 8 steps of the model with implicit damping in a step of 1/30 s,
hinges in place of ball joints, episodes of 10 s, where the official code begins with half a second
and ends, after 32 million steps, with 20 s; and the observation has joint angles in place of the
frames of the bodies, and the difference from the reference's heading. A body that would begin in
the ground is raised without its reference, which the official code raises, too.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench import physics
from imitbench.core.types import EnvState, Key
from imitbench.envs.base import PhysicsEnv, keep_wrapper_fields, make_spec, scalar
from imitbench.envs.motion import rewards, rotations
from imitbench.envs.motion.body import CONTROL, Body
from imitbench.envs.motion.clips import Clip
from imitbench.envs.motion.course import PLACE, Course
from imitbench.envs.motion.reference import Reference
from imitbench.envs.motion.skeleton import Skeleton
from imitbench.physics.engine import EngineName

HORIZON = 300  # steps: 10 s
EXPLODED = 1e3  # bound on qpos and qvel; a falling body stays far below


class Imitation(PhysicsEnv):
    """A body that imitates a clip.

    Observation of a planar body: height and turn of the root, joint angles; velocities of the root,
    of its turn, and of the joints; sine and cosine of the phase. Of others: height of the root; two
    columns of its rotation matrix, its velocity, both in its own heading; its spin in its own
    frame; angles and velocities of the joints; sine and cosine of the difference between its
    heading and the reference's; sine and cosine of the phase. Units: m, rad and s.

    Action [A] in [-1, 1]: the angle that each position actuator asks for, rest + reach * action.

    Reward: `rewards.deepmimic` or `rewards.quadruped`, in [0, 1] a step, 0 where the body has
    fallen; the clip itself gets 1. An episode ends where the body has fallen or left the reference.

    MJX takes the same steps as MuJoCo, except where an actuator reaches its largest torque: MuJoCo
    leaves it out of the implicit damping then, MJX does not.

    A state that explodes becomes that of the reference, with reward 0, and counts as a fall.

    Args:
        name: the task's name.
        engine: the physics engine.
        body: the body.
        clip: the clip.
        hands: bodies that may touch the ground beside the feet.
        random_start: begin episodes at a random phase; else at phase 0.
        terminates: end episodes at a fall; else only the time limit ends them.
        evaluated_in: the task in which policies of a variant are evaluated; None for its own.

    Raises:
        UserError: the clip lacks joints of the body.
    """

    def __init__(
        self,
        name: str,
        engine: EngineName,
        body: Body,
        clip: Clip,
        hands: tuple[str, ...] = (),
        random_start: bool = True,
        terminates: bool = True,
        evaluated_in: Imitation | None = None,
    ):
        self.evaluated_in = evaluated_in
        model = body.build().compile()
        self._body, self._starts_anywhere, self._terminates = body, random_start, terminates
        self.course = Course(Reference(body, model, clip), CONTROL)
        self.skeleton = skeleton = Skeleton(model)
        self._ends = skeleton.index(body.ends)
        self._weights, self._root_weight = _joint_weights(body, model, skeleton)
        may_touch = skeleton.index((*body.feet, *hands))
        self._fragile = ~np.isin(skeleton.point_bodies, may_touch)
        rest, reach = (np.array([getattr(h, k) for h in body.hinges]) for k in ("rest", "reach"))
        hinges = model.nv - (3 if body.planar else 6)
        if body.planar:
            sizes = [("root", 2), ("joints", hinges), ("velocity", 3), ("rates", hinges)]
        else:
            sizes = [("height", 1), ("rotation", 6), ("velocity", 3), ("spin", 3)]
            sizes += [("joints", hinges), ("rates", hinges), ("heading", 2)]
        sizes.append(("phase", 2))
        spec = make_spec(sizes, model.nu, HORIZON, ends="failure" if terminates else "never")
        super().__init__(name, spec, physics.load(model, engine), body.substeps)
        self._rest, self._reach = rest.astype(np.float32), reach.astype(np.float32)

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode: that of the reference, lifted out of the ground.

        Args:
            rng: decides the phase, unless episodes begin at phase 0.
        """
        phase = jax.random.uniform(rng) if self._starts_anywhere else scalar(0.0)
        place = jnp.zeros(PLACE).at[0].set(phase)
        qpos, qvel = self.course.state(place)
        heights = self.skeleton.heights(self.skeleton.frames(qpos))
        height = 1 if self._body.planar else 2
        qpos = qpos.at[height].add(jnp.maximum(-jnp.min(heights), 0.0))
        return self._observe(self.physics.reset(qpos, qvel), place)

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [A]."""
        ctrl = jnp.asarray(self._rest) + jnp.asarray(self._reach) * action
        after = self.physics.step(state.pipeline_state, ctrl, substeps=self._body.substeps)
        finite = jnp.all(jnp.abs(jnp.concatenate([after.qpos, after.qvel])) < EXPLODED)
        place = self.course.next_place(state.info["reference"], after.qpos)
        place = jnp.where(finite, place, self.course.following(state.info["reference"]))
        qpos, qvel = self.course.state(place)
        zeros = jax.tree.map(jnp.zeros_like, after).replace(qpos=qpos, qvel=qvel)
        after = jax.tree.map(lambda a, b: jnp.where(finite, a, b), after, zeros)
        own, other = (
            rewards.observe_motion(self.skeleton, self._ends, *s)
            for s in ((after.qpos, after.qvel), (qpos, qvel))
        )
        errors = rewards.compare(self._weights, self._root_weight, own, other)
        fallen = ~finite | self._has_fallen(own, errors)
        new = self._observe(after, place)
        new = new.replace(
            reward=jnp.where(fallen, 0.0, self._reward(errors)),
            done=jnp.where(fallen, 1.0, 0.0) if self._terminates else scalar(0.0),
        )
        return keep_wrapper_fields(state, new)

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [nq + nv + 4] of a state: qpos, qvel and the reference's place."""
        return jnp.concatenate([super().pose(state), state.info["reference"]])

    @property
    def actuated(self) -> np.ndarray:
        """[nq + nv + 4] bool: positions and velocities of hinges; see `PhysicsEnv`."""
        return np.concatenate([super().actuated, np.zeros(PLACE, bool)])

    def clip_states(self, phase: jax.Array) -> EnvState:
        """Returns the states of the clip itself over an episode: demonstrations without actions.

        Args:
            phase: [] in [0, 1), of the first state.

        Returns:
            States [T + 1] of T steps. Their reward is 0, and would be 1 for getting there.
        """
        start = jnp.zeros(PLACE).at[0].set(phase)
        _, places = jax.lax.scan(
            lambda place, _: (self.course.following(place), place), start, None, HORIZON + 1
        )
        states = jax.vmap(lambda place: self.physics.reset(*self.course.state(place)))(places)
        return jax.vmap(self._observe)(states, places)

    def _has_fallen(self, own: rewards.Motion, errors: rewards.Errors) -> jax.Array:
        """Whether [] something but feet touches the ground, or the body has left the reference."""
        heights = self.skeleton.heights(own.frames)
        fallen = jnp.any(self._fragile & (heights < 0.0))
        fallen |= errors.root_position > self._body.max_distance**2
        return fallen | (errors.root_rotation > self._body.max_turn**2)

    def _reward(self, errors: rewards.Errors) -> jax.Array:
        if self._body.deepmimic:
            return rewards.deepmimic(errors, len(self._weights.bodies))
        return rewards.quadruped(errors)

    def _observe(self, state: physics.PhysicsState, desired: jax.Array) -> EnvState:
        """Builds the environment's state; `desired` is the reference's place [4]."""
        obs = self._obs(state, desired)
        info = {"reference": desired}
        return EnvState(state, obs, scalar(0.0), scalar(0.0), {}, info)

    def _obs(self, state: physics.PhysicsState, place: jax.Array) -> jax.Array:
        qpos, qvel, angle = state.qpos, state.qvel, 2.0 * jnp.pi * place[0]
        phase = jnp.stack([jnp.sin(angle), jnp.cos(angle)])
        if self._body.planar:
            return jnp.concatenate([qpos[1:], qvel, phase])
        heading = rotations.heading(qpos[3:7])
        back = rotations.about_z(-heading)
        wanted = rotations.heading(self.course.state(place)[0][3:7])
        difference = jnp.stack([jnp.sin(heading - wanted), jnp.cos(heading - wanted)])
        level = rotations.columns(rotations.multiply(back, qpos[3:7]))
        velocity = rotations.rotate(back, qvel[:3])
        return jnp.concatenate(
            [qpos[2:3], level, velocity, qvel[3:6], qpos[7:], qvel[6:], difference, phase]
        )


def _joint_weights(
    body: Body, model: mujoco.MjModel, skeleton: Skeleton
) -> tuple[rewards.Weights, float]:
    """The weights of the joints, with sum 1 for DeepMimic's reward, and that of the root's spin."""
    bodies = np.zeros(model.nbody - 1, np.float32)
    for name, weight in body.weights.items():
        bodies[skeleton.index((name,))] = weight
    if body.deepmimic:
        bodies /= bodies.sum()
    dofs = bodies[model.dof_bodyid - 1]
    return rewards.Weights(bodies, dofs[3 if body.planar else 6 :]), float(bodies[0])
