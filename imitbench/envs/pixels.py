"""Fetch tasks that observe an image of the scene in place of positions.

The dynamics, the reward and the initial states are those of the full task, whose observation the
states hold (`FULL_OBS`), so that its experts demonstrate here. The image is that of the positions
in float32, so that one rendered from a recorded pose has the same bytes.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.observations import images
from imitbench.core.types import FULL_OBS, EnvState, ImageSpec, Key, Spec
from imitbench.envs import fetch_scene
from imitbench.envs.base import BaseEnv, field_slices
from imitbench.envs.fetch import Fetch
from imitbench.physics.images import Renderer, image_of_state
from imitbench.physics.rays import RayRenderer

Mode = Literal["depth64", "seg64", "rgb64"]
MODES: dict[Mode, str] = {
    "depth64": "a depth image",
    "seg64": "an image of the class of each pixel",
    "rgb64": "a colour image, which needs OpenGL",
}
"""The modes of observation, and what is seen."""
NEED_GRAPHICS: tuple[Mode, ...] = ("rgb64",)
"""The modes that need OpenGL."""
BODIES = ("FetchReach", "FetchPush")
PROPRIOCEPTION = ("grip_pos", "gripper_state", "grip_velp", "gripper_vel")
"""The fields of the full observation that the robot's own sensors measure."""


def task_name(body: str, mode: Mode) -> str:
    """Returns the name of the task that observes images of a Fetch task."""
    return f"{body}-{mode}"


def make_renderer(env: Fetch, mode: Mode) -> Renderer:
    """Builds the renderer of a mode.

    Raises:
        UserError: the mode needs OpenGL, which does not render here.
    """
    model, camera = fetch_scene.build_scene(env.task), fetch_scene.CAMERA
    if mode == "depth64":
        return RayRenderer(model, camera, "depth", depths=fetch_scene.DEPTHS)
    if mode == "seg64":
        return RayRenderer(model, camera, "classes", fetch_scene.geom_classes(model))
    from imitbench.physics.colour import ColourRenderer

    return ColourRenderer(model, camera)


class PixelTask(BaseEnv):
    """A Fetch task that observes an image of 64 x 64 pixels, and the robot's own sensors.

    Observation: bytes, see `ImageSpec`. Proprioception [10]: position and velocity of the gripper,
    positions and velocities of its fingers, as the full task observes them. The image: depth from
    0.4 m (0) to 1.6 m (255), classes (`fetch_scene.CLASSES`), or red, green and blue.

    Args:
        name: the task's name.
        env: the full task.
        mode: what is seen.
    """

    def __init__(self, name: str, env: Fetch, mode: Mode):
        self._env = env
        self._renderer = make_renderer(env, mode)
        camera = fetch_scene.CAMERA
        fields = env.spec.fields
        seen = [np.r_[fields[k]] for k in PROPRIOCEPTION]
        self._seen = np.concatenate(seen)
        self.image = ImageSpec(
            height=camera.height,
            width=camera.width,
            channels=self._renderer.channels,
            classes=len(fetch_scene.CLASSES) if mode == "seg64" else 0,
            numbers=len(self._seen),
            full=fields,
        )
        sizes = [("proprioception", images.BYTES * len(self._seen)), ("image", self.image.size)]
        spec = Spec(
            obs_size=images.obs_size(self.image),
            action_size=env.spec.action_size,
            horizon=env.spec.horizon,
            fields=field_slices(sizes),
            image=self.image,
        )
        super().__init__(name, spec, env.engine)

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        return self._see(self._env.reset(rng))

    def reset_where(self, rng: Key, needed: jax.Array) -> EnvState:
        """Returns the initial state of an episode, whose image is blank unless it is needed."""
        return self._see(self._env.reset(rng), needed)

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [4]."""
        return self._see(self._env.step(state, action))

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose of a state, as the full task does."""
        return self._env.pose(state)

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a given pose, at the start of an episode."""
        return self._see(self._env.reset_to(pose))

    def reset_to_where(self, pose: jax.Array, needed: jax.Array) -> EnvState:
        """Returns the state with a given pose, whose image is blank unless it is needed."""
        return self._see(self._env.reset_to(pose), needed)

    @property
    def actuated(self) -> np.ndarray:
        """The parts of a pose that are driven, as of the full task."""
        return self._env.actuated

    def observations(self, pose: np.ndarray, full_obs: np.ndarray) -> np.ndarray:
        """Renders what is observed in recorded states, without JAX programs.

        Args:
            pose: [N, P] recorded poses.
            full_obs: [N, F] the full task's observations of the same states.

        Returns:
            [N, O] uint8.
        """
        model = self._env.physics.model
        qpos, goal = pose[:, : model.nq], pose[:, model.nq + model.nv :]
        image = self._renderer.render(qpos, self._places(goal))
        return np.concatenate([self.proprioception(full_obs), image], axis=1)

    def proprioception(self, full_obs: np.ndarray) -> np.ndarray:
        """Returns the bytes [N, 4 * 10] before the image, of full observations [N, F]."""
        nothing = jnp.zeros((len(full_obs), 0), jnp.uint8)
        return np.asarray(images.join(jnp.asarray(full_obs[:, self._seen]), nothing))

    def _places(self, goal: np.ndarray) -> np.ndarray:
        """The positions of the mocap bodies, of which the robot's is not drawn."""
        return np.concatenate([np.zeros_like(goal), goal], axis=-1)

    def _see(self, state: EnvState, needed: jax.Array | bool = True) -> EnvState:
        """The full task's state with this task's observation."""
        goal = state.info["goal"]
        places = jnp.concatenate([jnp.zeros_like(goal), goal])
        image = image_of_state(
            self._renderer,
            self.image.size,
            state.pipeline_state.qpos,
            places,
            jnp.asarray(needed),
        )
        obs = images.join(state.obs[self._seen], image)
        return state.replace(obs=obs, info=state.info | {FULL_OBS: state.obs})
