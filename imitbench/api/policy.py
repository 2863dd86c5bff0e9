"""Trained policies for use outside of training, and their evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from imitbench.core.actor import on_observations
from imitbench.core.types import Spec
from imitbench.results import exports
from imitbench.results.cells.policies import StoredPolicy
from imitbench.utils.errors import UserError, seed_number, whole_number

GOAL_KEYS = ("observation", "desired_goal")  # of a goal task's observation in Gymnasium


class Policy:
    """The trained policy of one seed.

    It takes observations as the original environment gives them and returns actions in the
    original environment's units. A policy that remembers (chunks, recurrent networks) remembers
    from call to call: `reset` it where an episode begins.

    Attributes:
        task: the task that it was trained on.
        method: the method that made it.
        spec: sizes of observation and action in imitbench.
    """

    def __init__(self, stored: StoredPolicy, seed: int = 0):
        """Wraps a stored policy.

        Args:
            stored: as `imitbench.results.cells.policies.load` gives it.
            seed: of the policy's own randomness, where it has some.
        """
        self.task, self.method = stored.card.task, stored.card.method
        self.spec: Spec = stored.env.spec
        self.actor = stored.actor
        self._stored = stored
        self._key, self._calls, self._memory = jax.random.key(seed), 0, None

    def reset(self) -> None:
        """Forgets the episode so far."""
        self._memory = None

    def __call__(self, obs: Any) -> np.ndarray:
        """Chooses actions.

        Args:
            obs: observations [..., O]; of a goal task also Gymnasium's dictionary, whose
                `observation` [..., O - G] and `desired_goal` [..., G] are looked at.

        Returns:
            Actions [..., A] in the units of the original environment; integers [...] where the
            task has choices.

        Raises:
            UserError: the observation is of another kind or size, or holds a number that is not
                finite.
        """
        action = self._act(obs)
        return action if self.spec.discrete else self._stored.original_action(action)

    def rollout(self, env: Any, episodes: int = 10, seed: int = 0) -> pd.DataFrame:
        """Runs the policy in a Gymnasium environment.

        Args:
            env: a `gymnasium.Env`, such as `gymnasium.make("FetchPush-v4")`. Actions are scaled
                to its action space.
            episodes: how many.
            seed: episode i is reset with seed + i.

        Returns:
            A row for each episode: its return, its length in steps, and `success` (whether
            `info["is_success"]` held at its last step; missing where the environment does not
            say).

        Raises:
            UserError: the environment's spaces do not fit the policy, or `episodes` is below 1.
        """
        episodes, seed = whole_number("episodes", episodes), seed_number("seed", seed)
        to_env = self._units(env.action_space)
        rows = []
        for episode in range(episodes):
            obs, _ = env.reset(seed=seed + episode)
            self.reset()
            total, length, ended, info = 0.0, 0, False, {}
            while not ended:
                obs, reward, terminated, truncated, info = env.step(to_env(self._act(obs)))
                total, length = total + float(reward), length + 1
                ended = bool(terminated or truncated)
            row = {"episode": episode, "return": total, "length": length}
            if "is_success" in info:
                row["success"] = bool(info["is_success"])
            rows.append(row)
        return pd.DataFrame(rows)

    def export(self, path: str | Path, format: exports.Format = "stablehlo") -> list[Path]:
        """Writes the policy to a file that programs without imitbench can use.

        Args:
            path: the file; one that is there is replaced.
            format: "stablehlo" (JAX alone loads it; every policy that acts on observations), "onnx"
                or "numpy" (policies without memory that draw no random numbers). Actions in the
                file lie in [-1, 1].

        Returns:
            The files written, `path` first.

        Raises:
            UserError: a package that the format needs is not installed, it cannot hold this policy,
                or a file cannot be written.
        """
        return exports.save(self._stored, Path(path).expanduser(), format)

    def _act(self, obs: Any) -> np.ndarray:
        """Actions in [-1, 1]."""
        flat = self._flat(obs)
        rows = flat.reshape(-1, self.spec.obs_size)
        key = jax.random.fold_in(self._key, self._calls)
        self._calls += 1
        actor = on_observations(self.actor, self.spec.discrete)
        if self._memory is None or len(self._memory[0]) != len(rows):
            self._memory = rows, actor.start(key, rows)
        action, memory = actor.act(key, self._memory[1], rows)
        self._memory = rows, memory
        return np.asarray(action).reshape(*flat.shape[:-1], *action.shape[1:])

    def _flat(self, obs: Any) -> jax.Array:
        """The observation [..., O] as the policy knows it."""
        if isinstance(obs, Mapping):
            obs = np.concatenate([_joined(obs[k]) for k in self._keys(obs)], axis=-1)
        try:
            flat = jnp.asarray(np.asarray(obs, np.float32))
        except (TypeError, ValueError) as error:
            raise UserError(f"an observation that is no array of numbers: {error}") from None
        if flat.shape[-1:] != (self.spec.obs_size,):
            raise UserError(
                f"an observation of shape {flat.shape}: the policy of {self.task} expects "
                f"(..., {self.spec.obs_size})"
            )
        if not bool(jnp.isfinite(flat).all()):
            raise UserError("an observation has a number that is NaN, infinite or beyond float32")
        return flat

    def _keys(self, obs: Mapping[str, Any]) -> Sequence[str]:
        """The keys of a dictionary of observations, in the order that the policy knows."""
        fields = tuple(self.spec.fields)
        if all(k in obs for k in fields):
            return fields  # a task of Gymnasium, whose fields are the keys
        if self.spec.goal is not None and all(k in obs for k in GOAL_KEYS):
            return GOAL_KEYS
        expected = " and ".join(GOAL_KEYS) if self.spec.goal else "an array"
        raise UserError(
            f"an observation with the keys {', '.join(map(str, obs))}: the policy of {self.task} "
            f"expects {expected}"
        )

    def _units(self, space: Any) -> Any:
        """A function from actions in [-1, 1] to those of a Gymnasium action space."""
        if self.spec.discrete:
            if getattr(space, "n", None) != self.spec.action_size:
                raise UserError(f"action space {space}: expected {self.spec.action_size} choices")
            return lambda action: int(action)
        if getattr(space, "shape", None) != (self.spec.action_size,):
            raise UserError(
                f"action space {space}: the policy of {self.task} has actions of shape "
                f"({self.spec.action_size},)"
            )
        low, high = np.asarray(space.low, np.float64), np.asarray(space.high, np.float64)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise UserError(f"action space {space}: expected finite bounds to scale actions to")
        return lambda action: (low + (action + 1.0) / 2.0 * (high - low)).astype(space.dtype)


def _joined(value: Any) -> np.ndarray:
    """An array; the arrays of a dictionary, joined."""
    if isinstance(value, Mapping):
        return np.concatenate([_joined(v) for v in value.values()], axis=-1)
    return np.asarray(value, np.float32)
