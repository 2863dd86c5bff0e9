"""Many copies of an environment of imitbench as a `gymnasium.vector.VectorEnv`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from imitbench.api.to_gymnasium import rendering
from imitbench.api.to_gymnasium.spaces import TaskSpaces, draw_key, programs, read
from imitbench.core.types import Env, EnvState
from imitbench.utils.errors import UserError, pick


class GymnasiumVectorEnv(VectorEnv[Any, Any, np.ndarray]):
    """Copies of an environment that one compiled program steps. `imitbench.wrap` makes it.

    It gives what `gymnasium.vector.SyncVectorEnv` of single wrapped environments gives: the same
    seeds lead to the same episodes, and episodes that end are followed by others as
    `metadata["autoreset_mode"]` says.

    Attributes:
        base_env: the environment of imitbench.
    """

    def __init__(
        self,
        env: Env,
        num_envs: int,
        *,
        flat: bool = False,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ):
        """Vectorises an environment.

        Args:
            env: the environment.
            num_envs: B, how many.
            flat: see `imitbench.wrap`.
            autoreset_mode: see `imitbench.wrap`.
            render_mode: see `imitbench.wrap`.
        """
        if num_envs < 1:
            raise UserError(f"num_envs={num_envs}: expected 1 or more")
        self.base_env, self.num_envs = env, num_envs
        self.autoreset_mode = _mode(autoreset_mode)
        self.metadata = rendering.metadata(env) | {"autoreset_mode": self.autoreset_mode}
        self.render_mode = render_mode
        self._renderer = rendering.make_renderer(env, render_mode)
        self._spaces = TaskSpaces(env.spec, flat)
        self.single_observation_space = self._spaces.observation
        self.single_action_space = self._spaces.action
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._programs = programs(env, True)
        self._random = [seeding.np_random() for _ in range(num_envs)]  # generators and their seeds
        self._state: EnvState | None = None
        self._t = np.zeros(num_envs, int)  # steps done in the episodes
        self._ended = np.zeros(num_envs, bool)  # by the last step

    @property
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The generators of the environments' initial states."""
        return tuple(generator for generator, _ in self._random)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seeds of the generators."""
        return tuple(seed for _, seed in self._random)

    def reset(  # type: ignore[override]
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begins episodes.

        Args:
            seed: of the environments' generators: `seed` for the first, `seed + 1` for the second
                and so on, or one for each. Generators without a seed go on.
            options: `reset_mask` [B] bool: only these environments are reset.

        Returns:
            The observations, and an empty dictionary.

        Raises:
            UserError: seeds or options do not fit.
        """
        mask = self._mask(options)
        seeds = self._seeds(seed)
        for i in np.flatnonzero(mask):
            if (own := seeds[i]) is not None:
                self._random[i] = seeding.np_random(own)
        state = self._begin(self._state, mask)
        self._ended &= ~mask
        return self._spaces.observe(read(state).obs), {}

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Does a step in each environment.

        Args:
            actions: [B, A] in [-1, 1], or choices [B].

        Returns:
            The observations; the rewards [B]; whether the task ended [B]; whether the time limit
            was reached [B]; and Gymnasium's dictionary of `is_success`, `final_obs` and
            `final_info`.

        Raises:
            UserError: `reset` was not called, or the actions do not fit.
        """
        actions = self._spaces.check_actions(actions, (self.num_envs,))
        state = self._state
        if state is None:
            raise UserError("step: no episode has begun; call reset first")
        fresh = self._ended
        if self.autoreset_mode == AutoresetMode.DISABLED and fresh.any():
            ended = ", ".join(map(str, np.flatnonzero(fresh)))
            raise UserError(f"step: the episodes of environments {ended} have ended; reset them")
        if not fresh.all():
            state = self._state = self._programs.step(state, actions)
            self._t += 1
        if fresh.any():
            state = self._begin(state, fresh)
        obs, reward, terminated, success = read(state)
        reward = np.where(fresh, 0.0, reward.astype(np.float64))
        truncated = ~terminated & (self._t >= self.base_env.spec.horizon)
        self._ended = terminated | truncated
        infos = _infos(success, ~fresh)
        if self.autoreset_mode == AutoresetMode.SAME_STEP and self._ended.any():
            infos = self._final(obs, success)
            obs = read(self._begin(state, self._ended)).obs
            self._ended = np.zeros(self.num_envs, bool)
        return self._spaces.observe(obs), reward, terminated, truncated, infos

    def _begin(self, state: EnvState | None, mask: np.ndarray) -> EnvState:
        """Begins episodes where the mask [B] is true, and keeps the others."""
        keys = np.zeros((self.num_envs, 2), np.uint32)
        for i in np.flatnonzero(mask):
            keys[i] = draw_key(self._random[i][0])
        if mask.all() or state is None:
            self._state = self._programs.start(keys)
        else:
            self._state = self._programs.restart(state, keys, mask)
        self._t[mask] = 0
        return self._state

    def _mask(self, options: dict[str, Any] | None) -> np.ndarray:
        """The environments [B] to reset."""
        unknown = set(options or {}) - {"reset_mask"}
        if unknown:
            names = ", ".join(map(str, unknown))
            raise UserError(f"options {names}: this environment takes reset_mask alone")
        if not options:
            return np.ones(self.num_envs, bool)
        mask = np.asarray(options["reset_mask"])
        if mask.shape != (self.num_envs,) or mask.dtype != bool or not mask.any():
            raise UserError(
                f"reset_mask of type {mask.dtype} and shape {mask.shape}, {int(mask.sum())} true: "
                f"expected {self.num_envs} bool, at least one of them true"
            )
        if self._state is None and not mask.all():
            raise UserError("reset_mask: no episode has begun; reset all environments first")
        return mask

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        """The seed of each environment, None for none."""
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, (int, np.integer)):
            return [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise UserError(f"{len(seed)} seeds: expected one or {self.num_envs}")
        return list(seed)

    def _final(self, obs: np.ndarray, success: np.ndarray | None) -> dict[str, Any]:
        """The infos of a step whose ended episodes were followed by others at once."""
        final_obs = np.full(self.num_envs, None, object)
        for i in np.flatnonzero(self._ended):
            final_obs[i] = self._spaces.observe(obs[i])
        return _infos(success, ~self._ended) | {
            "final_obs": final_obs,
            "_final_obs": self._ended.copy(),
            "final_info": _infos(success, self._ended),
            "_final_info": self._ended.copy(),
        }

    def render(self) -> tuple[Any, ...] | None:
        """Returns a picture [height, width, 3] of each environment, uint8; None without a render
        mode."""
        if self.render_mode is None:
            return None
        return tuple(rendering.draw(self._renderer, self._state))

    def close_extras(self, **kwargs: Any) -> None:
        """Frees the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def _mode(autoreset_mode: str | AutoresetMode) -> AutoresetMode:
    if isinstance(autoreset_mode, AutoresetMode):
        return autoreset_mode
    known = [mode.value for mode in AutoresetMode]
    return AutoresetMode(pick("autoreset_mode", autoreset_mode, known))


def _infos(success: np.ndarray | None, mask: np.ndarray) -> dict[str, Any]:
    """Gymnasium's dictionary of infos that only the environments of a mask [B] have."""
    if success is None or not mask.any():
        return {}
    return {"is_success": success & mask, "_is_success": mask.copy()}
