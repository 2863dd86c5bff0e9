"""The learned model as an environment, with the known reward of the task."""

from __future__ import annotations

from typing import cast

import jax
import jax.numpy as jnp

from imitbench.algos.model_based.slbo.model import Advance
from imitbench.core.capabilities import KnownReward
from imitbench.core.types import Env, EnvState, Key
from imitbench.utils.errors import UserError


def require_known_reward(env: Env) -> KnownReward:
    """Returns the environment, if its reward is a function of what is observed.

    Raises:
        UserError: it is not.
    """
    if not isinstance(env, KnownReward):
        raise UserError(
            f"{env.name} does not say what its reward and its ends are as functions of "
            "observations (known_reward, known_end), which a rollout in a model needs; use a task "
            "that does, such as HalfCheetah-known-reward"
        )
    return cast(KnownReward, env)


class VirtualEnv:
    """An environment whose next observation is the model's.

    Its state is the observation alone. Episodes begin in one of the real initial observations.

    Args:
        env: the real environment, for its reward, its ends and its sizes.
        advance: the model.
        starts: [K, O] initial observations of the real environment.
    """

    engine = "model"

    def __init__(self, env: Env, advance: Advance, starts: jax.Array):
        self.name, self.spec = f"{env.name} in a model", env.spec
        self._known = require_known_reward(env)
        self._advance, self._starts = advance, starts

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        obs = self._starts[jax.random.randint(rng, (), 0, self._starts.shape[0])]
        return EnvState((), obs, jnp.float32(0.0), jnp.float32(0.0))

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [A] in [-1, 1]."""
        obs = self._advance(state.obs, action)
        reward = self._known.known_reward(state.obs, action, obs)
        end = self._known.known_end(state.obs, action, obs)
        return state.replace(obs=obs, reward=reward, done=jnp.asarray(end, jnp.float32))
