"""DDPG with demonstrations: a second replay of them, and a cloning loss behind a Q filter.

Source: Nair et al. 2018 (arXiv:1709.10089), sections IV and V: each minibatch holds demonstrated
steps beside the learner's own, both with hindsight goals, and the policy is drawn to a demonstrated
action wherever the critic prefers that to the policy's own. Their resets to demonstrated states:
`replay.resets`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp

from imitbench.algos.rl import ddpg, off_policy, replay_buffer, td3
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Env, Spec, Traits

TRAITS = Traits(needs_rewards=True)
export = ddpg.export


@dataclass(frozen=True)
class Config(ddpg.Config):
    """Settings of DDPG with demonstrations."""

    replay: off_policy.Config = field(default_factory=lambda: off_policy.Config(her=4.0))
    """Collecting and replay; the demonstrations' steps are relabelled too."""
    demo_batch: int = 128
    """Demonstrated steps in a minibatch, beside the `replay.batch` others."""
    clone: float = 1000.0
    """Weight of the cloning loss beside the values: lambda_2 N_D / lambda_1 in the paper."""
    q_filter: bool = True
    """Clone only where the critic prefers the demonstrated action to the policy's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.demo_batch >= 1, self, "demo_batch", "1 or more; for none there is ddpg")
        require(self.clone >= 0, self, "clone", "0 or more")


def objective(config: Config) -> td3.Objective:
    """Minus the mean value, and the squared distance from the demonstrated actions, summed over
    components and averaged over the `demo_batch` last rows, filtered ones as 0."""

    def loss(value: td3.Value, action: jax.Array, rows: replay_buffer.Experience) -> jax.Array:
        q = value(rows.obs, action)
        last = slice(-config.demo_batch, None)
        shown = rows.action[last]
        distance = jnp.sum((action[last] - shown) ** 2, axis=-1)
        if config.q_filter:
            better = value(rows.obs[last], shown) > q[last]
            distance = jnp.where(better, distance, 0.0)
        return config.clone * jnp.mean(distance) - jnp.mean(q)

    return loss


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """DDPG on the task's own reward and on demonstrated whole episodes; set `replay.her` to 0 on a
    task without goals. State: `_offpolicy.State` around `td3.State`."""
    learner = td3.learner(
        config, spec, noise=config.noise, uniform=config.uniform, objective=objective(config)
    )
    return off_policy.make(config.replay, spec, env, learner, config.demo_batch)
