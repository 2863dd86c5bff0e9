"""SMODICE: clone all data, weighted by how likely the expert's distribution of states has them.

Source: Ma et al. 2022 (arXiv:2202.02433), algorithm 1, with the settings of the official code: the
discriminator sees states alone and is trained first, the divergence is Kullback and Leibler's, and
the policy's entropy is held near its target.

Different from the source: the policy is a Gaussian whose mean passes through tanh instead of the
tanh of a Gaussian, and the discriminator has ReLU layers instead of tanh, of which the official
code never trains the first. Kernels begin from LeCun's normal distribution in place of
Xavier's. Weights are divided by their mean in the minibatch, because the loss leaves their scale
free, and the value has no output bias, on which the loss does not depend. Absorbing states lead to
themselves, where the official code cuts off what follows them, and the policy learns nothing there.
The official code names a step size of 3e-5 for the policy and uses 3e-4, and it scales rewards that
it then replaces; here the numbers are those used.

Use it when there are few demonstrations, even without actions of the same robot, much other data of
unknown quality, and no environment.

Sensitive to: how much of the extra data is expert-like, `pretrain` and the discriminator's penalty,
`divergence`, and the number of gradient steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.inverse import dice, dice_config
from imitbench.core.types import Algorithm, Spec, Traits

TRAITS = Traits(uses_extra=True)


@dataclass(frozen=True)
class Config(dice_config.Config):
    """Settings of SMODICE."""

    discriminator: DiscriminatorConfig = field(
        default_factory=lambda: DiscriminatorConfig(
            hidden=(256, 256), lr=3e-4, batch=256, steps=1, state_only=True, reward="logit",
            penalty=10.0, entropy=0.0,
        )
    )  # fmt: skip
    """Settings of the discriminator; `steps` are its gradient steps beside each one of the policy,
    where it learns along."""
    pretrain: int = 4000
    """Gradient steps of the discriminator before all others, 0 or more."""
    learns_along: bool = False
    """The discriminator goes on learning beside value and policy."""
    absorbing: bool = True
    """A state follows the end of an episode, with a reward of its own; else nothing follows it."""
    value_penalty: float = 0.0
    """Weight of the squared norm of the value's gradient in observations, 0 or more."""
    value_l2: float = 1e-4
    """Weight of half the squared norm of the value's parameters, 0 or more."""
    entropy: bool = True
    """Hold the policy's entropy near `target_entropy` by a bonus that adapts."""


def make(config: Config, spec: Spec) -> Algorithm:
    """SMODICE on executed actions of demonstrations and extra data. State: `dice.State`."""
    return dice.make(config, spec)
