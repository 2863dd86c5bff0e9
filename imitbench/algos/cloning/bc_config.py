"""Settings of BC, which DAgger, DART and VINS have for their clones, too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from imitbench.algos.cloning.memory import config as memory_config
from imitbench.core import heads
from imitbench.core.config import ADDED_LATER, require, require_share
from imitbench.core.observations import image_nets
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of BC."""

    loss: Literal["mse", "nll"] = "mse"
    """mse: squared error of a deterministic policy. nll: negative log likelihood of a Gaussian
    policy, in nats. Tasks with discrete actions always use the likelihood of a categorical
    policy."""
    lr: float = 1e-3
    """Adam's learning rate."""
    lr_decay_steps: int = 0
    """Gradient steps over which the learning rate falls to 0 along a cosine; 0: a constant one."""
    batch: int = 64
    """Rows of a minibatch."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers."""
    l2: float = 0.0
    """Weight in the loss of half the squared norm of the parameters, 0 or more."""
    normalise_obs: bool = field(default=True, metadata=ADDED_LATER)
    """Normalise observations by the mean and standard deviation of the demonstrated ones; False:
    observations as they are, without a bound."""
    clip: float = 5.0
    """Bound of the normalised observations, on both sides, in standard deviations."""
    validation: float = 0.1
    """Share of the demonstrated episodes held out of training, in [0, 1), rounded down to whole
    episodes; their loss is among the metrics."""
    best_share: float = field(default=1.0, metadata=ADDED_LATER)
    """Share of the episodes, those with the highest returns, that are learned from, above 0 and
    rounded up; 0.1 is "10% BC" of CORL. That of Chen et al. 2021 (arXiv:2106.01345) counts steps in
    place of episodes. Below 1 it needs rewards."""
    features: tuple[str, ...] = field(default=(), metadata=ADDED_LATER)
    """What the policy sees besides the observation, on tasks with goals: fields, or differences of
    two, such as "desired_goal - object_pos". Not for data that stay in files."""
    relabel: float = field(default=0.0, metadata=ADDED_LATER)
    """Share of the rows whose goal is replaced by one that the same episode achieved later, in
    [0, 1]; they have the executed action. Only for bc, on tasks with goals and data in memory."""
    early_stopping: bool = False
    """Act with the parameters of the lowest validation loss so far instead of the last ones."""
    steps: int = 100
    """Gradient steps of one update; the validation loss is measured once an update."""
    head: heads.Config = field(default=heads.Config(), metadata=ADDED_LATER)
    """What turns what the policy sees into actions, and with it the loss; by default as `loss`
    says. For continuous actions in memory."""
    ema: float = field(default=0.0, metadata=ADDED_LATER)
    """Decay of the running mean of the parameters, in [0, 1), with which the policy acts; 0 acts
    with the last ones."""
    memory: memory_config.Config = field(default=memory_config.Config(), metadata=ADDED_LATER)
    """What the policy sees of the past, and how many actions it predicts at once. For data in
    memory, in BC and DAgger."""
    images: image_nets.Config = field(default=image_nets.Config(), metadata=ADDED_LATER)
    """The network that sees images, on tasks that have them, in BC and DAgger."""

    def __post_init__(self) -> None:
        require(0 <= self.validation < 1, self, "validation", "a share in [0, 1)")
        require(0 < self.best_share <= 1, self, "best_share", "a share above 0, at most 1")
        if self.early_stopping and self.validation == 0:
            raise UserError("early_stopping needs a held-out share: set validation > 0")
        for name in ("lr", "batch", "clip", "steps"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        require_share(self, "relabel")
        require(0 <= self.ema < 1, self, "ema", "a decay in [0, 1)")
        if self.head.kind != "default" and self.loss != "mse":
            raise UserError(
                f"loss={self.loss}: expected mse, the default, beside head.kind={self.head.kind}, "
                "which has a loss of its own"
            )
        for name in ("l2", "lr_decay_steps"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
