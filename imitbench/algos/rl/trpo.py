"""TRPO: natural policy gradients with a bound on how far the policy moves.

Source: Schulman et al. 2015 (arXiv:1502.05477), appendix C: conjugate gradients for the direction,
then a line search on the surrogate and the divergence. Settings of openai/baselines. The value
learns by minibatches, as in PPO.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from imitbench.algos.rl import on_policy
from imitbench.algos.rl.on_policy import OnPolicyLearner, PolicyUpdate
from imitbench.core import distributions, ops, policy_nets
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Env, Key, Metrics, Params, Spec, Traits

TRAITS = Traits(needs_demos=False)
export = on_policy.export


@dataclass(frozen=True)
class Config(on_policy.Config):
    """Settings of TRPO; `epochs`, `minibatches` and `lr` are the value's."""

    max_kl: float = 0.01
    """Bound on the mean divergence of the new policy from the old one, in nats."""
    cg_steps: int = 10
    """Steps of conjugate gradients."""
    damping: float = 0.1
    """Multiple of the identity that is added to the Fisher matrix."""
    halvings: int = 10
    """Times that the step is halved, at most, until it improves the surrogate within the bound;
    after that the policy stays."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_kl", "cg_steps"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("damping", "halvings"):
            require(getattr(self, name) >= 0, self, name, "0 or more")


def solve(product: Callable[[jax.Array], jax.Array], b: jax.Array, steps: int) -> jax.Array:
    """x with product(x) = b, about, by so many conjugate gradients from 0; `product` multiplies by
    a positive definite matrix."""

    def step(carry: tuple[jax.Array, ...], _: Any) -> tuple[tuple[jax.Array, ...], None]:
        x, residual, direction, size = carry
        along = product(direction)
        # At the solution both are 0.
        rate = size / jnp.maximum(direction @ along, 1e-30)
        x, residual = x + rate * direction, residual - rate * along
        new = residual @ residual
        direction = residual + new / jnp.maximum(size, 1e-30) * direction
        return (x, residual, direction, new), None

    start = jnp.zeros_like(b), b, b, b @ b
    return jax.lax.scan(step, start, None, length=steps)[0][0]


def natural(config: Config, policy: policy_nets.PolicyNet) -> Callable[..., tuple[Params, Metrics]]:
    """(params, data) -> (params, metrics): the policy's step on data [N, ...]."""

    def step(params: Params, data: dict[str, jax.Array]) -> tuple[Params, Metrics]:
        old = policy.apply(params, data["obs"])
        flat, unravel = ravel_pytree(params)
        adv = on_policy.standardise(data["advantage"])

        def judged(x: jax.Array) -> tuple[jax.Array, jax.Array]:
            """Surrogate and divergence of the old policy from the new one."""
            dist = policy.apply(unravel(x), data["obs"])
            assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
            gain = jnp.mean(jnp.exp(dist.log_prob(data["action"]) - data["log_prob"]) * adv)
            return gain, jnp.mean(distributions.kl_divergence(old, dist))

        def product(v: jax.Array) -> jax.Array:
            curved = jax.jvp(jax.grad(lambda x: judged(x)[1]), (flat,), (v,))[1]
            return curved + config.damping * v

        slope = jax.grad(lambda x: judged(x)[0])(flat)
        way = solve(product, slope, config.cg_steps)
        longest = jnp.sqrt(2.0 * config.max_kl / jnp.maximum(way @ product(way), 1e-30))
        before = judged(flat)[0]

        def attempt(found: tuple[jax.Array, ...], share: jax.Array):
            done, best, moved = found
            x = flat + share * longest * way
            gain, kl = judged(x)
            good = ~done & (gain > before) & (kl <= config.max_kl)
            kept = jnp.where(good, x, best), jnp.where(good, kl, moved)
            return (done | good, *kept), None

        shares = 0.5 ** jnp.arange(config.halvings + 1)
        (done, best, kl), _ = jax.lax.scan(
            attempt, (jnp.bool_(False), flat, jnp.float32(0.0)), shares
        )
        return unravel(best), {"kl": kl, "moved": done.astype(jnp.float32)}

    return step


def improve(config: Config, spec: Spec) -> PolicyUpdate:
    policy, critic = on_policy.networks(config, spec)
    opt = optax.adam(config.lr, eps=1e-5)
    move = natural(config, policy)

    def value_loss(params: Params, rows: dict[str, jax.Array]) -> tuple[jax.Array, Metrics]:
        loss = jnp.mean((critic.apply(params, rows["obs"]) - rows["return"]) ** 2)
        return loss, {"value_loss": loss}

    def step(
        key: Key, params: Params, opt_state: Any, data: dict[str, jax.Array]
    ) -> tuple[Params, Any, Metrics]:
        new, told = move(params["policy"], data)

        def minibatch(carry: tuple[Params, Any], index: jax.Array):
            rows = jax.tree.map(lambda x: x[index], data)
            value, opt_state, metrics = ops.gradient_step(value_loss, opt, *carry, rows)
            return (value, opt_state), metrics

        index = on_policy.minibatches(config, key, data["advantage"].size)
        (value, opt_state), metrics = jax.lax.scan(minibatch, (params["value"], opt_state), index)
        metrics = jax.tree.map(jnp.mean, metrics)
        return {"policy": new, "value": value}, opt_state, metrics | told

    # The policy takes one.
    grad_steps = 1 + config.epochs * config.minibatches
    return PolicyUpdate(lambda params: opt.init(params["value"]), step, grad_steps)


def learner(config: Config, spec: Spec) -> OnPolicyLearner:
    return on_policy.learner(config, spec, improve(config, spec))


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """TRPO on the task's own reward. State: `_onpolicy.State`."""
    return on_policy.make(config, env, learner(config, spec))
