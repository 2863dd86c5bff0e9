"""RWR: regress the policy on replayed actions, weighted by the exponential of their return.

Source: Peters and Schaal 2007 (ICML, "Reinforcement learning by reward-weighted regression"), with
networks and replay as in Peng et al. 2019 (arXiv:1910.00177), who compare AWR with it. It is AWR
without the baseline, on the returns that were seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.rl import awr
from imitbench.core.types import Traits

TRAITS = Traits(needs_demos=False)


@dataclass(frozen=True)
class Config(awr.Config):
    """Settings of RWR: those of AWR with no baseline and lambda 1."""

    baseline: bool = False
    td_lambda: float = 1.0


make = awr.make
