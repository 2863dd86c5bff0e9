"""What there is to know of an environment, and how one instance of it is reset and stepped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from imitbench.envs.gymnasium.making import Registered
from imitbench.envs.gymnasium.python_state import Key
from imitbench.envs.gymnasium.snapshots import Contents, Snapshots
from imitbench.envs.gymnasium.spaces import ActionLayout, ObservationLayout
from imitbench.utils import modules
from imitbench.utils.errors import UserError


class Outcome(NamedTuple):
    """What one step, or a reset, of an environment returned."""

    obs: np.ndarray  # [O] float64
    reward: float
    terminated: bool
    success: float | None  # None where the environment reports none


class Kept(NamedTuple):
    """How snapshots keep the state."""

    contents: Contents
    capacity: int
    base: dict[Key, Any]
    tables: frozenset[Key]

    def of(self, env: Any) -> Snapshots:
        """Returns the snapshots of an instance."""
        return Snapshots(env, self.contents, self.capacity, self.base, self.tables)


class Findings(NamedTuple):
    """What there is to know of an environment."""

    task: str
    registered: Registered
    obs: ObservationLayout
    action: ActionLayout
    ends: Literal["never", "failure"]
    success: str | None  # the entry of `info` that says it
    uses_mujoco: bool
    kept: Kept | None  # None: episodes are kept as seed and actions
    fresh: bool  # an instance serves one episode alone, because a second one would differ
    goal_rewards: Any | None  # an instance whose `compute_reward` gives the task's rewards
    batched_rewards: bool  # whether it takes many goals at once

    def reset(self, env: Any, seed: int) -> Outcome:
        """Resets an instance."""
        with foreign_errors(f"{self.task}: reset(seed={seed})"):
            obs, info = env.reset(seed=seed)
            return Outcome(self.obs.flatten(obs), 0.0, False, self._success(info))

    def step(self, env: Any, action: np.ndarray) -> Outcome:
        """Steps an instance.

        Args:
            env: the instance.
            action: [A] in [-1, 1], or [1] a choice.

        Raises:
            UserError: the environment cuts its episode off, or its code raises an error.
        """
        with foreign_errors(f"{self.task}: step(action)"):
            obs, reward, terminated, truncated, info = env.step(self.action.to_env(action))
            numbers = self.obs.flatten(obs)
        if truncated:
            raise UserError(
                f"{self.task} cut an episode off (truncated=True) before the registered limit of "
                f"{self.registered.horizon} steps: leave time limits to max_episode_steps, and use "
                "terminated for other ends"
            )
        return Outcome(numbers, float(reward), bool(terminated), self._success(info))

    def _success(self, info: dict[str, Any]) -> float | None:
        if self.success is None:
            return None
        return float(np.asarray(info.get(self.success, 0.0)))


@contextlib.contextmanager
def foreign_errors(what: str) -> Iterator[None]:
    """Names the place of an error that the code of an environment raises.

    Args:
        what: what raises it, the subject of the message.

    Raises:
        UserError: in place of the error.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{what} raised {modules.type_and_text(error)} ({modules.place(error)})"
        ) from error
