"""Recorded episodes in place of an environment, for data whose task is not known."""

from __future__ import annotations

import hashlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import EnvState, Key, Spec, Transition
from imitbench.envs.base import BaseEnv, keep_wrapper_fields, scalar

NO_TASK = "none"
"""The name of the task that is not known."""
PERCENT = 100.0


class RecordedEpisodes(BaseEnv):
    """A policy is asked for its action at each recorded observation; nothing moves.

    The return of an episode is minus the mean error of its actions, in percent: of the action range
    [-1, 1] (mean absolute difference over components) for continuous actions, of the steps with
    another choice for discrete ones. 0 is best.

    Args:
        rows: K episodes, one after the other, leaves [N, ...].
        lengths: [K] their steps.
        spec: their sizes, with the time limit.
    """

    def __init__(self, rows: Transition, lengths: np.ndarray, spec: Spec):
        super().__init__(NO_TASK, spec, "none")
        self._obs = jnp.asarray(rows.obs)
        self._action = jnp.asarray(rows.action)
        self._length = jnp.asarray(lengths, jnp.int32)
        self._start = jnp.asarray(np.cumsum(lengths) - lengths, jnp.int32)
        arrays: list[Any] = [rows.obs, rows.action, rows.weight]
        if (lengths != lengths[0]).any():
            arrays.append(np.asarray(lengths, np.int64))
        digest = hashlib.sha256(b"".join(np.ascontiguousarray(x).tobytes() for x in arrays))
        self.digest = digest.hexdigest()[:16]

    def reset(self, rng: Key) -> EnvState:
        """Returns the beginning of an episode, drawn with a random key."""
        episode = jax.random.randint(rng, (), 0, self._length.shape[0])
        return self._observe(episode, jnp.int32(0), scalar(0.0), scalar(0.0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the next recorded observation, and the error of an action [A] as the reward."""
        episode, t = state.pipeline_state
        length, recorded = self._length[episode], self._action[self._start[episode] + t]
        if self.spec.discrete:
            error = (action != recorded).astype(jnp.float32)
        else:
            error = jnp.abs(jnp.clip(action, -1.0, 1.0) - recorded).mean() / 2
        done = (t + 1 >= length).astype(jnp.float32)
        new = self._observe(episode, t + 1, -PERCENT * error / length, done)
        return keep_wrapper_fields(state, new)

    def _observe(self, episode: jax.Array, t: jax.Array, reward: jax.Array, done: jax.Array):
        # After its last step an episode stays where it is.
        row = self._start[episode] + jnp.minimum(t, self._length[episode] - 1)
        obs = self._obs[row]
        return EnvState((episode, t), obs, reward, done)


def of_sizes(spec: Spec) -> RecordedEpisodes:
    """Returns an environment with one step of zeros, for a policy that needs sizes alone.

    Args:
        spec: the sizes.
    """
    lead = (1,)
    numbers, flags = jnp.zeros(lead), jnp.zeros(lead, bool)
    action = jnp.zeros(lead, jnp.int32)
    if not spec.discrete:
        action = jnp.zeros((*lead, spec.action_size))
    obs, weight = jnp.zeros((*lead, spec.obs_size)), jnp.ones(lead)
    steps = Transition(obs, action, action, numbers, obs, flags, flags, flags, weight)
    return RecordedEpisodes(steps, np.ones(1, int), spec)
