"""Settings of GCSL."""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.core import heads
from imitbench.core.config import require, require_share
from imitbench.core.types import Spec


@dataclass(frozen=True)
class Config:
    """Settings of GCSL."""

    envs: int = 1
    """Episodes in a round; they run in parallel."""
    rounds: int = 20
    """Rounds in one update: each collects its episodes, then learns."""
    updates_per_step: float = 1.0
    """Gradient steps for each environment step of a round, above 0; a round has at least one."""
    explore: int = 10_000
    """Environment steps at the start with uniformly random actions."""
    learn_after: int = 1_000
    """Environment steps after which learning begins."""
    epsilon: float = 0.0
    """Probability, after those, that a uniformly random action replaces the policy's."""
    capacity: int = 20_000
    """Episodes that are kept; new ones replace the oldest."""
    lr: float = 5e-4
    """Adam's learning rate, above 0."""
    batch: int = 256
    """Pairs of a step and a goal in a minibatch."""
    hidden: tuple[int, ...] = (400, 300)
    """Widths of the hidden layers."""
    normalise_obs: bool = True
    """Standardise observations by the running moments of the collected ones."""
    clip: float = 5.0
    """Bound of the normalised observations, on both sides, in standard deviations."""
    steps_left: bool = False
    """Whether the steps to the goal are an input; the policy then gets the steps that are left
    until the time limit."""
    head: heads.Config = field(default_factory=lambda: heads.Config("grid", bins=3))
    """What turns what the policy sees into actions, and with it the loss: a grid of three levels
    for each component, as in the official code. Tasks with discrete actions always have a
    categorical policy."""

    def __post_init__(self) -> None:
        for name in ("envs", "rounds", "batch"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("explore", "learn_after"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        for name in ("updates_per_step", "lr", "clip"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        require_share(self, "epsilon")
        expected = f"{self.envs} or more, the episodes of a round (envs={self.envs})"
        require(self.capacity >= self.envs, self, "capacity", expected)


def grad_steps(config: Config, spec: Spec) -> int:
    """Gradient steps of a round, at least one."""
    return max(1, round(config.updates_per_step * config.envs * spec.horizon))
