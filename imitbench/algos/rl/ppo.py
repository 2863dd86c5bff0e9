"""PPO: on-policy policy gradients with a bound on the ratio of new to old probabilities.

Source: Schulman et al. 2017 (arXiv:1707.06347), equations 7 and 9.

Different from the source: as in Stable-Baselines3, advantages are standardised in each minibatch,
gradients are clipped by their norm, and observations and rewards are normalised by running moments.
`TIANSHOU` has the settings of Tianshou's MuJoCo benchmark instead.

Use it when environment steps are cheap or many run in parallel, and for discrete actions.

Sensitive to: `envs` * `length` (steps per update), `lr`, `clip`, `epochs`, `normalise_obs` and
`normalise_reward`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from imitbench.algos.common import on_policy, on_policy_loop
from imitbench.algos.common.on_policy import Core, Networks, OnPolicyLearner, PolicyUpdate
from imitbench.algos.common.on_policy_loop import State
from imitbench.core.config import ADDED_LATER, require
from imitbench.core.observations.hidden_state import WithState
from imitbench.core.types import Algorithm, Env, Metrics, Params, Spec, Traits

__all__ = ["Config", "Core", "OnPolicyLearner", "State", "export", "learner", "make"]
TRAITS = Traits(needs_demos=False, sees_images=True)
export = on_policy_loop.export


@dataclass(frozen=True)
class Config(on_policy.Config):
    """Settings of PPO."""

    lr_decay_updates: int = 0
    """Updates over which the learning rate falls linearly to 0; 0 keeps it constant."""
    clip: float = 0.2
    """Bound on the distance of the probability ratio from 1, above 0."""
    value: float = 0.5
    """Weight of the mean squared value error in the loss; CleanRL and PPO2 of openai/baselines have
    half of this number."""
    entropy: float = 0.0
    """Weight of the policy's entropy (nats), which is subtracted from the loss."""
    max_grad_norm: float = 0.5
    """Largest global norm of the gradient; larger gradients are scaled down to it."""
    standardise_advantages: bool = field(default=True, metadata=ADDED_LATER)
    """Give the advantages of each minibatch mean 0 and standard deviation 1."""
    recompute_advantages: bool = field(default=False, metadata=ADDED_LATER)
    """Compute advantages and returns anew before each pass, with the value as it is by then."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("clip", "max_grad_norm"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("value", "entropy", "lr_decay_updates"):
            require(getattr(self, name) >= 0, self, name, "0 or more")


TIANSHOU = Config(
    envs=64, length=32, log_std=-0.5, value=0.25, standardise_advantages=False,
    recompute_advantages=True,
)  # fmt: skip
"""The settings of Tianshou's MuJoCo benchmark (Weng et al. 2022, arXiv:2107.14171), whose learning
rate falls to 0 over 3 million environment steps: `lr_decay_updates=1465`. Its returns are scaled
for the value alone, and its advantages are those of the rewards; here rewards are scaled, and so
are advantages, whose share of the clipped gradient is smaller."""


def clipped_loss(
    networks: Networks, config: Config, params: Params, rows: dict[str, jax.Array]
) -> tuple[jax.Array, Metrics]:
    """Minus equation 9: the clipped surrogate of equation 7, the value error and the entropy; on
    tasks with images also the error of the auxiliary task.

    Args:
        networks: policy and value.
        config: `clip`, `value`, `entropy` and `standardise_advantages`.
        params: "policy" and "value".
        rows: `on_policy.training_data` [N, ...]; log_prob is that of the policy that collected.

    Returns:
        The loss [], and metrics; "kl" estimates the divergence KL(old || new) in nats.
    """
    auxiliary_error = None
    if networks.with_auxiliary is None or not config.images.auxiliary:
        dist = on_policy.distribution(networks.policy, params["policy"], rows["obs"])
    else:
        found, auxiliary_error = networks.with_auxiliary(params["policy"], rows["obs"])
        dist = on_policy.with_free_std(found)
    log_ratio = dist.log_prob(rows["action"]) - rows["log_prob"]
    ratio = jnp.exp(log_ratio)
    advantage = rows["advantage"]
    if config.standardise_advantages:
        advantage = on_policy_loop.standardise_advantages(advantage)
    bounded = jnp.clip(ratio, 1.0 - config.clip, 1.0 + config.clip)
    policy_loss = -jnp.mean(jnp.minimum(ratio * advantage, bounded * advantage))
    error = networks.value.apply(params["value"], rows["obs"]) - rows["return"]
    value_loss = jnp.mean(error**2)
    entropy = jnp.mean(dist.entropy())
    loss = policy_loss + config.value * value_loss - config.entropy * entropy
    metrics = {
        "policy_loss": policy_loss,
        "value_loss": value_loss,
        "entropy": entropy,
        "kl": jnp.mean(ratio - 1.0 - log_ratio),
    }
    if auxiliary_error is None:
        return loss, metrics
    loss = loss + config.images.auxiliary * auxiliary_error
    return loss, metrics | {"auxiliary_error": auxiliary_error}


def optimiser(config: Config, further_steps: int = 0) -> optax.GradientTransformation:
    """Adam behind a bound on the gradient's norm.

    Args:
        config: of PPO.
        further_steps: gradient steps in each update besides PPO's own, which the decay of the step
            size counts.
    """
    lr: Any = config.lr
    if config.lr_decay_updates:
        steps = config.epochs * config.minibatches + further_steps
        lr = optax.linear_schedule(config.lr, 0.0, config.lr_decay_updates * steps)
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(lr, eps=1e-5))


def policy_update(config: Config, spec: Spec, opt: optax.GradientTransformation) -> PolicyUpdate:
    """PPO's minibatch steps of policy and value together; of one pass where the advantages are
    computed anew before each."""
    passes = 1 if config.recompute_advantages else config.epochs
    loss = partial(clipped_loss, on_policy.networks(config, spec), config)
    descend = partial(on_policy_loop.minibatch_descent, replace(config, epochs=passes), loss, opt)
    return PolicyUpdate(opt.init, descend, passes * config.minibatches)


def learner(
    config: Config, spec: Spec, opt: optax.GradientTransformation | None = None
) -> OnPolicyLearner:
    """PPO without its environment; `opt` is `optimiser(config)` if it is left out."""
    passes = config.epochs if config.recompute_advantages else 1
    update = policy_update(config, spec, opt or optimiser(config))
    return on_policy.learner(config, spec, update, passes)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """PPO on the task's reward. The state is an `on_policy_loop.State`."""
    env = env if spec.image is None else WithState(env)
    return on_policy_loop.make(config, env, learner(config, spec))
