"""DAC: TD3 on the reward of a discriminator that learns from the replay, with absorbing states.

Source: Kostrikov et al. 2019 (arXiv:1809.02925), Algorithm 1; learning rates, noise and penalty of
the official code. The suite `gail` also has its minibatches of 100, its warm-up of 1,000 steps on
most tasks, and orthogonal kernels; the gain of the policy's last one is .01 in that code, 1 here.

With `discriminator.inputs=transition` it is DACfO, which needs no demonstrated actions (a baseline
of Zhu et al. 2020, arXiv:2102.13185).

Different from the source: absorbing steps are sampled instead of stored (see `absorbing`). Networks
have two ReLU layers of 256; theirs have 400 and 300, and tanh in the discriminator, which sees
observations as they are and here standardised ones. Their actions are uniform until the policy
learns, here until the warm-up ends.

Use it when environment steps are expensive: it replays them, and so needs fewer than `gail`.

Sensitive to: the ratio of `discriminator.steps` to `td3.replay.grad_steps`, `td3.replay.warmup`,
`td3.noise`, and early ends of episodes: while the discriminator learns, the absorbing state may pay
more than the policy's own steps (`absorbing_reward` and `living_reward` among the metrics).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imitbench.algos.adversarial import dac_loop
from imitbench.algos.common.bellman import IsAbsorbing
from imitbench.algos.common.off_policy import OffPolicyLearner
from imitbench.algos.rl import td3
from imitbench.core.types import Algorithm, Env, Spec, Traits

TRAITS = Traits(needs_actions=dac_loop.needs_actions, version=2)


@dataclass(frozen=True)
class Config(dac_loop.Config):
    """Settings of DAC."""

    td3: td3.Config = field(
        default_factory=lambda: td3.Config(
            lr=1e-3, policy_start=1000, max_grad_norm=40.0, lr_halving_steps=50_000
        )
    )
    """Settings of TD3, of collecting and of replay."""


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """DAC on what `discriminator.inputs` names of the demonstrations.

    State: `off_policy.State` of a `td3.State`, whose reward state is a `dac_loop.State`.
    """

    def build_learner(spec: Spec, is_absorbing: IsAbsorbing | None) -> OffPolicyLearner:
        noise, uniform = config.td3.noise, config.td3.uniform
        return td3.learner(
            config.td3, spec, noise=noise, uniform=uniform, is_absorbing=is_absorbing
        )

    return dac_loop.make(config, config.td3.replay, spec, env, build_learner)
