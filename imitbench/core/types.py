"""The few types that everything shares.

Axis letters, used everywhere: S seeds, E evaluations, T time, B parallel episodes, N rows,
O observation, A action, G goal. `...` stands for any leading axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import jax
from flax import struct

Key = jax.Array
Params = Any
Metrics = dict[str, jax.Array]

Policy = Callable[[Key, jax.Array], jax.Array]
"""(key, obs [..., O]) -> action [..., A]; a discrete action is an integer of shape [...]."""


class Transition(struct.PyTreeNode):
    """Steps of experience; leaves share leading axes [T, B] or [N]."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A] what was executed
    # [..., A] what the demonstrator or the policy meant: `action` before noise and clipping.
    intended_action: jax.Array
    reward: jax.Array  # [...]
    next_obs: jax.Array  # [..., O] the true successor, never the observation after a reset
    terminated: jax.Array  # [...] bool; only this cuts the bootstrap
    truncated: jax.Array  # [...] bool; the time limit
    success: jax.Array  # [...] bool; the goal is reached in `next_obs` (False where there is none)
    weight: jax.Array  # [...] 1 where the step is real, 0 after the episode ended
    # [..., P] the physics before the step, for `Poses.reset_to`; None where it was not recorded.
    pose: jax.Array | None = None


@dataclass(frozen=True)
class GoalSpec:
    """Which fields of the observation are the achieved and the desired goal.

    `reward(achieved [..., G], desired [..., G]) -> [...]` is the task's reward for a relabelled
    goal.
    """

    achieved: str
    desired: str
    reward: Callable[[jax.Array, jax.Array], jax.Array]

    def reached(self, achieved: jax.Array, desired: jax.Array) -> jax.Array:
        """[...] bool: where the reward is what it is at the goal itself."""
        return self.reward(achieved, desired) == self.reward(desired, desired)


@dataclass(frozen=True)
class Spec:
    """All that an offline method is told of the task."""

    obs_size: int
    action_size: int  # number of choices where `discrete`, else length; components lie in [-1, 1]
    horizon: int  # steps until the time limit
    fields: Mapping[str, slice]  # named parts of obs
    goal: GoalSpec | None = None
    discrete: bool = False
    ends: Literal["never", "failure", "success"] = "never"  # what ends an episode early


@dataclass(frozen=True)
class Cost:
    """What one `update` spends. Static, so that learning curves need no counters."""

    env_steps: int = 0
    expert_queries: int = 0
    grad_steps: int = 0
    # In all, by the first updates, which only collect; below 0: done before them.
    grad_step_offset: int = 0

    def __mul__(self, updates: int) -> Cost:
        """Of so many updates from the start on."""
        grad_steps = max(self.grad_steps * updates - self.grad_step_offset, 0)
        return Cost(self.env_steps * updates, self.expert_queries * updates, grad_steps)


class EnvState(struct.PyTreeNode):
    """State of one environment, with the field names of `brax.envs.base.State`."""

    pipeline_state: Any
    obs: jax.Array  # [O]
    reward: jax.Array  # []
    done: jax.Array  # [] float; 1 where the task itself ended (terminated), never the time limit
    metrics: dict[str, jax.Array] = struct.field(default_factory=dict)  # "success": [] float
    info: dict[str, Any] = struct.field(default_factory=dict)


class Decision(NamedTuple):
    """What an actor executes, and what it meant: two things where the execution is disturbed."""

    action: jax.Array  # [B, A]
    intended: jax.Array  # [B, A]


class Actor(NamedTuple):
    """What acts in B environments at once; the only kind that rollouts know.

    start(key, env_state) -> memory: any pytree with leaves [B, ...], () for the memoryless. It is
    called where episodes begin, with their first states.
    act(key, memory, env_state) -> (action [B, A] or a `Decision`, memory). The leaves of
    `env_state` are [B, ...]; most actors look at `env_state.obs` alone.
    """

    start: Callable[[Key, EnvState], Any]
    act: Callable[[Key, Any, EnvState], tuple[Any, Any]]


class ValueEstimator(NamedTuple):
    """What a method believes of its own policy, for comparison with what it then gets.

    value(key, state, obs [..., O]) -> [...]: the discounted return from there on, in the task's
    rewards.
    """

    value: Callable[[Key, Any, jax.Array], jax.Array]
    discount: float


class Traits(NamedTuple):
    """What a method needs of its demonstrations, and the version of its numbers."""

    needs_demos: bool = True  # False: it learns from the task's reward alone
    needs_rewards: bool = False  # it learns from the rewards of the demonstrations' steps
    needs_goals_reached: bool = False  # its demonstrations must reach the goal
    version: int = 1  # raised with every change of the method's numbers; see `make golden`


class Algorithm(NamedTuple):
    """A method: pure functions that close over its settings.

    init(key, demos) -> state; update(key, state, demos) -> (state, metrics);
    act(key, state, obs [..., O]) -> action [..., A]. `state` is any pytree, private to the method;
    `demos` is a `Transition` with leaves [N, ...]. `metrics` are scalars.

    actor(state) -> Actor, for a method that remembers or that looks at more than the observation;
    evaluation then uses it in place of `act`. Where there is a `value_estimator`, evaluation
    records its value of the initial states beside the discounted returns.

    `version` is part of a cell's identity: the method's `Traits.version`, which is raised with
    every change of its numbers.
    """

    init: Callable[[Key, Transition], Any]
    update: Callable[[Key, Any, Transition], tuple[Any, Metrics]]
    act: Callable[[Key, Any, jax.Array], jax.Array]
    cost: Cost
    actor: Callable[[Any], Actor] | None = None
    value_estimator: ValueEstimator | None = None
    version: int = 1


class Env(Protocol):
    """One environment, in the protocol of `brax.envs.base.Env`; vectorise it with `jax.vmap`."""

    @property
    def name(self) -> str: ...
    @property
    def engine(self) -> str: ...
    @property
    def spec(self) -> Spec: ...
    def reset(self, rng: Key, /) -> EnvState: ...
    def step(self, state: EnvState, action: jax.Array, /) -> EnvState: ...


@runtime_checkable
class Poses(Protocol):
    """What an environment has, beside `Env`, whose episodes can begin in the middle of others."""

    def pose(self, state: EnvState, /) -> jax.Array:
        """[P]: positions, velocities and, where there is one, the goal."""
        ...

    def reset_to(self, pose: jax.Array, /) -> EnvState:
        """The state with that pose, at the start of an episode."""
        ...
