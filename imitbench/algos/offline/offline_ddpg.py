"""DDPG on fixed data, truly off-policy: a control for the errors of extrapolation.

Source: that of `ddpg`; on fixed data as in Fujimoto et al. 2019 (arXiv:1812.02900), section 3. The
suite `bcq` has the settings of that paper's code, which are not the defaults.

Different from the source: the code is that of `offline_td3`, with one critic, no delay and no
target noise.

Use it when a study needs a method that overestimates the values of actions outside of the data;
to learn from fixed data take `bcq`, `td3_bc` or `iql`.

Sensitive to: how much of the actions the data cover, `lr`, `data.steps`.
"""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.algos.offline import offline_td3
from imitbench.algos.rl import ddpg
from imitbench.core.types import Traits

TRAITS = Traits(needs_rewards=True, streams=True, version=2)


@dataclass(frozen=True)
class Config(ddpg.UpdateConfig, offline_td3.Config):
    """Settings of DDPG without an environment."""


make = offline_td3.make
