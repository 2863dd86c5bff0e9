"""RWR on fixed data: see `rwr`; without an environment."""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.offline import offline_awr
from imitbench.core.types import Traits

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config(offline_awr.Config):
    """Settings of RWR without an environment: those of AWR with no baseline and lambda 1."""

    baseline: bool = False
    td_lambda: float = 1.0


make = offline_awr.make
