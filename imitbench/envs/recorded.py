"""Recorded episodes in place of an environment, for data whose task is not known."""

from __future__ import annotations

import hashlib

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
        steps: K episodes, leaves [K, T, ...]; steps after the end have weight 0.
        spec: their sizes, with the time limit T.
    """

    def __init__(self, steps: Transition, spec: Spec):
        super().__init__(NO_TASK, spec, "none")
        self._obs = jnp.asarray(steps.obs)
        self._action = jnp.asarray(steps.action)
        self._length = jnp.asarray(np.asarray(steps.weight).sum(axis=1), jnp.int32)
        arrays = (steps.obs, steps.action, steps.weight)
        digest = hashlib.sha256(b"".join(np.ascontiguousarray(x).tobytes() for x in arrays))
        self.digest = digest.hexdigest()[:16]

    def reset(self, rng: Key) -> EnvState:
        """Returns the beginning of an episode, drawn with a random key."""
        episode = jax.random.randint(rng, (), 0, self._length.shape[0])
        return self._observe(episode, jnp.int32(0), scalar(0.0), scalar(0.0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the next recorded observation, and the error of an action [A] as the reward."""
        episode, t = state.pipeline_state
        length, recorded = self._length[episode], self._action[episode, t]
        if self.spec.discrete:
            error = (action != recorded).astype(jnp.float32)
        else:
            error = jnp.abs(jnp.clip(action, -1.0, 1.0) - recorded).mean() / 2
        done = (t + 1 >= length).astype(jnp.float32)
        new = self._observe(episode, t + 1, -PERCENT * error / length, done)
        return keep_wrapper_fields(state, new)

    def _observe(self, episode: jax.Array, t: jax.Array, reward: jax.Array, done: jax.Array):
        last = self._obs.shape[1] - 1
        obs = self._obs[episode, jnp.minimum(t, last)]
        return EnvState((episode, t), obs, reward, done)


def of_sizes(spec: Spec) -> RecordedEpisodes:
    """Returns an environment with one step of zeros, for a policy that needs sizes alone.

    Args:
        spec: the sizes.
    """
    lead = (1, 1)
    numbers, flags = jnp.zeros(lead), jnp.zeros(lead, bool)
    action = jnp.zeros(lead, jnp.int32)
    if not spec.discrete:
        action = jnp.zeros((*lead, spec.action_size))
    obs, weight = jnp.zeros((*lead, spec.obs_size)), jnp.ones(lead)
    steps = Transition(obs, action, action, numbers, obs, flags, flags, flags, weight)
    return RecordedEpisodes(steps, spec)
