"""The types that all packages share.

Axis letters, used everywhere: S seeds, E evaluations, T time, B parallel episodes, N rows,
K candidates, O observation, A action, G goal, P pose, H chunk length. `...` stands for any leading
axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import jax
from flax import struct

Key = jax.Array
Params = Any
Metrics = dict[str, jax.Array]

Policy = Callable[[Key, jax.Array], jax.Array]
"""(key, obs [..., O]) -> action [..., A]; a discrete action is an integer of shape [...]."""


class EpisodeSizes(NamedTuple):
    """What is known of rows of whole episodes before any number of them is."""

    count: int  # K, the episodes of each seed
    longest: int  # the steps of the longest one


class Transition(struct.PyTreeNode):
    """Steps of experience; the leaves share leading axes [T, B] or [N].

    Demonstrations [N] are whole episodes, one after the other, in the order of time. Each of them
    ends with a step that is `terminated` or `truncated`; `buffer.find_episodes` finds them. Where
    seeds have different numbers of steps, rows of weight 0 follow the last episode of some.
    """

    obs: jax.Array  # [..., O]
    # [..., A] the executed action; None, as the intended one, in demonstrations without actions.
    action: jax.Array
    # [..., A] the action that the demonstrator or the policy chose, before noise and clipping.
    intended_action: jax.Array
    reward: jax.Array  # [...]
    next_obs: jax.Array  # [..., O] the true successor, never the observation after a reset
    terminated: jax.Array  # [...] bool; True stops the bootstrap
    truncated: jax.Array  # [...] bool; the time limit, which does not stop the bootstrap
    success: jax.Array  # [...] bool; `next_obs` reaches the goal (False in tasks without success)
    weight: jax.Array  # [...] 1 for a real step, 0 after the end of the episode
    # [..., P] the physics before the step, for `Poses.reset_to`; None where it was not recorded.
    pose: jax.Array | None = None
    # Of demonstrations [N]; None for other steps, and for the experience of a learner.
    sizes: EpisodeSizes | None = struct.field(pytree_node=False, default=None)
    # [...] bool: extra data beside the demonstrations, by whomever; None: there are none.
    extra: jax.Array | None = None
    # [..., F] what the full task observes, in demonstrations of tasks with images; else None.
    full_obs: jax.Array | None = None


GOAL_PARTS = ("observation", "achieved_goal", "desired_goal")
"""The parts of a goal task's observation in Gymnasium."""


@dataclass(frozen=True)
class GoalSpec:
    """The goal of a goal-conditioned task, as fields of its observation."""

    achieved: str  # the field that holds the achieved goal
    desired: str  # the field that holds the desired goal
    # (achieved [..., G], desired [..., G]) -> rewards [...]: the task's reward, for any goal.
    reward: Callable[[jax.Array, jax.Array], jax.Array]

    def reached(self, achieved: jax.Array, desired: jax.Array) -> jax.Array:
        """Returns whether goals are reached: whether the reward is that of the goal itself.

        Args:
            achieved: [..., G].
            desired: [..., G].

        Returns:
            [...] bool.
        """
        return self.reward(achieved, desired) == self.reward(desired, desired)


@dataclass(frozen=True)
class Modes:
    """The ways in which an episode of a task can go, told apart by number: 0, 1, ..., count - 1."""

    count: int
    # (steps [T, B]) -> [B] int32: the mode of each episode, -1 where it shows none.
    find: Callable[[Transition], jax.Array]


@dataclass(frozen=True)
class ImageSpec:
    """The image in the observations of a task, and what it hides.

    Such observations are bytes [O] (uint8): first `numbers` float32 numbers of 4 bytes each, then
    the image, row by row from the top left; `imitbench.core.observations.images` takes them apart.
    The field `image` of `Spec.fields` holds the image, and `proprioception` the bytes before it.
    """

    height: int  # rows of pixels
    width: int  # columns of pixels
    channels: int  # C, bytes of a pixel
    classes: int  # a byte is one of so many classes, 0 stands for nothing; 0: bytes are intensities
    numbers: int  # P, numbers beside the image
    full: Mapping[str, slice]  # the fields of the full task's observation, `FULL_OBS`

    @property
    def size(self) -> int:
        """Bytes of the image."""
        return self.height * self.width * self.channels

    @property
    def full_size(self) -> int:
        """F, the length of the full task's observation."""
        return max(part.stop for part in self.full.values())


Ends = Literal["never", "failure", "success", "failure or success"]
"""What terminates the episodes of a task."""


@dataclass(frozen=True)
class Spec:
    """The description of a task: all that an offline method knows of it."""

    obs_size: int  # O
    action_size: int  # A: length of an action in [-1, 1]^A, or the number of choices if `discrete`
    horizon: int  # steps until the time limit
    fields: Mapping[str, slice]  # named parts of the observation
    goal: GoalSpec | None = None
    discrete: bool = False
    ends: Ends = "never"
    # (obs [..., O]) -> [...] bool: the task has certainly failed in these states, and no episode
    # goes on after them. None where an observation does not show it.
    failed: Callable[[Any], Any] | None = None
    modes: Modes | None = None  # None: the task does not tell episodes apart
    image: ImageSpec | None = None  # of tasks whose observations are bytes with an image

    @property
    def obs_dtype(self) -> str:
        """The type of the numbers of an observation."""
        return "float32" if self.image is None else "uint8"


