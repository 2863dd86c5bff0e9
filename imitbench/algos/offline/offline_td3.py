"""TD3 on fixed data, truly off-policy: a control for the errors of extrapolation.

Source: that of `td3`; on fixed data as in Fujimoto et al. 2019 (arXiv:1812.02900), section 3.

Different from the source: all steps come from the data, and observations are standardised.

Use it when a study needs a method that overestimates the values of actions outside of the data;
to learn from fixed data take `bcq`, `td3_bc` or `iql`.

Sensitive to: how much of the actions the data cover, `lr`, `data.steps`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.offline import fixed_data
from imitbench.algos.rl import td3
from imitbench.core.types import Algorithm, Spec, Traits

TRAITS = Traits(needs_rewards=True, streams=True, version=2)


@dataclass(frozen=True)
class Config(td3.UpdateConfig):
    """Settings of TD3 without an environment."""

    data: fixed_data.Config = field(default_factory=fixed_data.Config)
    """Settings of minibatches of the data."""


def make(config: Config, spec: Spec) -> Algorithm:
    """TD3 on the demonstrations' rewards. The state is a `fixed_data.State` whose `learner` is a
    `td3.State`."""
    return fixed_data.make(config.data, spec, td3.learner(config, spec))
