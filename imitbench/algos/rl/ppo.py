"""PPO: on-policy policy gradients with a clipped probability ratio.

Source: Schulman et al. 2017 (arXiv:1707.06347), equation 7 and section 5; as in
Stable-Baselines3, advantages are standardised in each minibatch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from imitbench.algos.rl import on_policy
from imitbench.algos.rl.on_policy import Core, OnPolicyLearner, PolicyUpdate, State
from imitbench.core import distributions, ops
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Env, Key, Metrics, Params, Spec, Traits

__all__ = ["Config", "Core", "OnPolicyLearner", "State", "export", "learner", "make"]
TRAITS = Traits(needs_demos=False)
export = on_policy.export


@dataclass(frozen=True)
class Config(on_policy.Config):
    """Settings of PPO."""

    lr_decay_updates: int = 0
    """Updates over which the step size falls linearly to 0; 0 keeps it constant."""
    clip: float = 0.2
    """Bound on the probability ratio's distance from 1."""
    value: float = 0.5
    """Weight of the mean squared value error in the loss."""
    entropy: float = 0.0
    """Weight of the entropy, in nats, that is added to the objective."""
    max_grad_norm: float = 0.5
    """Gradients are scaled down to this global norm."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("clip", "max_grad_norm"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        require(self.lr_decay_updates >= 0, self, "lr_decay_updates", "0 or more")


def clipped(config: Config, spec: Spec) -> PolicyUpdate:
    """PPO's minibatch steps."""
    policy, critic = on_policy.networks(config, spec)
    lr: Any = config.lr
    if config.lr_decay_updates:
        steps = config.lr_decay_updates * config.epochs * config.minibatches
        lr = optax.linear_schedule(config.lr, 0.0, steps)
    opt = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(lr, eps=1e-5))

    def loss(params: Params, rows: dict[str, jax.Array]) -> tuple[jax.Array, Metrics]:
        dist = policy.apply(params["policy"], rows["obs"])
        assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
        log_ratio = dist.log_prob(rows["action"]) - rows["log_prob"]
        ratio = jnp.exp(log_ratio)
        adv = on_policy.standardise(rows["advantage"])
        bounded = jnp.clip(ratio, 1.0 - config.clip, 1.0 + config.clip)
        policy_loss = -jnp.mean(jnp.minimum(ratio * adv, bounded * adv))
        value_loss = jnp.mean((critic.apply(params["value"], rows["obs"]) - rows["return"]) ** 2)
        entropy = jnp.mean(dist.entropy())
        total = policy_loss + config.value * value_loss - config.entropy * entropy
        return total, {
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy,
            "kl": jnp.mean(ratio - 1.0 - log_ratio),
        }

    def step(
        key: Key, params: Params, opt_state: Any, data: dict[str, jax.Array]
    ) -> tuple[Params, Any, Metrics]:
        def minibatch(carry: tuple[Params, Any], index: jax.Array):
            rows = jax.tree.map(lambda x: x[index], data)
            params, opt_state, metrics = ops.gradient_step(loss, opt, *carry, rows)
            return (params, opt_state), metrics

        index = on_policy.minibatches(config, key, data["advantage"].size)
        (params, opt_state), metrics = jax.lax.scan(minibatch, (params, opt_state), index)
        return params, opt_state, jax.tree.map(jnp.mean, metrics)

    return PolicyUpdate(opt.init, step, config.epochs * config.minibatches)


def learner(config: Config, spec: Spec) -> OnPolicyLearner:
    return on_policy.learner(config, spec, clipped(config, spec))


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """PPO on the task's own reward. State: `State`."""
    return on_policy.make(config, env, learner(config, spec))
