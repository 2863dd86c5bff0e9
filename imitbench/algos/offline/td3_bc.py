"""TD3+BC: TD3 on fixed data whose policy is also held near the data's actions.

Source: Fujimoto and Gu 2021 (arXiv:2106.06860), equations 3 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp

from imitbench.algos.offline import fixed_data, offline_td3
from imitbench.algos.rl import td3, td3_losses
from imitbench.algos.rl.replay_buffer import Experience
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Spec, Traits

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config(offline_td3.Config):
    """Settings of TD3+BC."""

    data: fixed_data.Config = field(default_factory=lambda: fixed_data.Config(normalise_obs=True))
    """Minibatches, of normalised observations."""
    alpha: float = 2.5
    """Mean magnitude that values are scaled to, beside the squared distance from the data."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha > 0, self, "alpha", "a positive number; for none there is offline_td3")


def objective(alpha: float) -> td3_losses.Objective:
    """Values scaled to mean magnitude `alpha`, and the squared distance from the data's actions."""

    def loss(value: td3_losses.Value, action: jax.Array, rows: Experience) -> jax.Array:
        q = value(rows.obs, action)
        size = jax.lax.stop_gradient(jnp.mean(jnp.abs(q)))
        distance = jnp.mean((action - rows.action) ** 2)
        return distance - alpha * jnp.mean(q) / jnp.maximum(size, 1e-8)

    return loss


def make(config: Config, spec: Spec) -> Algorithm:
    """TD3+BC on the demonstrations' rewards. State: `_offline.State` around `td3.State`."""
    learner = td3.learner(config, spec, objective=objective(config.alpha))
    return fixed_data.make(config.data, spec, learner)
