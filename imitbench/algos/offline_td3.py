"""TD3 on fixed data, truly off-policy: the control that extrapolation makes fail.

Source: TD3's, see `td3`; the failure is that of Fujimoto et al. 2019 (arXiv:1812.02900), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos import _offline, td3
from imitbench.core.types import Algorithm, Spec, Traits

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config(td3.Rule):
    """Settings of TD3 without an environment."""

    data: _offline.Config = field(default_factory=_offline.Config)
    """Minibatches."""


def make(config: Config, spec: Spec) -> Algorithm:
    """TD3 on the demonstrations' rewards. State: `_offline.State` around `td3.State`."""
    return _offline.make(config.data, spec, td3.learner(config, spec))
