"""RWR on fixed data: its regressions on the demonstrations' steps, without an environment.

Source: that of `rwr`; fixed data as in Peng et al. 2019 (arXiv:1910.00177), section 5.4.

Different from the source: networks and gradient steps are those of AWR; the code is that of
`offline_awr`, without the baseline and on observed returns.

Use it when a study compares weighted regressions on fixed data; otherwise take `offline_awr`.

Sensitive to: `temperature`, `standardise` and `max_weight` (how greedy the weights are),
`policy_lr`.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.offline import offline_awr
from imitbench.algos.rl import rwr
from imitbench.core.types import Traits

TRAITS = Traits(needs_rewards=True, streams=True)


@dataclass(frozen=True)
class Config(rwr.UpdateConfig, offline_awr.Config):
    """Settings of RWR without an environment."""


make = offline_awr.make
