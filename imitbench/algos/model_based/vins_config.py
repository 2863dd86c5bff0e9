"""Settings of VINS: `vins.Config`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from imitbench.algos.cloning import bc
from imitbench.algos.model_based.negative_samples import Distance
from imitbench.algos.model_based.vins_value import GoalHandling
from imitbench.core.config import ADDED_LATER, require, require_rate, require_share


@dataclass(frozen=True)
class Config:
    """Settings of VINS."""

    clone: bc.Config = field(
        default_factory=lambda: bc.Config(hidden=(256, 256, 256), lr=3e-4, validation=0.0)
    )
    """Settings of the BC policy. In an update, value and model take as many gradient steps as it
    does, `clone.steps`."""
    prior: bool = True
    """Draw candidate actions around the BC action (option 1 of the paper); else around 0 (option 2,
    for which `alpha` should be 1)."""
    alpha: float = 0.1
    """Half the width of the uniform noise on each component of the action, above 0 and at most
    2."""
    k: int = 100
    """Number of candidate actions; the one with the best predicted next state is taken."""
    features: tuple[str, ...] = ()
    """Inputs of the value: fields of the observation, or differences "a - b". The default is the
    goal relative to what is to reach it, and the positions of hand and object."""
    scaled_by: Literal["all", "before goal"] = field(default="all", metadata=ADDED_LATER)
    """Demonstrated steps whose moments standardise the value's inputs, which are then clipped to
    [-5, 5]. An expert that waits at the goal makes the moments of all steps so small that the rest
    of the table is clipped; those of the steps before the goal are not."""
    model_sees: tuple[str, ...] = ()
    """Fields that the model gets as inputs besides those it predicts, which are the fields of the
    features."""
    negatives: tuple[tuple[str, ...], ...] = ()
    """Groups of fields that are displaced together; each negative sample displaces one group, and a
    group that is named twice is drawn twice as often. The default is hand and object together, the
    hand, the fingers."""
    mu: float = 1 / 3
    """Weight of the negative samples' loss, 0 or more; 0 draws none."""
    slope: float = 5.0
    """Lambda of the paper: steps by which the value falls per unit of distance from the data."""
    distance: Distance = "std"
    """Measure of a displacement. std: its length in standard deviations of the demonstrations. rms:
    that over the square root of its number of components, close to bmil. raw: its length in the
    units of the field."""
    noise: tuple[float, float] = (0.035, 0.7)
    """Least and largest size of a displacement, in standard deviations; drawn log-uniformly."""
    samples: int = 1
    """Negative samples for each step of a minibatch."""
    centre: Literal["td", "target"] = "td"
    """Value from which negative samples fall off. td: the TD target, as in bmil. target: the target
    network's value, as in the paper."""
    interpolations: int = 2
    """Interpolated states for each step of a minibatch; the value is trained on them instead of the
    step's first state. 0 trains on the first state."""
    goal: GoalHandling = "absorbing"
    """Values at the goal. absorbing: episodes are used whole, and every state at the goal is worth
    0. first: episodes are cut where they first reach the goal. last: the rewards are those of the
    data, and only the last step of an episode ends it, as in bmil."""
    discount: float = field(default=1.0, metadata=ADDED_LATER)
    """Discount factor of the value, in [0, 1]. The paper has 1, which needs goals that the
    demonstrations reach; bmil has 0.99 in mazes and Adroit."""
    batch: int = 64
    """Steps in a minibatch of value and model."""
    lr: float = 3e-4
    """Adam's learning rate for the value."""
    tau: float = 5e-3
    """Share by which the target network moves towards the value in a gradient step."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the value's hidden layers (ReLU after layer normalisation)."""
    model_lr: float = 1e-3
    """Adam's learning rate for the model."""
    model_hidden: tuple[int, ...] = (256, 256)
    """Widths of the model's hidden layers (ReLU)."""

    def __post_init__(self) -> None:
        for name in ("alpha", "k", "slope", "batch", "lr", "model_lr"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("mu", "interpolations"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "discount")
        require_rate(self, "tau")
        require(self.alpha <= 2, self, "alpha", "at most 2, the width of the action's range")
        require(self.samples >= 1, self, "samples", "1 or more; for no negatives set mu=0")
        ordered = len(self.noise) == 2 and 0 < self.noise[0] <= self.noise[1]
        require(ordered, self, "noise", "two positive numbers, the least and the largest")
