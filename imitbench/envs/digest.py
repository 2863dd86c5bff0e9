"""A fingerprint of an environment's behaviour, to notice when two results are not comparable."""

from __future__ import annotations

import functools
import hashlib

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core import rollout
from imitbench.core.types import Key
from imitbench.envs.registry import make

STEPS = 10
EPISODES = 2


@functools.lru_cache(maxsize=16)
def digest(task: str, engine: str) -> str:
    """Hash of a golden trajectory: two episodes' first ten steps under fixed random actions.

    Observations are rounded to 1e-3 first, so that the last bits of a float do not change it.
    """
    env = make(task, engine)
    spec = env.spec

    def policy(key: Key, obs: jax.Array) -> jax.Array:
        if spec.discrete:
            return jax.random.randint(key, obs.shape[:-1], 0, spec.action_size)
        return jax.random.uniform(key, (*obs.shape[:-1], spec.action_size), minval=-1.0)

    short = min(STEPS, spec.horizon)
    steps = jax.jit(lambda k: rollout.episodes(env, policy, k, EPISODES, horizon=short))(
        jax.random.key(0)
    )
    seen = jnp.concatenate([steps.next_obs[-1].ravel(), steps.reward.ravel()])
    rounded = np.round(np.asarray(seen, np.float64), 3) + 0.0  # no negative zeros
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:16]
