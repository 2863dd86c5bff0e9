"""Settings of a policy's memory: what it sees of the past, and how far it plans."""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.core.config import ADDED_LATER, require
from imitbench.core.observations import encoders
from imitbench.core.types import Spec
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of a policy's memory; by default it has none."""

    history: int = 1
    """Observations that the policy sees, the present one included. Before an episode's first
    observation it sees that one again."""
    differences: bool = field(default=False, metadata=ADDED_LATER)
    """With each observation of the history the policy sees its change since the one before,
    standardised on its own; none for the first. Where observations change little from step to step,
    a network hardly learns such differences from the observations alone."""
    past_actions: bool = False
    """With each observation the policy sees the action before it, as executed; zeros before the
    first."""
    encoder: encoders.Kind = "stack"
    """What reads the history. stack: the policy's layers see all of it side by side. gru and
    transformer: a network before these layers."""
    width: int = 128
    """Size of the state of gru, and of the tokens of transformer."""
    layers: int = 2
    """Layers of transformer."""
    heads: int = 4
    """Attention heads of transformer, a divisor of `width`."""
    dropout: float = 0.0
    """Probability, in [0, 1], that an example of training shows no past: it looks as if its episode
    began there."""
    chunk: int = 1
    """Actions that the policy predicts at once, the next one included. After an episode's end its
    last action repeats."""
    execute: int = 1
    """Actions of a chunk that are executed before the policy predicts the next one."""
    ensemble: float = -1.0
    """Predict in every step and execute the mean of all predictions for it. A prediction of age i,
    from 0 for the oldest, has weight exp(-ensemble * i). Below 0: execute chunks."""
    past_targets: int = 0
    """Actions before the present step that the policy predicts too, in training alone; before an
    episode's first action that one repeats."""

    def __post_init__(self) -> None:
        for name in ("history", "width", "layers", "heads", "chunk", "execute"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.past_targets >= 0, self, "past_targets", "0 or more")
        require(0 <= self.dropout <= 1, self, "dropout", "a share in [0, 1]")
        require(self.width % self.heads == 0, self, "heads", f"a divisor of width={self.width}")
        require(self.execute <= self.chunk, self, "execute", f"at most chunk={self.chunk}")
        if self.differences:
            require(self.history > 1, self, "history", "2 or more beside `differences`")
        if self.averages:
            require(self.chunk > 1, self, "chunk", "2 or more beside `ensemble`")
            require(self.execute == 1, self, "execute", "1 beside `ensemble`")
        if self.encoder != "stack" or self.dropout:
            name = "dropout" if self.dropout else "encoder"
            expected = f"2 or more, or past_actions=True, beside {name}={getattr(self, name)}"
            require(self.sees_past, self, "history", expected)

    @property
    def sees_past(self) -> bool:
        """Whether the policy sees more than the present observation."""
        return self.history > 1 or self.past_actions

    @property
    def averages(self) -> bool:
        """Whether the policy averages its predictions instead of executing chunks."""
        return self.ensemble >= 0

    @property
    def used(self) -> bool:
        """Whether the policy remembers anything."""
        return self.sees_past or self.chunk > 1 or self.past_targets > 0

    @property
    def actions(self) -> int:
        """Actions that the policy predicts in training."""
        return self.past_targets + self.chunk


def check(config: Config, spec: Spec, longest: int | None = None) -> None:
    """Checks that a memory fits a task.

    Args:
        config: the memory.
        spec: the task.
        longest: steps of the longest demonstrated episode, where it is known.

    Raises:
        UserError: chunks of choices, or a chunk or a history that is longer than any episode.
    """
    if spec.discrete and config.actions > 1:
        raise UserError(
            f"memory.chunk={config.chunk}, memory.past_targets={config.past_targets}: expected 1 "
            "and 0, because the task has discrete actions"
        )
    steps, what = spec.horizon, "the task's time limit"
    if longest is not None and longest < steps:
        steps, what = longest, "the longest demonstration"
    for name in ("history", "chunk", "past_targets"):
        if getattr(config, name) > steps:
            raise UserError(
                f"memory.{name}={getattr(config, name)}: expected at most {steps}, the steps of "
                f"{what}"
            )
