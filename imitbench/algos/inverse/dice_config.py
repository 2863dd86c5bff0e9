"""Settings that DemoDICE and SMODICE share."""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.inverse import dice_losses
from imitbench.core.config import ADDED_LATER, require, require_share


@dataclass(frozen=True)
class Config:
    """Settings of DemoDICE and SMODICE."""

    discriminator: DiscriminatorConfig = field(
        default_factory=lambda: DiscriminatorConfig(
            hidden=(256, 256), lr=3e-4, batch=512, steps=1, reward="logit", penalty=0.1, entropy=0.0
        )
    )
    """Settings of the discriminator; `steps` are its gradient steps beside each one of the policy,
    where it learns along."""
    reward_bounds: tuple[float, ...] = field(default=(), metadata=ADDED_LATER)
    """Bounds (low, high) to which the discriminator's reward is clipped; empty for none."""
    pretrain: int = 0
    """Gradient steps of the discriminator before all others, 0 or more."""
    learns_along: bool = True
    """The discriminator goes on learning beside value and policy."""
    divergence: dice_losses.Divergence = "kl"
    """Divergence from all data that bounds the policy's steps: kl or chi2."""
    alpha: float = 0.0
    """Further weight of that divergence, 0 or more; with kl alone."""
    absorbing: bool = False
    """A state follows the end of an episode, with a reward of its own; else nothing follows it."""
    value_lr: float = 3e-4
    """Adam's learning rate for the value, above 0."""
    policy_lr: float = 3e-4
    """Adam's learning rate for the policy, above 0."""
    value_penalty: float = 1e-4
    """Weight of the squared norm of the value's gradient in observations, 0 or more."""
    value_l2: float = 0.0
    """Weight of half the squared norm of the value's parameters, 0 or more."""
    entropy: bool = False
    """Hold the policy's entropy near `target_entropy` by a bonus that adapts."""
    target_entropy: float = -1.0
    """That entropy, in nats for each component of the action."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of value and policy."""
    discount: float = 0.99
    """Discount factor, in [0, 1)."""
    batch: int = 512
    """Steps in a minibatch of all data, and initial states."""
    steps: int = 1000
    """Gradient steps in one update."""

    def __post_init__(self) -> None:
        for name in ("value_lr", "policy_lr"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("batch", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("pretrain", "alpha", "value_penalty", "value_l2"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        bounds = self.reward_bounds
        ordered = len(bounds) in (0, 2) and list(bounds) == sorted(set(bounds))
        require(ordered, self, "reward_bounds", "none, or two numbers, the lower one first")
        require_share(self, "discount")
        require(self.discount < 1, self, "discount", "a number below 1")
        require(self.divergence in ("kl", "chi2"), self, "divergence", "kl or chi2")
        if self.divergence == "chi2":
            require(self.alpha == 0, self, "alpha", "0 beside divergence=chi2")
        if not self.learns_along:
            expected = "1 or more, because learns_along=False"
            require(self.pretrain >= 1, self, "pretrain", expected)
