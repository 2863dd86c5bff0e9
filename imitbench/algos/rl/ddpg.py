"""DDPG: a deterministic policy learned off-policy from one critic.

Source: Lillicrap et al. 2016 (arXiv:1509.02971), algorithm 1.

Different from the source: Gaussian exploration noise in place of the correlated one, as in the
implementations in use. The code is TD3's, with one critic, no delay and no target noise.

Use it when a study asks for it, or with hindsight goals (`replay.her`) on tasks with sparse
rewards; otherwise take TD3.

Sensitive to: `noise` and `uniform` (exploration), `lr`, `tau`, `value_range` on tasks with sparse
rewards.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.rl import td3
from imitbench.core.types import Traits

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class UpdateConfig(td3.UpdateConfig):
    """Settings of DDPG's gradient steps: TD3's without its three changes."""

    critics: int = 1
    """Number of critics; DDPG has one."""
    delay: int = 1
    """Critic steps between two steps of the policy and the targets; DDPG has no delay."""
    target_noise: float = 0.0
    """Standard deviation of the noise on the target policy's action; DDPG has none."""


@dataclass(frozen=True)
class Config(UpdateConfig, td3.Config):
    """Settings of DDPG."""


learner = td3.learner
export = td3.export
make = td3.make
