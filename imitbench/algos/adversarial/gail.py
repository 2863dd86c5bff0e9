"""GAIL: PPO on the reward of a discriminator that separates the policy's steps from the expert's.

Source: Ho and Ermon 2016 (arXiv:1606.03476), Algorithm 1; with `discriminator.divergence` it is
f-VIM (Ke et al. 2019, arXiv:1905.12888), whose reward `discriminator.centred` shifts so that a
perfect imitator earns 0. With `discriminator.inputs=transition` it is GAIfO (Torabi et al. 2018,
arXiv:1807.06158), which needs no demonstrated actions.

Different from the source: PPO instead of TRPO (`gail_trpo` has TRPO), a gradient penalty on the
discriminator (`discriminator.penalty=0` turns it off), and the reward -log(1 - D), with D the
probability of the expert, as in the official code.

Use it when demonstrations are few, environment steps are cheap, and there is no reward; single
steps of trajectories suffice.

Sensitive to: the sign of `discriminator.reward` where episodes can end early, the balance of
`discriminator.steps`, `discriminator.lr` and `discriminator.penalty` with the settings of `ppo`,
and the number of environment steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial import gail_loop, reward_sign
from imitbench.algos.adversarial.discriminator_input import pair_input
from imitbench.algos.adversarial.state_view import check_image_settings, make_state_view
from imitbench.algos.rl import ppo
from imitbench.core.config import ADDED_LATER
from imitbench.core.observations.hidden_state import WithState
from imitbench.core.types import Algorithm, Env, Spec, Traits

TRAITS = Traits(needs_actions=gail_loop.needs_actions, sees_images=True)
warnings = reward_sign.warnings


@dataclass(frozen=True)
class Config(gail_loop.Config):
    """Settings of GAIL with PPO."""

    ppo: ppo.Config = field(default_factory=ppo.Config)
    """Settings of PPO."""
    compared_fields: tuple[str, ...] = field(default=(), metadata=ADDED_LATER)
    """Fields of the observation, or differences "a - b" of two, that the discriminator sees, such
    as those of an object without the arm; on tasks with images of the full task's observation.
    Empty: all fields."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """GAIL on what `discriminator.inputs` names of the demonstrations. State: `gail_loop.State`."""
    learner = ppo.learner(config.ppo, spec)
    if spec.image is None and not config.compared_fields:
        return gail_loop.make(config, config.ppo, spec, env, learner)
    check_image_settings(spec, config.discriminator.compared, config.clone_steps)
    view = make_state_view(config.compared_fields, spec)
    compared = pair_input(config.discriminator, view.spec)
    env = env if spec.image is None else WithState(env)
    return gail_loop.make(config, config.ppo, spec, env, learner, compared, view.see)
