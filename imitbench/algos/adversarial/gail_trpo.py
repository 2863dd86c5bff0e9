"""GAIL with TRPO: the pairing of the paper, with a trust region on each policy update.

Source: Ho and Ermon 2016 (arXiv:1606.03476), Algorithm 1.

Different from the source: a gradient penalty on the discriminator (`discriminator.penalty=0` turns
it off), and the reward of `gail`, from which it differs in the learner alone. The paper's code
collects 50,000 or more steps in an iteration, then takes one step of the discriminator on all of
them at a learning rate of .01, and fits the value within a trust region. Here an update has 2,048
steps by default and 8 minibatch steps of the discriminator at 3e-4, and Adam fits the value.

Use it when you reproduce the paper, or when PPO's updates are unstable on the discriminator's
reward.

Sensitive to: the settings of `gail`, and `trpo.length` with `trpo.envs` (the steps of an update).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial import gail_loop, reward_sign
from imitbench.algos.rl import trpo
from imitbench.core.types import Algorithm, Env, Spec, Traits

TRAITS = Traits(needs_actions=gail_loop.needs_actions)
warnings = reward_sign.warnings


@dataclass(frozen=True)
class Config(gail_loop.Config):
    """Settings of GAIL with TRPO."""

    trpo: trpo.Config = field(default_factory=trpo.Config)
    """Settings of TRPO."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """GAIL on what `discriminator.inputs` names of the demonstrations. State: `gail_loop.State`."""
    return gail_loop.make(config, config.trpo, spec, env, trpo.learner(config.trpo, spec))
