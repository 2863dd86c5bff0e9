"""GCBC: cloning of fixed data, whose goals are replaced by what the episode achieved later.

Source: Lynch et al. 2019 (arXiv:1903.01973) and Ghosh et al. 2021 (arXiv:1912.06088), as
implemented in OGBench (Park et al. 2025, arXiv:2410.20092): the goal of a row is drawn uniformly
from the later states of its episode. OGBench's Gaussian of constant standard deviation is the
default loss, mse, up to a factor that Adam ignores.

Different from the source: observations are normalised and clipped; goals are what states achieve,
not whole states; OGBench rounds in its draw, so that the next and the last state have half the
probability of the others.

Use it when data hold whole episodes and reach many goals, but not on purpose: play, random actions,
a learner's experience.

Sensitive to: how directly the data go to what they reach (detours are cloned), the number of
gradient steps, and `steps_left`.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.goal import goal_clone
from imitbench.core.types import Algorithm, Spec


@dataclass(frozen=True)
class Config(goal_clone.Config):
    """Settings of GCBC: those of BC with OGBench's defaults, and two more."""

    lr: float = 3e-4
    """Adam's learning rate."""
    batch: int = 1024
    """Rows of a minibatch."""
    hidden: tuple[int, ...] = (512, 512, 512)
    """Widths of the hidden layers."""


def make(config: Config, spec: Spec) -> Algorithm:
    """GCBC on the demonstrations. State: `supervised.State`."""
    return goal_clone.make(config, spec, "gcbc")
