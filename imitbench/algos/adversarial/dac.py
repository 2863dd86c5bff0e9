"""DAC: TD3 on a reward that a discriminator makes from its replay, with absorbing states.

Source: Kostrikov et al. 2019 (arXiv:1809.02925); settings of the official code, but for its
schedule of the policy's step size.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial import dac_loop
from imitbench.algos.rl import td3
from imitbench.algos.rl.bellman import IsAbsorbing
from imitbench.algos.rl.off_policy import OffPolicyLearner
from imitbench.core.types import Algorithm, Env, Spec


@dataclass(frozen=True)
class Config(dac_loop.Config):
    """Settings of DAC."""

    td3: td3.Config = field(default_factory=lambda: td3.Config(lr=1e-3))
    """Settings of TD3, of collecting and of replay."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """DAC on the demonstrations' observations and actions. State: `_offpolicy.State` around
    `td3.State`, with `_dac.State` as the teacher's."""
    own = config.td3

    def build(spec: Spec, is_absorbing: IsAbsorbing | None) -> OffPolicyLearner:
        return td3.learner(
            own, spec, noise=own.noise, uniform=own.uniform, is_absorbing=is_absorbing
        )

    return dac_loop.make(config, own.replay, spec, env, build)
