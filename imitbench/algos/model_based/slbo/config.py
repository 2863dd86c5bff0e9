"""The settings of SLBO."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from imitbench.algos.model_based.slbo.model import Loss
from imitbench.algos.rl import trpo
from imitbench.core.config import require, require_capacity, require_share


@dataclass(frozen=True)
class Sequence:
    """Earlier tasks of the same family: Landolfi et al. 2019 (arXiv:1907.04964)."""

    tasks: int = 0
    """Earlier tasks, with targets drawn uniformly from the family's range by the seed; 0 for none.
    Their real steps (tasks * stages * envs * length) come before the first update and are not
    counted in its cost."""
    stages: int = 2
    """Stages of each earlier task."""
    warm_up: int = 10
    """Rounds of policy updates in the model with which each further task begins, before its first
    real step; the task after the earlier ones, too. The policy begins anew."""

    def __post_init__(self) -> None:
        require(self.tasks >= 0, self, "tasks", "0 or more")
        require(self.stages >= 1, self, "stages", "1 or more")
        require(self.warm_up >= 1, self, "warm_up", "1 or more")


def _trpo() -> trpo.Config:
    """TRPO with the settings of the authors' code; they have 64 rows in the value's minibatches."""
    return trpo.Config(
        envs=8,
        length=500,
        epochs=5,
        minibatches=50,
        lr=1e-3,
        hidden=(32, 32),
        value_hidden=(64, 64),
        normalise_obs=False,
        normalise_reward=False,
        entropy=0.005,
        entropy_limit=2.0,
        kl_slack=1.5,
    )


@dataclass(frozen=True)
class Config:
    """Settings of SLBO."""

    trpo: trpo.Config = field(default_factory=_trpo)
    """Settings of TRPO on virtual steps, envs * length of them in an iteration."""
    envs: int = 4
    """Real environments that run in parallel."""
    length: int = 2_500
    """Real steps of each of them in a stage, which is one update."""
    rounds: int = 20
    """Rounds of model updates and policy updates in a stage. With 1 the model is fitted first, then
    the policy: MB-TRPO."""
    model_steps: int = 100
    """Gradient steps of the model in a round."""
    policy_steps: int = 40
    """Iterations of TRPO in a round."""
    loss: Loss = "norm"
    """The model's error: norm (its length) or squared."""
    model_horizon: int = 2
    """Steps over which the model is unrolled in its loss (H of the source)."""
    model_hidden: tuple[int, ...] = (500, 500)
    """Widths of the model's hidden layers."""
    model_batch: int = 128
    """Segments in a minibatch of the model."""
    model_lr: float = 1e-3
    """Adam's learning rate for the model, above 0."""
    weight_decay: float = 1e-5
    """Weight of half the squared norm of the model's parameters in its loss."""
    max_grad_norm: float = 2.0
    """Largest norm of the model's gradient; larger ones are scaled down to it."""
    capacity: int = 200_000
    """Real steps that are kept; new ones replace the oldest."""
    noise: float = 0.3
    """Standard deviation of what is added to the noise on real actions in each step, in units of
    the action; 0 for no noise beside the policy's own."""
    noise_decay: float = 0.15
    """Share of that noise that is lost in a step, in [0, 1]."""
    sequence: Sequence = field(default_factory=Sequence)
    """Earlier tasks, before the first update."""

    def __post_init__(self) -> None:
        for name in (
            "envs", "length", "rounds", "model_steps", "policy_steps", "model_horizon",
            "model_batch",
        ):  # fmt: skip
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("model_lr", "max_grad_norm"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("weight_decay", "noise"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "noise_decay")
        require(self.loss in get_args(Loss), self, "loss", "norm or squared")
        require_capacity(self, "the real steps of a stage")
        least = self.model_horizon
        require(self.length >= least, self, "length", f"{least} or more, which is model_horizon")
        reason = "False: slbo standardises observations by the real steps, and takes plain rewards"
        for name in ("normalise_obs", "normalise_reward"):
            require(not getattr(self.trpo, name), self.trpo, name, reason)