@dataclass(frozen=True)
class Cost:
    """The cost of one `update`. It is static, so that learning curves need no counters."""

    env_steps: int = 0
    expert_queries: int = 0
    grad_steps: int = 0
    # Gradient steps, in all, that the first updates leave out because they only collect; negative
    # where gradient steps are done before the first update.
    grad_step_offset: int = 0
    # Updates that step the environment and ask the expert; later ones only learn. None: all do.
    collecting_updates: int | None = None

    def __mul__(self, updates: int) -> Cost:
        """Returns the cost of the first `updates` updates."""
        grad_steps = max(self.grad_steps * updates - self.grad_step_offset, 0)
        most = updates if self.collecting_updates is None else self.collecting_updates
        rounds = min(updates, most)
        return Cost(self.env_steps * rounds, self.expert_queries * rounds, grad_steps)


FULL_OBS = "full_obs"
"""The entry of `EnvState.info` in tasks that hide a part of the observation."""


class EnvState(struct.PyTreeNode):
    """The state of one environment, with the field names of `brax.envs.base.State`."""

    pipeline_state: Any
    obs: jax.Array  # [O]
    reward: jax.Array  # []
    done: jax.Array  # [] float; 1 where the task terminated, never for the time limit
    metrics: dict[str, jax.Array] = struct.field(default_factory=dict)  # "success": [] float
    # FULL_OBS: the observation [F] of the fully observed task, which experts see.
    info: dict[str, Any] = struct.field(default_factory=dict)


class Decision(NamedTuple):
    """The output of an actor whose executed action differs from the intended one."""

    action: jax.Array  # [B, A] to execute
    intended: jax.Array  # [B, A]


class Actor(NamedTuple):
    """Chooses the actions in B environments at once; rollouts know no other kind of policy.

    start(key, env_state) -> memory, any pytree with leaves [B, ...], () for a memoryless actor. It
    is called where episodes begin, with their initial states.

    act(key, memory, env_state) -> (action [B, A] or a `Decision`, memory). The leaves of
    `env_state` are [B, ...]; most actors use `env_state.obs` alone.
    """

    start: Callable[[Key, EnvState], Any]
    act: Callable[[Key, Any, EnvState], tuple[Any, Any]]


class ValueEstimator(NamedTuple):
    """A method's estimate of its own policy's returns, to be compared with the realised ones.

    value(key, state, obs [..., O]) -> [...]: the discounted return from these observations on, in
    the task's rewards.
    """

    value: Callable[[Key, Any, jax.Array], jax.Array]
    discount: float


class Traits(NamedTuple):
    """What a method requires of its demonstrations, and the version of its numbers."""

    needs_demos: bool = True  # False: it learns from the task's reward alone
    needs_rewards: bool = False  # it learns from the rewards of the demonstrations' steps
    needs_goals_reached: bool = False  # its demonstrations must reach the goal
    # It learns from demonstrated actions; a function of its `Config` where a setting decides.
    needs_actions: bool | Callable[[Any], bool] = True
    streams: bool = False  # it can learn from demonstrations that stay on the host
    uses_extra: bool = False  # it learns from extra data of unknown quality, too, and needs them
    version: int = 1  # raised with every change of the method's numbers; see `make golden`
    sees_images: bool = False  # it can learn from observations with images


class Algorithm(NamedTuple):
    """A method, as pure functions that close over its config.

    init(key, demos) -> state: any pytree, private to the method. `demos` is a `Transition` with
    leaves [N, ...]: whole episodes, one after the other.

    update(key, state, demos) -> (state, metrics): one outer iteration; metrics are scalars by name.

    act(key, state, obs [..., O]) -> action [..., A].

    actor(state) -> Actor, for a method that has a memory or uses more than the observation;
    evaluation then uses it instead of `act`.

    `cost` is the cost of one update. Where there is a `value_estimator`, evaluation records its
    value of the initial states beside the discounted returns. `version` is part of a cell's
    identity: the method's `Traits.version`. `network_calls` is the number of passes through the
    policy's network for one executed action, where the method states it.
    """

    init: Callable[[Key, Transition], Any]
    update: Callable[[Key, Any, Transition], tuple[Any, Metrics]]
    act: Callable[[Key, Any, jax.Array], jax.Array]
    cost: Cost
    actor: Callable[[Any], Actor] | None = None
    value_estimator: ValueEstimator | None = None
    version: int = 1
    network_calls: float | None = None


class Env(Protocol):
    """One environment, in the protocol of `brax.envs.base.Env`; vectorise it with `jax.vmap`."""

    @property
    def name(self) -> str:
        """The task's name."""
        ...

    @property
    def engine(self) -> str:
        """The name of the physics engine."""
        ...

    @property
    def spec(self) -> Spec:
        """The description of the task."""
        ...

    def reset(self, rng: Key, /) -> EnvState:
        """Returns the initial state of an episode, drawn with a random key."""
        ...

    def step(self, state: EnvState, action: jax.Array, /) -> EnvState:
        """Returns the state after one step with an action [A], or with a choice []."""
        ...
