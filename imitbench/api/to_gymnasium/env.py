"""One environment of imitbench as a `gymnasium.Env`."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import numpy as np

from imitbench.api.to_gymnasium import rendering
from imitbench.api.to_gymnasium.spaces import TaskSpaces, draw_key, programs, read
from imitbench.core.types import Env, EnvState
from imitbench.utils.errors import UserError


class GymnasiumEnv(gymnasium.Env[Any, Any]):
    """An environment of imitbench in Gymnasium's protocol. `imitbench.wrap` makes it.

    Attributes:
        base_env: the environment of imitbench.
    """

    def __init__(self, env: Env, *, flat: bool = False, render_mode: str | None = None):
        """Wraps an environment.

        Args:
            env: the environment.
            flat: see `imitbench.wrap`.
            render_mode: see `imitbench.wrap`.
        """
        self.base_env = env
        self.metadata = rendering.metadata(env)
        self.render_mode = render_mode
        self._renderer = rendering.make_renderer(env, render_mode)
        self._spaces = TaskSpaces(env.spec, flat)
        self.observation_space = self._spaces.observation
        self.action_space = self._spaces.action
        self._programs = programs(env, False)
        self._state: EnvState | None = None
        self._t = 0  # steps done in the episode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode.

        Args:
            seed: of the generator `np_random`, from which the initial state is drawn. Without a
                seed the generator goes on.
            options: none are known.

        Returns:
            The observation, and an empty dictionary.
        """
        super().reset(seed=seed)
        if options:
            raise UserError(f"options {', '.join(map(str, options))}: this environment takes none")
        self._state, self._t = self._programs.start(draw_key(self.np_random)), 0
        return self._spaces.observe(np.asarray(self._state.obs)), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Does a step.

        Args:
            action: [A] in [-1, 1], or a choice.

        Returns:
            The observation; the reward; whether the task ended; whether the time limit was reached
            (False where the task ended); `is_success` by name, where the task says it.

        Raises:
            UserError: `reset` was not called, or the action does not fit.
        """
        if self._state is None:
            raise UserError("step: no episode has begun; call reset first")
        self._state = self._programs.step(self._state, self._spaces.check_actions(action, ()))
        self._t += 1
        obs, reward, terminated, success = read(self._state)
        truncated = not terminated and self._t >= self.base_env.spec.horizon
        info = {} if success is None else {"is_success": bool(success)}
        return self._spaces.observe(obs), float(reward), bool(terminated), truncated, info

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any = None) -> Any:
        """Computes the rewards of a goal task for any goals, as in Gymnasium-Robotics.

        Args:
            achieved_goal: [..., G].
            desired_goal: [..., G].
            info: not used.

        Returns:
            [...]; a float for single goals.

        Raises:
            UserError: the task has no goals.
        """
        return self._spaces.reward(achieved_goal, desired_goal)

    def render(self) -> Any:
        """Returns a picture [height, width, 3] of the present state, uint8; None without a render
        mode."""
        if self.render_mode is None:
            return None
        state = None if self._state is None else jax.tree.map(lambda x: x[None], self._state)
        return rendering.draw(self._renderer, state)[0]

    def close(self) -> None:
        """Frees the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
