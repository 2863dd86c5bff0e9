"""DDPG: off-policy learning of a deterministic policy from one critic.

Source: Lillicrap et al. 2016 (arXiv:1509.02971), algorithm 1; Gaussian noise in place of the
correlated one, as in the implementations in use. The learner is TD3's, without its three changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.rl import td3
from imitbench.core.types import Traits

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class Config(td3.Config):
    """Settings of DDPG: those of TD3 with one critic, no delay and no target noise."""

    critics: int = 1
    delay: int = 1
    target_noise: float = 0.0


learner = td3.learner
export = td3.export
make = td3.make
