"""Observations for training alone: what a task observes, then the state that it hides.

Values and discriminators may see states that policies do not, because only policies are used after
training (Pinto et al. 2018, arXiv:1710.06542). The state is `FULL_OBS`, as bytes after those of the
observation, so that rollouts and buffers need to know nothing of it.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core.observations import images
from imitbench.core.types import FULL_OBS, Env, EnvState, ImageSpec, Key, Spec


def join(obs: jax.Array, full: jax.Array) -> jax.Array:
    """Builds observations for training.

    Args:
        obs: [..., O] uint8, of a task with images.
        full: [..., F] float32, what the full task observes.

    Returns:
        [..., O + 4 F] uint8.
    """
    return jnp.concatenate([obs, images.as_bytes(full)], axis=-1)


def full_obs(image: ImageSpec, joined: jax.Array) -> jax.Array:
    """Takes the full observation from one for training.

    Args:
        image: describes the task's observations.
        joined: [..., O + 4 F] uint8; or [..., O], what the task observes.

    Returns:
        [..., F] float32; zeros where the state is hidden.
    """
    size = images.obs_size(image)
    if joined.shape[-1] == size:
        return jnp.zeros((*joined.shape[:-1], image.full_size))
    return images.as_numbers(joined[..., size:])


class WithState:
    """A task with images whose observations are for training: `join` of both.

    Args:
        env: the task; its states hold `FULL_OBS`.
    """

    def __init__(self, env: Env):
        self._env = env
        self.name, self.engine = env.name, env.engine
        self.spec: Spec = env.spec

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        return _show(self._env.reset(rng))

    def reset_where(self, rng: Key, needed: jax.Array) -> EnvState:
        """Returns the initial state of an episode where it is needed; see `SelectiveReset`."""
        return _show(self._env.reset_where(rng, needed))  # type: ignore[attr-defined]

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [A]."""
        return _show(self._env.step(state, action))

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [P] of a state."""
        return self._env.pose(state)  # type: ignore[attr-defined]

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a pose [P], at the start of an episode."""
        return _show(self._env.reset_to(pose))  # type: ignore[attr-defined]

    def reset_to_where(self, pose: jax.Array, needed: jax.Array) -> EnvState:
        """Returns the state with a pose where it is needed; see `SelectiveReset`."""
        return _show(self._env.reset_to_where(pose, needed))  # type: ignore[attr-defined]


def _show(state: EnvState) -> EnvState:
    return state.replace(obs=join(state.obs, state.info[FULL_OBS]))
