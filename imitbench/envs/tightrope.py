"""A tightrope: a toy on which the mistakes of an imitator add up.

It is the example behind the bounds of Ross and Bagnell 2010 (AISTATS, theorem 2.1) and Ross et al.
2011 (arXiv:1011.0686, theorem 3.2): who errs with probability e on the expert's path, and does not
know the way back, loses about e T^2 / 2 of T steps; who has been shown it, u e T, where u is how
long the way back takes.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import EnvState, Key
from imitbench.envs.base import BaseEnv, make_spec, scalar

HORIZONS = (10, 20, 40, 80, 160)
TASKS = {f"Tightrope-{t}": t for t in HORIZONS}
DEPTH = 8  # steps back up
TURN = np.array([2.399963, 1.618034], np.float32)  # of the angles in a step, in radians
WEIGHT = np.array([1.0, 0.7], np.float32)


def correct_choice(obs: jax.Array) -> jax.Array:
    """[] int: the choice that keeps the walker up; while it climbs, the other one."""
    angles = obs[1:3]
    choice = jnp.sum(WEIGHT * angles) > 0
    return jnp.where(obs[0] < 0, ~choice, choice).astype(jnp.int32)


class Tightrope(BaseEnv):
    """A walker makes one of two choices in each step; what the right one is depends on two angles
    that turn on by themselves.

    A wrong choice on the rope throws it down `DEPTH` rungs of a ladder. Each right choice there, of
    what would have been wrong above, takes it up one; a wrong one down to the bottom again. Reward
    -1 for each step that does not end on the rope: minus the return is the regret, for the expert
    never falls. Success: on the rope. The observation is the height (0 on the rope, -1 at the
    bottom), then the angles' cosines and sines.
    """

    def __init__(self, name: str):
        sizes = [("height", 1), ("cosines", 2), ("sines", 2)]
        super().__init__(name, make_spec(sizes, 2, TASKS[name], discrete=True), engine="none")

    def reset(self, rng: Key) -> EnvState:
        angles = jax.random.uniform(rng, (2,), maxval=2.0 * jnp.pi)
        obs = jnp.concatenate([jnp.zeros(1), jnp.cos(angles), jnp.sin(angles)])
        return EnvState(None, obs, scalar(0.0), scalar(0.0), {"success": scalar(1.0)}, {})

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        obs = state.obs
        good = action == correct_choice(obs)
        height = jnp.where(good, jnp.minimum(obs[0] + 1.0 / DEPTH, 0.0), -1.0)
        cos, sin = obs[1:3], obs[3:5]
        turned = cos * np.cos(TURN) - sin * np.sin(TURN), sin * np.cos(TURN) + cos * np.sin(TURN)
        up = height == 0
        return state.replace(
            obs=jnp.concatenate([height[None], *turned]),
            reward=jnp.where(up, 0.0, -1.0),
            metrics=state.metrics | {"success": up.astype(jnp.float32)},
        )
