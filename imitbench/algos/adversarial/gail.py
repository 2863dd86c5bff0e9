"""GAIL: PPO on a reward that a discriminator makes, which learns to tell its steps from the
expert's.

Source: Ho and Ermon 2016 (arXiv:1606.03476), algorithm 1, with PPO in place of TRPO (that pairing
is `gail_trpo`). With `discriminator.divergence` it is f-VIM (Ke et al. 2019, arXiv:1905.12888).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial import gail_loop
from imitbench.algos.rl import ppo
from imitbench.core.types import Algorithm, Env, Spec

warnings = gail_loop.warnings


@dataclass(frozen=True)
class Config(gail_loop.Config):
    """Settings of GAIL."""

    ppo: ppo.Config = field(default_factory=ppo.Config)
    """Settings of PPO."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """GAIL on the demonstrations' observations and actions. State: `_adversary.State`."""
    own = config.ppo
    sight = gail_loop.obs_action_input(config.discriminator, spec)
    return gail_loop.make(config, own, spec, env, ppo.learner(own, spec), sight)
