"""A tightrope: a toy task on which the mistakes of an imitator add up.

It is the example behind the bounds of Ross and Bagnell 2010 (AISTATS, theorem 2.1) and Ross et al.
2011 (arXiv:1011.0686, theorem 3.2). A policy that errs with probability e on the expert's path, and
does not know the way back, loses about e T^2 / 2 of T steps. A policy that has learned the way
back loses u e T, where u is the length of the way back in steps.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import EnvState, Key
from imitbench.envs.base import BaseEnv, make_spec, scalar

HORIZONS = (10, 20, 40, 80, 160)
TASKS = {f"Tightrope-{t}": t for t in HORIZONS}
DEPTH = 8  # rungs of the ladder: the length of the way back, in steps
TURN = np.array([2.399963, 1.618034], np.float32)  # rad, by which the two angles turn in a step
WEIGHT = np.array([1.0, 0.7], np.float32)


def correct_choice(obs: jax.Array) -> jax.Array:
    """Returns the correct choice; on the ladder it is the opposite of that on the rope.

    Args:
        obs: [5] the observation.

    Returns:
        [] int32, 0 or 1.
    """
    cosines = obs[1:3]
    choice = jnp.sum(WEIGHT * cosines) > 0
    return jnp.where(obs[0] < 0, ~choice, choice).astype(jnp.int32)


class Tightrope(BaseEnv):
    """A walker makes one of two choices in each step; the correct one depends on two angles.

    The angles turn by a fixed amount in each step. On the rope a wrong choice makes the walker fall
    to the bottom of a ladder with `DEPTH` rungs. On the ladder each correct choice, the opposite of
    that on the rope, leads one rung up, and a wrong choice back to the bottom.

    Observation [5]: the height (0 on the rope, -1 at the bottom), then the cosines and the sines of
    the angles. Reward: -1 for each step that does not end on the rope, else 0. Minus the return is
    the regret, because the expert never falls. Success: on the rope. Nothing but the time limit
    ends an episode.

    Args:
        name: one of `TASKS`, such as `Tightrope-20` for 20 steps.
    """

    def __init__(self, name: str):
        sizes = [("height", 1), ("cosines", 2), ("sines", 2)]
        super().__init__(name, make_spec(sizes, 2, TASKS[name], discrete=True), engine="none")

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        angles = jax.random.uniform(rng, (2,), maxval=2.0 * jnp.pi)
        obs = jnp.concatenate([jnp.zeros(1), jnp.cos(angles), jnp.sin(angles)])
        return EnvState(None, obs, scalar(0.0), scalar(0.0), {"success": scalar(1.0)}, {})

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with a choice [], 0 or 1."""
        obs = state.obs
        is_correct = action == correct_choice(obs)
        height = jnp.where(is_correct, jnp.minimum(obs[0] + 1.0 / DEPTH, 0.0), -1.0)
        cos, sin = obs[1:3], obs[3:5]
        new_cos = cos * np.cos(TURN) - sin * np.sin(TURN)
        new_sin = sin * np.cos(TURN) + cos * np.sin(TURN)
        on_rope = height == 0
        return state.replace(
            obs=jnp.concatenate([height[None], new_cos, new_sin]),
            reward=jnp.where(on_rope, 0.0, -1.0),
            metrics=state.metrics | {"success": on_rope.astype(jnp.float32)},
        )
