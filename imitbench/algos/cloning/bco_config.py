"""Settings of BCO."""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.cloning import bc_config, inverse_dynamics
from imitbench.core.config import require
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of BCO."""

    clone: bc_config.Config = field(default_factory=bc_config.Config)
    """Settings of the supervised learner of the policy."""
    inverse: inverse_dynamics.Config = field(default_factory=inverse_dynamics.Config)
    """Settings of the model of the actions."""
    envs: int = 8
    """Parallel environments."""
    length: int = 250
    """Steps of each environment in a round."""
    random_rounds: int = 1
    """The first rounds, in which actions are uniformly random, 1 or more."""
    rounds: int = 0
    """Rounds that collect; the updates after them only learn. 0: every update is a round."""
    noise: float = 0.1
    """Standard deviation of Gaussian noise on the policy's actions while collecting, in action
    units; for discrete actions the probability of a random one, at most 1."""
    fits: int = 10
    """Updates of BC in a round: fits * clone.steps gradient steps."""
    capacity: int = 100_000
    """Own steps that are kept; beyond it the oldest are overwritten."""

    def __post_init__(self) -> None:
        for name in ("envs", "length", "random_rounds", "fits"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("rounds", "noise"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        enough = self.rounds == 0 or self.rounds >= self.random_rounds
        expected = f"0, or at least random_rounds={self.random_rounds}"
        require(enough, self, "rounds", expected)
        steps = self.envs * self.length
        expected = f"at least the steps of a round, envs * length = {steps}"
        require(self.capacity >= steps, self, "capacity", expected)
        if self.clone.head.kind == "kmeans":
            raise UserError(
                "clone.head.kind=kmeans: its centres need actions before the first round, and none "
                "are known then; take another head"
            )
