"""DemoDICE: clone all data, weighted by how likely the expert's distribution of steps has them.

Source: Kim et al. 2022 (ICLR, "DemoDICE: offline imitation learning with supplementary imperfect
demonstrations"), with the settings of the official code.

Different from the source: the policy is a Gaussian whose mean passes through tanh instead of the
tanh of a Gaussian; the reward is clipped where the official code bends it into the same range, and
its gradient penalty is that of the logit between demonstrations and all data; the penalty of the
value is at steps of the data alone; hidden layers begin from LeCun's normal distribution. alpha is
that of the code's first release; a later one has 0.

Use it when there are few demonstrations, much other data of unknown quality, and no environment.

Sensitive to: `alpha`, how much of the extra data is expert-like, the penalty of the discriminator,
and the number of gradient steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.inverse import dice, dice_config
from imitbench.core.types import Algorithm, Spec, Traits

TRAITS = Traits(version=2, uses_extra=True)


@dataclass(frozen=True)
class Config(dice_config.Config):
    """Settings of DemoDICE."""

    alpha: float = 0.1
    """Further weight of the divergence from all data, 0 or more; with kl alone."""
    reward_bounds: tuple[float, ...] = (-6.9, 13.8)
    """Bounds (low, high) to which the discriminator's reward is clipped; empty for none."""


def make(config: Config, spec: Spec) -> Algorithm:
    """DemoDICE on executed actions of demonstrations and extra data. State: `dice.State`."""
    return dice.make(config, spec)
