"""DDPG on fixed data, truly off-policy: the control that extrapolation makes fail.

Source: DDPG's, see `ddpg`; the failure is that of Fujimoto et al. 2019 (arXiv:1812.02900),
section 3, and its settings those of that paper's code.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.offline import offline_td3
from imitbench.core.types import Traits

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config(offline_td3.Config):
    """Settings of DDPG without an environment: TD3's with one critic, no delay, no target noise."""

    critics: int = 1
    delay: int = 1
    target_noise: float = 0.0


make = offline_td3.make
