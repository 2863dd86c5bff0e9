"""A digest of an environment's behaviour: where it differs, results are not comparable."""

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
    """Computes a digest of two short episodes with fixed random actions.

    Rewards and last observations are rounded to 1e-3, so that the last bits of a float do not
    change the digest.

    Args:
        task: the task's name.
        engine: `native`, `mjx` or `auto`.

    Returns:
        16 hexadecimal digits.

    Raises:
        UserError: the task or the engine is unknown, or they cannot be combined.
    """
    env = make(task, engine)
    spec = env.spec

    def policy(key: Key, obs: jax.Array) -> jax.Array:
        if spec.discrete:
            return jax.random.randint(key, obs.shape[:-1], 0, spec.action_size)
        return jax.random.uniform(key, (*obs.shape[:-1], spec.action_size), minval=-1.0)

    horizon = min(STEPS, spec.horizon)
    steps = jax.jit(lambda k: rollout.episodes(env, policy, k, EPISODES, horizon=horizon))(
        jax.random.key(0)
    )
    numbers = jnp.concatenate([steps.next_obs[-1].ravel(), steps.reward.ravel()])
    rounded = np.round(np.asarray(numbers, np.float64), 3) + 0.0  # no negative zeros
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:16]
