"""DAC with SAC: the reward of DAC's discriminator, and SAC's stochastic policy instead of TD3's.

Source: Kostrikov et al. 2019 (arXiv:1809.02925), Algorithm 1; the pairing with SAC is that of the
code of Kostrikov et al. 2020 (arXiv:1912.05032).

Different from the source: absorbing steps are sampled instead of stored (see `absorbing`), and no
gradient is clipped. Everything but the learner is that of `dac`. The code of 2020 takes five
updates a step, a learning rate of 1e-5 for the policy and 1e-3 for the critics, regularised towards
orthogonal kernels of the policy, standardises observations by the expert's, puts demonstrated steps
into the learner's replay, has ten absorbing steps after an end, and a discriminator of tanh layers
on 256 rows; none of these are here.

Use it when a deterministic policy explores too little, or to compare with code that pairs
adversarial imitation with SAC.

Sensitive to: SAC's temperature against the scale of the discriminator's reward, and all that `dac`
is sensitive to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from imitbench.algos.adversarial import dac_loop
from imitbench.algos.rl import sac
from imitbench.core.types import Algorithm, Env, Spec, Traits

TRAITS = Traits(needs_actions=dac_loop.needs_actions, version=2)


@dataclass(frozen=True)
class Config(dac_loop.Config):
    """Settings of DAC with SAC."""

    sac: sac.Config = field(default_factory=sac.Config)
    """Settings of SAC, of collecting and of replay."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """DAC on what `discriminator.inputs` names of the demonstrations.

    State: `off_policy.State` of a `sac.State`, whose reward state is a `dac_loop.State`.
    """
    return dac_loop.make(config, config.sac.replay, spec, env, partial(sac.learner, config.sac))
