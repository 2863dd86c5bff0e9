"""Settings of CCIL: `ccil.Config`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from imitbench.algos.cloning import bc
from imitbench.core.config import require

Kind = Literal["backtrack", "disturbed-action", "noise-only"]


@dataclass(frozen=True)
class Config:
    """Settings of CCIL."""

    clone: bc.Config = field(default_factory=bc.Config)
    """Settings of the BC policy, which learns from demonstrations and labels."""
    labels: Kind = "backtrack"
    """backtrack: states from which the demonstrated action leads to the demonstrated state.
    disturbed-action: states from which a disturbed action leads to the demonstrated next state.
    noise-only: disturbed observations with the demonstrated action, without a model; a control."""
    number: int = 1
    """Labels of each demonstrated step; backtrack has one."""
    noise: float = 0.1
    """Standard deviation of the noise, 0 or more. disturbed-action: on each component of the
    action, which is clipped to [-1, 1]. noise-only: on each component of the observation, in its
    standard deviations in the demonstrations. backtrack has none."""
    iterations: int = 1
    """Iterations of disturbed-action: 1 is the closed form of the source's code, and more approach
    the root of its text."""
    repeats: int = 1
    """How often each demonstrated step is among the rows of BC, in which each label is once."""
    lipschitz: float = 2.0
    """L, positive: the slope above which the model is penalised, and that of the bound of labels'
    errors; standard deviations of the change in a step for each one of the state, or for each unit
    of the action."""
    penalty: float = 1e-3
    """Weight of the Lipschitz penalty in the model's loss, 0 or more; 0 leaves it out."""
    displacement: float = 3e-4
    """Standard deviation of the displacements that measure the slope, in normalised units."""
    displacements: int = 1
    """Displacements of each step of a minibatch."""
    max_bound: float = 0.3
    """Labels are kept up to this bound of their errors, in standard deviations of the change in a
    step, positive; inf keeps all."""
    model_steps: int = 3_000
    """Gradient steps of the model, all before the first update."""
    model_batch: int = 256
    """Steps in a minibatch of the model."""
    model_lr: float = 1e-3
    """Adam's learning rate for the model."""
    model_l2: float = 1e-5
    """Weight in the model's loss of half the squared norm of its parameters, 0 or more."""
    model_hidden: tuple[int, ...] = (256, 256)
    """Widths of the model's hidden layers (ReLU)."""

    def __post_init__(self) -> None:
        for name in ("number", "iterations", "repeats", "displacements", "model_batch"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("lipschitz", "displacement", "max_bound", "model_lr"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("noise", "penalty", "model_l2", "model_steps"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        if self.labels == "backtrack":
            require(self.number == 1, self, "number", "1, because backtrack has one label a step")
