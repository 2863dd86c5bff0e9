"""Settings of WGCSL."""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.core.config import require, require_rate, require_share


@dataclass(frozen=True)
class Config:
    """Settings of WGCSL."""

    discount_weight: bool = True
    """Whether goals that are further away weigh less, by `discount` for each step."""
    advantage_weight: bool = True
    """Whether a row's weight has the exponential of its advantage."""
    best_advantage: bool = True
    """Whether rows with advantages below a percentile weigh less, by `low_weight`."""
    max_weight: float = 10.0
    """Bound of the exponential of an advantage; inf for none."""
    low_weight: float = 0.05
    """Factor of rows below the percentile, in [0, 1]."""
    percentile_step: float = 0.15
    """Percent by which the percentile rises in each gradient step, from 0 on."""
    max_percentile: float = 80.0
    """The highest percentile, in [0, 100]."""
    queue: int = 50_000
    """Advantages of the last rows, of which the percentile is taken."""
    relabel: float = 1.0
    """Share of the policy's rows whose goal is replaced by one that the same episode achieved
    later, in [0, 1]."""
    critic_relabel: float = 0.8
    """Share of the critic's rows with such goals, in [0, 1]."""
    lr: float = 5e-4
    """Adam's learning rate of policy and critic, above 0."""
    batch: int = 128
    """Rows of a minibatch."""
    hidden: tuple[int, ...] = (256, 256, 256)
    """Widths of the hidden ReLU layers of policy and critic."""
    discount: float = 0.98
    """Discount factor, in [0, 1); the authors take 1 - 1 / T for the time limit T."""
    tau: float = 0.1
    """Share of the way that the target networks move towards the networks each time."""
    target_period: int = 5
    """Gradient steps between two moves of the target networks."""
    clip: float = 5.0
    """Bound of the normalised observations, on both sides, in standard deviations."""
    steps: int = 100
    """Gradient steps of one update."""

    def __post_init__(self) -> None:
        for name in ("queue", "batch", "target_period", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("max_weight", "lr", "clip"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("low_weight", "relabel", "critic_relabel"):
            require_share(self, name)
        require(self.percentile_step >= 0, self, "percentile_step", "0 or more, in percent")
        require(0 <= self.max_percentile <= 100, self, "max_percentile", "0 to 100")
        require(0 <= self.discount < 1, self, "discount", "a number in [0, 1)")
        require_rate(self, "tau")
        expected = f"at least batch={self.batch}, the advantages of a gradient step"
        require(self.queue >= self.batch, self, "queue", expected)
