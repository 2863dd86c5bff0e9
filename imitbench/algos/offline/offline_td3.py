"""TD3 on fixed data, truly off-policy: the control that extrapolation makes fail.

Source: TD3's, see `td3`; the failure is that of Fujimoto et al. 2019 (arXiv:1812.02900), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.offline import fixed_data
from imitbench.algos.rl import td3
from imitbench.core.types import Algorithm, Spec, Traits

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config(td3.UpdateConfig):
    """Settings of TD3 without an environment."""

    data: fixed_data.Config = field(default_factory=fixed_data.Config)
    """Minibatches."""


def make(config: Config, spec: Spec) -> Algorithm:
    """TD3 on the demonstrations' rewards. State: `_offline.State` around `td3.State`."""
    return fixed_data.make(config.data, spec, td3.learner(config, spec))
