"""LS-IQ: IQ-Learn with a bounded reward, fixed values of demonstrated steps and clipped targets.

Source: Al-Hafez et al. 2023 (arXiv:2303.00599), with the settings of the official code: Q of
demonstrated steps is fitted to the largest possible value and has no other part in the squared
reward, targets are clipped, one Q function, a fixed temperature.

Different from the source: the steps before learning have uniformly random actions instead of the
untrained policy's, and kernels begin from LeCun's normal distribution instead of Xavier's uniform
one. The official code has two forms of the loss; its experiments name a setting that
only one of them uses (`value`), and switch to the other (`least-squares`), which is the default
here. Ends of episodes are treated as absorbing states by default; the official experiments leave
that off.

Use it instead of `iq_learn` when its values drift, or when episodes can end early.

Sensitive to: `c`, which bounds rewards and values; `temperature`; `policy_lr`, which is small, so
that many steps are needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp

from imitbench.algos.common import off_policy, off_policy_loop
from imitbench.algos.inverse import soft_q
from imitbench.algos.inverse.soft_q import SoftValues
from imitbench.core import policy_nets
from imitbench.core.config import require, require_choice
from imitbench.core.types import Algorithm, Env, Metrics, Spec, Traits

TRAITS = Traits(version=2)
Form = Literal["least-squares", "value"]


@dataclass(frozen=True)
class Config(soft_q.UpdateConfig):
    """Settings of LS-IQ."""

    policy_start: int = 5_000
    """Gradient steps of the Q function before the policy's first one, 0 or more."""
    temperature: float = 0.001
    """Weight of the entropy (alpha), in reward per nat, above 0; it stays as it is."""
    c: float = 0.5
    """Weight of the squared reward, above 0. Rewards lie in [-1/c, 1/c], values in
    [-1, 1] / (c (1 - discount))."""
    form: Form = "least-squares"
    """The part of the loss beside the fit of demonstrated steps. least-squares: squared distance of
    V(s) from -1/c + discount V'(s') over all steps. value: E[V(s) - discount V'(s')] over all
    steps, plus c times the squared reward of own steps."""
    absorbing: bool = True
    """After an own episode has terminated, its last state's reward goes on for ever (with `value`
    after a demonstrated one, too); else the end is worth 0."""
    replay: off_policy.Config = field(default_factory=off_policy.Config)
    """Settings of collecting and replay. To each minibatch of `replay.batch` own steps, as many
    demonstrated ones are added."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.c > 0, self, "c", "a positive number")
        require_choice(self, "form", Form)

    @property
    def max_value(self) -> float:
        """The value of a reward of 1/c for ever."""
        return 1.0 / (self.c * (1.0 - self.discount))


def squared_reward(config: Config, reward: jax.Array, terminated: jax.Array) -> jax.Array:
    """The discounted squared rewards [N] that a step stands for.

    Where an absorbing state follows, `reward` is the sum R / (1 - discount) of a reward R that goes
    on for ever. Its squares sum up to R^2 / (1 - discount) = (1 - discount) reward^2.
    """
    share = jnp.where(terminated & config.absorbing, 1.0 - config.discount, 1.0)
    return share * reward**2


def objective(config: Config, values: SoftValues) -> tuple[jax.Array, Metrics]:
    """The loss that the Q function descends.

    Args:
        config: settings.
        values: of a minibatch.

    Returns:
        The loss [] and metrics; "fit_demos" is the mean squared distance of Q from the largest
        value over demonstrated steps.
    """
    own, bound = values.own, config.max_value
    clipped = values._replace(next_value=jnp.clip(values.next_value, -bound, bound))
    target = clipped.next_target(config.discount)
    reward = values.q - target
    fit = jnp.mean((values.q[own:] - bound) ** 2)
    if config.form == "value":
        policys_part = jnp.mean(values.value - target)
        chi2 = config.c * jnp.mean(squared_reward(config, reward[:own], values.terminated[:own]))
        rest = policys_part + chi2
    else:
        # As in the official code, demonstrated ends keep the reward of a single step.
        ended = values.terminated & config.absorbing & (jnp.arange(values.q.shape[0]) < own)
        least_reward = jnp.where(ended, -bound, -1.0 / config.c)
        rest = jnp.mean((values.value - least_reward - target) ** 2)
    return fit + rest, {"fit_demos": fit} | soft_q.describe(values, reward, bound)


def export(config: Config, spec: Spec, state: off_policy.State) -> policy_nets.MLPPolicy:
    """One seed's policy, to be saved alone."""
    return off_policy.export(config.replay, spec, state, state.learner.params["policy"])


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """LS-IQ on observations and executed actions of the demonstrations.

    State: `off_policy.State` of a `soft_q.State`.
    """
    batch = config.replay.batch
    learner = soft_q.learner(config, spec, partial(objective, config), batch)
    return off_policy_loop.make(config.replay, spec, env, learner, demo_batch=batch)
