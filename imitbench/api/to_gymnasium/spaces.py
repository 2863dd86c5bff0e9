"""What both kinds of wrapped environments share: spaces, observations, actions, programs, keys."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from gymnasium import spaces

from imitbench.core import rollout
from imitbench.core.types import Env, EnvState, Spec
from imitbench.data.recordings.observations import goal_parts
from imitbench.utils.errors import UserError

KEY_TYPE = "threefry2x32"  # whatever JAX's default is, so that a seed gives the same states


class TaskSpaces:
    """The spaces of a task, and conversions between their members and this package's arrays.

    Args:
        spec: the description of the task.
        flat: observations of a goal task are flat, not dictionaries.
    """

    def __init__(self, spec: Spec, flat: bool):
        self.spec = spec
        self._parts = None if flat or spec.goal is None else _goal_indices(spec)
        self.observation = self._observation()
        self.action: spaces.Space[Any] = (
            spaces.Discrete(spec.action_size)
            if spec.discrete
            else spaces.Box(-1.0, 1.0, (spec.action_size,), np.float32)
        )
        goal = spec.goal
        self._reward = None if goal is None else jax.jit(goal.reward)

    def _observation(self) -> spaces.Space[Any]:
        def box(size: int) -> spaces.Box:
            return spaces.Box(-np.inf, np.inf, (size,), np.float32)

        if self.spec.image is not None:
            return spaces.Box(0, 255, (self.spec.obs_size,), np.uint8)
        if self._parts is None:
            return box(self.spec.obs_size)
        return spaces.Dict({name: box(len(index)) for name, index in self._parts.items()})

    def observe(self, obs: np.ndarray) -> Any:
        """Returns observations as members of the observation space, in arrays of their own.

        Args:
            obs: [..., O].

        Returns:
            [..., O] float32, bytes of a task with images, or the three parts of a goal task's
            observation by name.
        """
        if self._parts is None:
            return np.array(obs, self.observation.dtype)
        return {name: obs[..., index] for name, index in self._parts.items()}

    def check_actions(self, actions: Any, batch: tuple[int, ...]) -> np.ndarray:
        """Returns actions as the environment takes them.

        Args:
            actions: one action, or one for each environment.
            batch: the leading axes that are expected: () or (B,).

        Returns:
            [*batch, A] float32, or [*batch] int32 where the task has choices.

        Raises:
            UserError: they have another shape, or no member of the action space.
        """
        array = np.asarray(actions)
        shape = batch if self.spec.discrete else (*batch, self.spec.action_size)
        if array.shape != shape:
            raise UserError(f"actions of shape {array.shape}: expected {shape}")
        if self.spec.discrete:
            if not np.issubdtype(array.dtype, np.integer):
                raise UserError(f"actions of type {array.dtype}: expected integers")
            if np.any((array < 0) | (array >= self.spec.action_size)):
                known = f"0 to {self.spec.action_size - 1}"
                raise UserError(f"action {array.tolist()}: expected {known}")
            return array.astype(np.int32)
        if not np.issubdtype(array.dtype, np.number) or not np.all(np.isfinite(array)):
            raise UserError(f"action {array.tolist()}: expected finite numbers, from -1 to 1")
        return array.astype(np.float32)

    def reward(self, achieved: Any, desired: Any) -> Any:
        """Computes the task's rewards for any goals.

        Args:
            achieved: [..., G].
            desired: [..., G].

        Returns:
            [...] float32; a float for single goals.

        Raises:
            UserError: the task has no goals.
        """
        if self._reward is None:
            raise UserError("compute_reward: expected a goal task, such as FetchPush")
        rewards = np.array(self._reward(np.float32(achieved), np.float32(desired)))
        return rewards if rewards.ndim else float(rewards)


def _goal_indices(spec: Spec) -> dict[str, np.ndarray]:
    """The indices of the parts of a goal task's observation, by Gymnasium-Robotics' names."""
    assert spec.goal is not None
    parts = goal_parts(np.arange(spec.obs_size)[None], spec, spec.goal)
    return {name: index[0] for name, index in parts.items()}


class Programs(NamedTuple):
    """An environment's compiled functions; B is absent for a single one."""

    start: Callable[[np.ndarray], EnvState]  # key data [B, 2] -> state
    step: Callable[[EnvState, np.ndarray], EnvState]  # (state, action [B, A]) -> state
    # (state, key data [B, 2], mask [B]) -> the state, with new episodes where the mask is true.
    restart: Callable[[EnvState, np.ndarray, np.ndarray], EnvState]


@functools.lru_cache(maxsize=32)
def programs(env: Env, vectorised: bool) -> Programs:
    """Compiles an environment once for all of its wrapped copies.

    Args:
        env: one environment.
        vectorised: for arrays of environments.
    """

    def reset(data: jax.Array) -> EnvState:
        return env.reset(jax.random.wrap_key_data(data, impl=KEY_TYPE))

    start, step = (jax.vmap(reset), jax.vmap(env.step)) if vectorised else (reset, env.step)

    def restart(state: EnvState, data: jax.Array, mask: jax.Array) -> EnvState:
        return rollout.select(mask, start(data), state)

    return Programs(*(jax.jit(f) for f in (start, step, restart)))


def draw_key(generator: np.random.Generator) -> np.ndarray:
    """Draws the data [2] of a random key."""
    return generator.integers(0, 2**32, 2, np.uint32)


class Outcome(NamedTuple):
    """What a state says, in numpy; B is absent for a single environment."""

    obs: np.ndarray  # [B, O]
    reward: np.ndarray  # [B]
    terminated: np.ndarray  # [B] bool
    success: np.ndarray | None  # [B] bool; None where the task does not say


def read(state: EnvState) -> Outcome:
    """Fetches what a state says from the device."""
    success = state.metrics.get("success")
    # `jax.device_get` takes more time than a step of a small task.
    obs, reward, done = (np.asarray(x) for x in (state.obs, state.reward, state.done))
    return Outcome(obs, reward, done > 0, None if success is None else np.asarray(success) > 0)
