"""GAIL as its authors paired it: TRPO on the discriminator's reward.

Source: Ho and Ermon 2016 (arXiv:1606.03476), algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial import gail_loop
from imitbench.algos.rl import trpo
from imitbench.core.types import Algorithm, Env, Spec

warnings = gail_loop.warnings


@dataclass(frozen=True)
class Config(gail_loop.Config):
    """Settings of GAIL with TRPO."""

    trpo: trpo.Config = field(default_factory=trpo.Config)
    """Settings of TRPO."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """GAIL on the demonstrations' observations and actions. State: `_adversary.State`."""
    own = config.trpo
    sight = gail_loop.obs_action_input(config.discriminator, spec)
    return gail_loop.make(config, own, spec, env, trpo.learner(own, spec), sight)
