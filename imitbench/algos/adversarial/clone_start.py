"""Cloning before adversarial training: an on-policy learner that starts from behavioural cloning.

Minibatches and learning rate are those of openai/baselines (its GAIL).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax

from imitbench.algos.common import on_policy
from imitbench.algos.common.on_policy import Core
from imitbench.core import buffer, ops
from imitbench.core.distributions import Categorical, Distribution
from imitbench.core.types import Key, Metrics, Params, Spec, Transition

BATCH, LR = 128, 3e-4


def cloning_loss(dist: Distribution, target: jax.Array) -> jax.Array:
    """Error of a policy's actions.

    Args:
        dist: [N] distributions over actions.
        target: [N, A] demonstrated actions, or discrete ones [N].

    Returns:
        A scalar: the squared error of the mean action, summed over its components; or the
        cross-entropy of discrete actions, in nats.
    """
    if isinstance(dist, Categorical):
        return -jnp.mean(dist.log_prob(target))
    return jnp.mean(jnp.sum((dist.mode - target) ** 2, axis=-1))


def clone_policy(
    config: on_policy.Config, spec: Spec, key: Key, core: Core, demos: Transition, steps: int
) -> Core:
    """Trains the policy of an on-policy learner on the intended actions of demonstrations.

    Args:
        config: settings of the learner.
        spec: the task.
        key: random key.
        core: the learner's state; its observation moments become those of the demonstrations.
        demos: [N] steps.
        steps: gradient steps.

    Returns:
        The learner's state afterwards.
    """
    policy = on_policy.networks(config, spec).policy
    opt = optax.adam(LR)
    core = core.replace(obs_moments=ops.weighted_moments(demos.obs, demos.weight))
    draw = buffer.real_row_sampler(demos, demos.weight)

    def loss(params: Params, obs: jax.Array, target: jax.Array) -> tuple[jax.Array, Metrics]:
        return cloning_loss(policy.apply(params, obs), target), {}

    def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], None]:
        rows = draw(key, BATCH)
        obs = on_policy.standardise_obs(config, core, rows.obs)
        params, opt_state, _ = ops.gradient_step(loss, opt, *carry, obs, rows.intended_action)
        return (params, opt_state), None

    carry = core.params["policy"], opt.init(core.params["policy"])
    (params, _), _ = jax.lax.scan(step, carry, jax.random.split(key, steps))
    return core.replace(params=core.params | {"policy": params})
