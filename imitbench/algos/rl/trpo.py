"""TRPO: natural policy gradients with a bound on how far each step moves the policy.

Source: Schulman et al. 2015 (arXiv:1502.05477), equation 14 and appendix C.

Different from the source: the surrogate has generalised advantages in place of action values; the
value learns by minibatches, as in PPO; observations and rewards are normalised by running moments.
`max_kl`, the discount and the damping are those of openai/baselines. That code has a `kl_slack` of
1.5, a lambda of .98, 1,024 steps in an update, 32 units in a layer, and 5 passes of the value at
1e-3.

Use it when a study asks for it, such as GAIL in its original form; otherwise take PPO.

Sensitive to: `max_kl`, `envs` * `length` (steps per update), `damping`, `gae`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from imitbench.algos.common import on_policy, on_policy_loop
from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.common.on_policy import OnPolicyLearner, PolicyUpdate
from imitbench.core import distributions, nets, policy_nets
from imitbench.core.config import ADDED_LATER, require
from imitbench.core.types import Algorithm, Env, Key, Metrics, Params, Spec, Traits

TRAITS = Traits(needs_demos=False)
export = on_policy_loop.export


@dataclass(frozen=True)
class Config(on_policy.Config):
    """Settings of TRPO; `epochs`, `minibatches` and `lr` are the value's."""

    max_kl: float = 0.01
    """Bound on the mean divergence KL(old || new) of the policy in an update, in nats."""
    cg_steps: int = 10
    """Steps of conjugate gradients."""
    damping: float = 0.1
    """Multiple of the identity that is added to the Fisher matrix."""
    halvings: int = 10
    """Largest number of halvings of the step until it improves the surrogate within the bound; if
    none does, the policy stays as it is."""
    kl_slack: float = field(default=1.0, metadata=ADDED_LATER)
    """The line search accepts a divergence of up to this multiple of `max_kl`, 1 or more; 1.5 in
    OpenAI's baselines."""
    entropy: float = field(default=0.0, metadata=ADDED_LATER)
    """Weight of the policy's mean entropy (nats), which is added to the surrogate; 0 or more."""
    entropy_limit: float = field(default=0.0, metadata=ADDED_LATER)
    """If above 0, the bonus is `Gaussian.limited_entropy` with this limit, in units of the action
    (continuous actions alone); SLBO has 2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_kl", "cg_steps"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("damping", "halvings", "entropy", "entropy_limit"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require(self.kl_slack >= 1, self, "kl_slack", "1 or more")


def conjugate_gradients(
    product: Callable[[jax.Array], jax.Array], b: jax.Array, steps: int
) -> jax.Array:
    """Solves product(x) = b for x [P], approximately, from x = 0.

    Args:
        product: multiplies a vector [P] by a positive definite matrix.
        b: [P].
        steps: number of steps; P of them solve exactly, but for rounding.
    """

    def step(carry: tuple[jax.Array, ...], _: Any) -> tuple[tuple[jax.Array, ...], None]:
        x, residual, direction, square = carry
        curved = product(direction)
        # At the solution both are 0.
        rate = square / jnp.maximum(direction @ curved, 1e-30)
        x, residual = x + rate * direction, residual - rate * curved
        new_square = residual @ residual
        direction = residual + new_square / jnp.maximum(square, 1e-30) * direction
        return (x, residual, direction, new_square), None

    start = jnp.zeros_like(b), b, b, b @ b
    return jax.lax.scan(step, start, None, length=steps)[0][0]


def surrogate_and_kl(
    policy: policy_nets.PolicyNet,
    config: Config,
    old: Any,
    data: dict[str, jax.Array],
    params: Params,
) -> tuple[jax.Array, jax.Array]:
    """Objective and constraint of equation 14, with an entropy bonus.

    Args:
        policy: the policy network.
        config: `entropy`, the weight of the bonus, and `entropy_limit`.
        old: its distribution in rows [N] before the step.
        data: obs, action, log_prob under the old policy, advantage (standardised); [N, ...].
        params: of the new policy.

    Returns:
        The mean of new / old probability times advantage, plus the weighted mean entropy [], higher
        is better; the mean divergence KL(old || new) [] in nats.
    """
    dist = on_policy.distribution(policy, params, data["obs"])
    ratio = jnp.exp(dist.log_prob(data["action"]) - data["log_prob"])
    surrogate = jnp.mean(ratio * data["advantage"])
    if config.entropy:
        surrogate += config.entropy * jnp.mean(_entropy(config, dist))
    return surrogate, jnp.mean(distributions.kl_divergence(old, dist))


def _entropy(config: Config, dist: distributions.Gaussian | distributions.Categorical) -> jax.Array:
    """The entropy [N] of the bonus, the limited one where there is a limit; in nats."""
    if config.entropy_limit and isinstance(dist, distributions.Gaussian):
        return dist.limited_entropy(config.entropy_limit)
    return dist.entropy()


def line_search(
    config: Config,
    evaluate: Callable[[jax.Array], tuple[jax.Array, jax.Array]],
    start: jax.Array,
    direction: jax.Array,
    length: jax.Array,
) -> tuple[jax.Array, Metrics]:
    """The longest of the steps length * direction / 2^k that improves the surrogate within the
    bound on the divergence (appendix C).

    Args:
        config: `max_kl`, `kl_slack`, and `halvings`, the largest k.
        evaluate: parameters [P] -> surrogate [] and divergence [].
        start: parameters [P] before the step.
        direction: [P].
        length: [] of the first step tried, in units of `direction`.

    Returns:
        Parameters [P], `start` where no step is good; metrics "kl" in nats and "moved", 1 or 0.
    """
    before, bound = evaluate(start)[0], config.kl_slack * config.max_kl

    def attempt(best: tuple[jax.Array, ...], share: jax.Array):
        done, params, kl_moved = best
        candidate = start + share * length * direction
        surrogate, kl = evaluate(candidate)
        good = ~done & (surrogate > before) & (kl <= bound)
        params, kl_moved = jnp.where(good, candidate, params), jnp.where(good, kl, kl_moved)
        return (done | good, params, kl_moved), None

    shares = 0.5 ** jnp.arange(config.halvings + 1)
    nothing = jnp.bool_(False), start, jnp.float32(0.0)
    (moved, params, kl), _ = jax.lax.scan(attempt, nothing, shares)
    return params, {"kl": kl, "moved": moved.astype(jnp.float32)}


def policy_step(
    policy: policy_nets.PolicyNet, config: Config, params: Params, data: dict[str, jax.Array]
) -> tuple[Params, Metrics]:
    """The policy's step (appendix C): natural gradient, longest allowed length, line search.

    Args:
        policy: the policy network.
        config: of TRPO.
        params: of the policy.
        data: `on_policy.training_data` [N, ...].
    """
    old = policy.apply(params, data["obs"])
    start, unravel = ravel_pytree(params)
    data = data | {"advantage": on_policy_loop.standardise_advantages(data["advantage"])}

    def evaluate(flat: jax.Array) -> tuple[jax.Array, jax.Array]:
        return surrogate_and_kl(policy, config, old, data, unravel(flat))

    def fisher_product(v: jax.Array) -> jax.Array:
        curved = jax.jvp(jax.grad(lambda x: evaluate(x)[1]), (start,), (v,))[1]
        return curved + config.damping * v

    gradient = jax.grad(lambda x: evaluate(x)[0])(start)
    direction = conjugate_gradients(fisher_product, gradient, config.cg_steps)
    curvature = jnp.maximum(direction @ fisher_product(direction), 1e-30)
    length = jnp.sqrt(2.0 * config.max_kl / curvature)
    flat, metrics = line_search(config, evaluate, start, direction, length)
    return unravel(flat), metrics


def value_loss(
    value: nets.ValueNet, params: Params, rows: dict[str, jax.Array]
) -> tuple[jax.Array, Metrics]:
    """The mean squared error [] of values against returns [N]."""
    loss = jnp.mean((value.apply(params, rows["obs"]) - rows["return"]) ** 2)
    return loss, {"value_loss": loss}


def policy_update(config: Config, spec: Spec) -> PolicyUpdate:
    """One natural step of the policy, then minibatch steps of the value.

    Raises:
        UserError: the actions are discrete, and the entropy is a limited one.
    """
    if config.entropy_limit:
        reject_discrete(spec)
    networks = on_policy.networks(config, spec)
    opt = optax.adam(config.lr, eps=1e-5)
    fit_value = partial(
        on_policy_loop.minibatch_descent, config, partial(value_loss, networks.value), opt
    )

    def step(
        key: Key, params: Params, opt_state: Any, data: dict[str, jax.Array]
    ) -> tuple[Params, Any, Metrics]:
        policy, policy_metrics = policy_step(networks.policy, config, params["policy"], data)
        value, opt_state, metrics = fit_value(key, params["value"], opt_state, data)
        return {"policy": policy, "value": value}, opt_state, metrics | policy_metrics

    grad_steps = 1 + config.epochs * config.minibatches
    return PolicyUpdate(lambda params: opt.init(params["value"]), step, grad_steps)


def learner(config: Config, spec: Spec) -> OnPolicyLearner:
    """TRPO without its environment."""
    return on_policy.learner(config, spec, policy_update(config, spec))


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """TRPO on the task's reward. The state is an `on_policy_loop.State`."""
    return on_policy_loop.make(config, env, learner(config, spec))
