"""What some environments can do beside stepping: one protocol for each, for `isinstance`."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax

from imitbench.core.types import Env, EnvState, Key


@runtime_checkable
class Poses(Protocol):
    """The further functions of an environment whose episodes can begin in a given state."""

    def pose(self, state: EnvState, /) -> jax.Array:
        """Returns the pose [P] of a state: positions, velocities and, if any, the desired goal."""
        ...

    def reset_to(self, pose: jax.Array, /) -> EnvState:
        """Returns the state with a pose [P], at the start of an episode."""
        ...


@runtime_checkable
class Actuated(Protocol):
    """The further property of an environment with poses that tells which of them can be displaced.

    What no action moves directly, such as an object or the base of a walking robot, is no part.
    """

    @property
    def actuated(self) -> Any:
        """[P] bool: the parts of a pose that the actions move directly."""
        ...


@runtime_checkable
class SelectiveReset(Protocol):
    """The further function of an environment whose resets take long.

    Vectorised programs start an episode in every environment in every step, and use the few that
    they need.
    """

    def reset_where(self, rng: Key, needed: jax.Array, /) -> EnvState:
        """Returns the initial state of an episode where `needed` [] bool says so, else anything."""
        ...


@runtime_checkable
class TrainingVariant(Protocol):
    """An environment to train in alone: its policies are evaluated in another one, with the same
    observations and actions."""

    @property
    def evaluated_in(self) -> Env | None:
        """That environment; None for an environment that is its own."""
        ...


@runtime_checkable
class KnownReward(Protocol):
    """The further functions of an environment whose reward, and whether a step terminates the
    episode, are functions of what is observed: a model of the dynamics is then all that is unknown.

    Both get an observation [O], the action [A] in [-1, 1] (a choice is []) and the next observation
    [O], predicted ones too, and are pure functions of JAX.
    """

    def known_reward(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array, /) -> jax.Array:
        """Returns the reward [] of a step."""
        ...

    def known_end(self, obs: jax.Array, action: jax.Array, next_obs: jax.Array, /) -> jax.Array:
        """Returns whether a step terminates the episode, [] bool; never for the time limit."""
        ...


@runtime_checkable
class Targets(Protocol):
    """The further functions of an environment whose reward has a target: one task of a family with
    the same dynamics, observations and ends."""

    @property
    def target(self) -> Any:
        """The target [] of this task."""
        ...

    @property
    def target_range(self) -> tuple[float, float]:
        """The least and the largest target of the family."""
        ...

    def with_target(self, target: jax.Array, /) -> Env:
        """Returns the environment with another target [], which may be traced."""
        ...


@runtime_checkable
class SelectivePoses(Protocol):
    """The further function of an environment with poses whose resets take long."""

    def reset_to_where(self, pose: jax.Array, needed: jax.Array, /) -> EnvState:
        """Returns the state with a pose [P] where `needed` [] bool says so, else anything."""
        ...
