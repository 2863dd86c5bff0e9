"""RWR on fixed data: see `rwr`; without an environment."""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos import offline_awr

REWARDED = True  # learns from the rewards of the demonstrations' steps


@dataclass(frozen=True)
class Config(offline_awr.Config):
    """Settings of RWR without an environment: those of AWR with no baseline and lambda 1."""

    baseline: bool = False
    td_lambda: float = 1.0


make = offline_awr.make
