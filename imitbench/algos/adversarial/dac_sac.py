"""DAC with SAC in place of TD3.

Source: Kostrikov et al. 2019 (arXiv:1809.02925); the pairing is that of the code of Kostrikov et
al. 2020 (arXiv:1912.05032).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial import dac_loop
from imitbench.algos.rl import sac
from imitbench.algos.rl.bellman import IsAbsorbing
from imitbench.algos.rl.off_policy import OffPolicyLearner
from imitbench.core.types import Algorithm, Env, Spec


@dataclass(frozen=True)
class Config(dac_loop.Config):
    """Settings of DAC with SAC."""

    sac: sac.Config = field(default_factory=sac.Config)
    """Settings of SAC, of collecting and of replay."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """DAC on the demonstrations' observations and actions. State: `_offpolicy.State` around
    `sac.State`, with `_dac.State` as the teacher's."""
    own = config.sac

    def build(spec: Spec, is_absorbing: IsAbsorbing | None) -> OffPolicyLearner:
        return sac.learner(own, spec, is_absorbing)

    return dac_loop.make(config, own.replay, spec, env, build)
