"""The objective of IQ-Learn with the chi-squared divergence, and its settings.

Source: Garg et al. 2021 (arXiv:2106.12142), equations 9 and 10 with phi(x) = x - x^2 / (4 alpha).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp

from imitbench.algos.inverse import soft_q
from imitbench.algos.inverse.soft_q import SoftValues
from imitbench.core import nets, policy_nets
from imitbench.core.config import require, require_choice
from imitbench.core.types import Metrics

SecondTerm = Literal["value", "v0"]
Penalised = Literal["all", "demos"]


@dataclass(frozen=True)
class UpdateConfig(soft_q.UpdateConfig):
    """Settings of the gradient steps of IQ-Learn."""

    second_term: SecondTerm = "value"
    """The policy's part of the objective. value: E[V(s) - discount V'(s')] over all steps of the
    minibatch. v0: (1 - discount) E[V(s)] over demonstrated states, which stand for the initial
    ones."""
    chi2_alpha: float = 0.5
    """The squared reward has the weight 1 / (4 chi2_alpha), above 0: larger values allow larger
    rewards."""
    log_std: policy_nets.LogStdBound = "tanh"
    initial_weights: nets.Start = "orthonormal"
    penalised: Penalised = "all"
    """The steps whose squared reward counts: all of the minibatch, or the demonstrated ones."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.chi2_alpha > 0, self, "chi2_alpha", "a positive number")
        require_choice(self, "second_term", SecondTerm)
        require_choice(self, "penalised", Penalised)

    @property
    def max_value(self) -> float:
        """The value of the optimum's largest reward, 4 chi2_alpha, for ever."""
        return 4.0 * self.chi2_alpha / (1.0 - self.discount)


def objective(config: UpdateConfig, values: SoftValues) -> tuple[jax.Array, Metrics]:
    """The loss that the Q function descends: minus the demonstrated reward, plus the policy's part,
    plus the squared reward.

    Args:
        config: settings.
        values: of a minibatch.

    Returns:
        The loss [] and metrics.
    """
    target = values.next_target(config.discount)
    reward = values.q - target
    demonstrated = reward[values.own :]
    if config.second_term == "value":
        policys_part = jnp.mean(values.value - target)
    else:
        policys_part = (1.0 - config.discount) * jnp.mean(values.value[values.own :])
    penalised = reward if config.penalised == "all" else demonstrated
    chi2 = jnp.mean(penalised**2) / (4.0 * config.chi2_alpha)
    loss = -jnp.mean(demonstrated) + policys_part + chi2
    metrics = {"policys_part": policys_part, "chi2": chi2}
    return loss, metrics | soft_q.describe(values, reward, config.max_value)
