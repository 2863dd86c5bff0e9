"""TD3+BC: TD3 on fixed data whose policy also stays near the data's actions.

Source: Fujimoto and Gu 2021 (arXiv:2106.06860), equations 3 to 5.

Different from the source: the squared distance is averaged over the action's components, as in the
official code. Kernels begin from LeCun's normal distribution in place of PyTorch's.

Use it when data have rewards and continuous actions and a strong, simple method is wanted.

Sensitive to: `alpha`, `data.normalise_obs`, and the quality of the data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp

from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.offline import fixed_data, offline_td3
from imitbench.algos.rl import td3, td3_losses
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Spec, Traits

TRAITS = Traits(needs_rewards=True, streams=True)


@dataclass(frozen=True)
class Config(offline_td3.Config):
    """Settings of TD3+BC."""

    data: fixed_data.Config = field(default_factory=lambda: fixed_data.Config(normalise_obs=True))
    """Settings of minibatches of the data, with normalised observations."""
    alpha: float = 2.5
    """Mean magnitude to which values are scaled beside the squared distance, above 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha > 0, self, "alpha", "a positive number; for none there is offline_td3")


def cloning_objective(
    alpha: float, value: td3_losses.Value, action: jax.Array, rows: Experience
) -> jax.Array:
    """The loss [] of the policy: minus equation 3, with lambda from equation 5.

    Args:
        alpha: mean magnitude of the scaled values.
        value: the first critic.
        action: the policy's, [N, A].
        rows: steps [N] of the data.

    Returns:
        The mean squared distance from the data's actions, minus lambda times the mean value, where
        lambda = alpha / mean |Q| is a constant in the gradient.
    """
    q = value(rows.obs, action)
    size = jax.lax.stop_gradient(jnp.mean(jnp.abs(q)))
    distance = jnp.mean((action - rows.action) ** 2)
    return distance - alpha * jnp.mean(q) / jnp.maximum(size, 1e-8)


def make(config: Config, spec: Spec) -> Algorithm:
    """TD3+BC on the demonstrations' rewards. The state is a `fixed_data.State` whose `learner` is a
    `td3.State`."""
    learner = td3.learner(config, spec, objective=partial(cloning_objective, config.alpha))
    return fixed_data.make(config.data, spec, learner)
