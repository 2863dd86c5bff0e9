"""Probe environments: tiny problems with known answers, each for one part of a learner.

Source: Andy Jones (2021), "Debugging RL, without the agonizing pain". Each probe needs one more
part of a learner than the one before it. Their descriptions have the known values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import EnvState, GoalSpec, Key
from imitbench.envs import goal
from imitbench.envs.base import BaseEnv, make_spec, scalar


@dataclass(frozen=True)
class Probe:
    """A problem, as pure functions of the observation."""

    description: str
    obs_size: int  # O
    action_size: int  # A, or the number of choices
    horizon: int  # steps until the time limit
    discrete: bool
    start: Callable[[Key], jax.Array]  # key -> obs [O]
    # (obs [O], action) -> (next obs [O], reward [], terminated [])
    move: Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array, bool | jax.Array]]
    goal: bool = False  # the observation is the position [O / 2], then the goal [O / 2]


def _sign(key: Key) -> jax.Array:
    return jax.random.rademacher(key, (1,), jnp.float32)


def _zero(key: Key) -> jax.Array:
    return jnp.zeros(1)


def _agree(obs: jax.Array, action: jax.Array) -> jax.Array:
    """Returns 1 for choice 1 at obs 1 and for choice 0 at obs -1, else -1."""
    return obs[0] * (2.0 * action - 1.0)


def _step(obs: jax.Array, action: jax.Array) -> jax.Array:
    """Moves the position by 0.1 times the action; the goal stays."""
    return obs.at[:2].add(0.1 * jnp.clip(action, -1.0, 1.0))


NEAR = goal.sparse_reward(0.1)

PROBES = {
    "ProbeConstant": Probe(
        "one step, reward 1: V = 1", 1, 1, 1, False, _zero, lambda o, a: (o, scalar(1.0), True)
    ),
    "ProbeObservation": Probe(
        "one step, reward = obs in {-1, 1}: V(s) = s", 1, 1, 1, False, _sign,
        lambda o, a: (o, o[0], True),
    ),
    "ProbeDiscount": Probe(
        "two steps, reward 1 at the second: V(0) = discount, V(1) = 1", 1, 1, 2, False, _zero,
        lambda o, a: (o + 1.0, o[0], o[0] > 0.5),
    ),
    "ProbeTimeLimit": Probe(
        "reward 1 for ever, cut off at 10: V = 1 / (1 - discount)", 1, 1, 10, False, _zero,
        lambda o, a: (o, scalar(1.0), False),
    ),
    "ProbeAction": Probe(
        "one step, choice 1 is worth 1 and choice 0 -1", 1, 2, 1, True, _zero,
        lambda o, a: (o, 2.0 * a - 1.0, True),
    ),
    "ProbePolicy": Probe(
        "one step, the better of two choices is the sign of obs: V = 1", 1, 2, 1, True, _sign,
        lambda o, a: (o, _agree(o, a), True),
    ),
    "ProbeTarget": Probe(
        "one step, reward -|action - obs|^2 for obs in [-1, 1]^2: V = 0", 2, 2, 1, False,
        lambda k: jax.random.uniform(k, (2,), minval=-1.0, maxval=1.0),
        lambda o, a: (o, -jnp.sum((a - o) ** 2), True),
    ),
    "ProbeWalk": Probe(
        "ten steps of 0.1 times the action, reward -|obs|^2: the best action is -obs / 0.1", 2, 2,
        10, False, lambda k: jax.random.uniform(k, (2,), minval=-1.0, maxval=1.0),
        lambda o, a: (o + 0.1 * jnp.clip(a, -1.0, 1.0), -jnp.sum(o**2), False),
    ),
    "ProbeGoal": Probe(
        "ten steps of 0.1 times the action, reward 0 within 0.1 of the goal, else -1", 4, 2, 10,
        False, lambda k: jax.random.uniform(k, (4,), minval=-0.4, maxval=0.4),
        lambda o, a: (n := _step(o, a), NEAR(n[:2], n[2:]), False), goal=True,
    ),
}  # fmt: skip


class ProbeEnv(BaseEnv):
    """A probe as an environment. Success: the best possible reward of the step, within 0.01.

    Args:
        name: one of `PROBES`.
    """

    def __init__(self, name: str):
        probe = self.probe = PROBES[name]
        fields, goal_spec = [("obs", probe.obs_size)], None
        if probe.goal:
            half = probe.obs_size // 2
            fields, goal_spec = [("at", half), ("goal", half)], GoalSpec("at", "goal", NEAR)
        spec = make_spec(
            fields, probe.action_size, probe.horizon, goal_spec, discrete=probe.discrete
        )
        super().__init__(name, spec, engine="none")

    def reset(self, rng: Key) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        obs, zero = self.probe.start(rng), scalar(0.0)
        half = self.probe.obs_size // 2
        reward = NEAR(obs[:half], obs[half:]) if self.probe.goal else zero
        return EnvState(None, obs, reward, zero, {"success": zero}, {})

    def step(self, state: EnvState, action: jax.Array) -> EnvState:
        """Returns the state after one step with an action [A] or a choice []."""
        obs, reward, terminated = self.probe.move(state.obs, action)
        best = 0.0 if self.name in ("ProbeTarget", "ProbeWalk", "ProbeGoal") else 1.0
        return state.replace(
            obs=obs,
            reward=reward,
            done=jnp.asarray(terminated, jnp.float32),
            metrics=state.metrics | {"success": (reward > best - 0.01).astype(jnp.float32)},
        )

    def known_reward(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        """Returns the reward [] of a step, which depends on obs [O] and action alone."""
        return self.probe.move(obs, action)[1]

    def known_end(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        """Returns whether a step terminates the episode, [] bool."""
        return jnp.asarray(self.probe.move(obs, action)[2], bool)


class GoalProbe(ProbeEnv):
    """A probe with a goal, whose episodes can begin in any state; a pose is an observation."""

    @property
    def actuated(self) -> np.ndarray:
        """[O] bool: the position, not the goal."""
        return np.arange(self.spec.obs_size) < self.probe.obs_size // 2

    def known_reward(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array) -> jax.Array:
        """Returns the reward [] of a step: 0 where the next observation [O] is near the goal."""
        half = self.probe.obs_size // 2
        return NEAR(next_obs[:half], next_obs[half:])

    def pose(self, state: EnvState) -> jax.Array:
        """Returns the pose [O] of a state."""
        return state.obs

    def reset_to(self, pose: jax.Array) -> EnvState:
        """Returns the state with a pose [O], at the start of an episode."""
        half = self.probe.obs_size // 2
        zero = scalar(0.0)
        return EnvState(None, pose, NEAR(pose[:half], pose[half:]), zero, {"success": zero}, {})


def make(name: str) -> ProbeEnv:
    """Builds a probe.

    Args:
        name: one of `PROBES`.
    """
    return GoalProbe(name) if PROBES[name].goal else ProbeEnv(name)
