"""What AWR and its relatives share: two regressions on steps in the order of time.

Source: Peng et al. 2019 (arXiv:1910.00177), algorithm 1; settings of the official code, in which
advantages are standardised and the temperature is 1. The paper's own are standardise=False with
temperature=0.05.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.core import buffer, distributions, nets, ops
from imitbench.core.config import require, require_share
from imitbench.core.types import Key, Metrics, Params, Spec, Transition

CLIP = 10.0  # of normalised observations, on both sides


@dataclass(frozen=True)
class UpdateConfig:
    """Settings of AWR's two regressions."""

    hidden: tuple[int, ...] = (128, 64)
    """Widths of the hidden ReLU layers of policy and value."""
    policy_lr: float = 5e-5
    """Step size of the policy's gradient descent with momentum 0.9."""
    policy_steps: int = 1000
    """Gradient steps of the policy in an update."""
    value_lr: float = 0.01
    """Step size of the value's; it learns values times 1 - discount."""
    value_steps: int = 200
    """Gradient steps of the value in an update, before the policy's."""
    batch: int = 256
    """Rows of a minibatch."""
    discount: float = 0.99
    """Discount factor, below 1."""
    td_lambda: float = 0.95
    """Lambda of the TD(lambda) returns; 1: the return that was seen."""
    baseline: bool = True
    """Weight by the return minus the value; else by the return, as RWR does."""
    standardise: bool = True
    """Subtract the mean over all rows and divide by their standard deviation before weighting."""
    temperature: float = 1.0
    """The exponent is the advantage divided by this (beta)."""
    max_weight: float = 20.0
    """Bound on the weights; inf for none."""
    std: float = 0.4
    """The policy's fixed standard deviation, in units in which actions lie in [-1, 1]."""
    bound: float = 10.0
    """Weight of half the squared amount by which the policy's mean is outside of [-1, 1]."""

    def __post_init__(self) -> None:
        for name in ("policy_lr", "value_lr", "temperature", "max_weight", "std"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("policy_steps", "value_steps", "batch"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.bound >= 0, self, "bound", "0 or more")
        require(self.discount >= 0, self, "discount", "a number in [0, 1)")
        require(self.discount < 1, self, "discount", "a number in [0, 1)")
        require_share(self, "td_lambda")


class Steps(struct.PyTreeNode):
    """Steps in the order of time; leaves [T, B]."""

    obs: jax.Array  # [T, B, O]
    action: jax.Array  # [T, B, A] as the policy gave it, before it was clipped
    reward: jax.Array
    next_obs: jax.Array  # [T, B, O]
    terminated: jax.Array
    truncated: jax.Array
    weight: jax.Array  # 0 where there is no step


def time_major(demos: Transition, horizon: int) -> Steps:
    """Rows [K * T] of whole episodes as steps [T, K]; without rewards where there is no step."""
    names = ("obs", "action", "reward", "next_obs", "terminated", "truncated", "weight")
    rows = {name: getattr(demos, name) for name in names}
    steps = Steps(**buffer.time_major(rows, horizon))
    return steps.replace(reward=jnp.where(steps.weight > 0, steps.reward, 0.0))


class Core(struct.PyTreeNode):
    """`params` are "policy" and "value"; each has its momentum in `opt_state`."""

    params: dict[str, Params]
    opt_state: dict[str, Any]


class RegressionLearner(NamedTuple):
    """AWR apart from where its steps come from; observations come normalised.

    init(key) -> Core; fit(key, core, steps: Steps) -> (core, metrics), both regressions;
    explore(key, core, obs), act(key, core, obs) -> action.
    """

    init: Callable[[Key], Core]
    fit: Callable[[Key, Core, Steps], tuple[Core, Metrics]]
    explore: Callable[[Key, Core, jax.Array], jax.Array]
    act: Callable[[Key, Core, jax.Array], jax.Array]


def gradient_steps(config: UpdateConfig) -> int:
    """Of an update, both regressions."""
    return config.policy_steps + config.value_steps


def weights(
    config: UpdateConfig, advantage: jax.Array, weight: jax.Array
) -> tuple[jax.Array, Metrics]:
    """exp(advantage / temperature), bounded; `weight` marks the rows that count for the mean."""
    if config.standardise:
        mean = ops.weighted_mean(advantage, weight)
        std = jnp.sqrt(ops.weighted_mean((advantage - mean) ** 2, weight))
        advantage = (advantage - mean) / (std + 1e-5)
    found = jnp.minimum(jnp.exp(advantage / config.temperature), config.max_weight)
    clipped = (found >= config.max_weight).astype(jnp.float32)
    return found, {
        "weight": ops.weighted_mean(found, weight),
        "clipped": ops.weighted_mean(clipped, weight),
    }


def learner(config: UpdateConfig, spec: Spec) -> RegressionLearner:
    policy = nets.function(spec.obs_size, config.hidden, spec.action_size, 0.01)
    critic = nets.value(spec, config.hidden)
    opts = {
        "policy": optax.sgd(config.policy_lr, momentum=0.9),
        "value": optax.sgd(config.value_lr, momentum=0.9),
    }
    scale = 1.0 - config.discount  # of what the value network learns

    def dist(params: Params, obs: jax.Array) -> distributions.Gaussian:
        return distributions.Gaussian(policy.apply(params, obs), jnp.log(jnp.full(1, config.std)))

    def value(params: Params, obs: jax.Array) -> jax.Array:
        return critic.apply(params, obs) / scale

    def policy_loss(params: Params, rows: dict[str, jax.Array]) -> tuple[jax.Array, Metrics]:
        found = dist(params, rows["obs"])
        outside = found.mode - jnp.clip(found.mode, -1.0, 1.0)
        bound = 0.5 * jnp.mean(jnp.sum(outside**2, axis=-1))
        fit = -jnp.mean(rows["weight"] * found.log_prob(rows["action"]))
        return fit + config.bound * bound, {"policy_loss": fit, "bound_loss": bound}

    def value_loss(params: Params, rows: dict[str, jax.Array]) -> tuple[jax.Array, Metrics]:
        loss = 0.5 * jnp.mean((critic.apply(params, rows["obs"]) - scale * rows["return"]) ** 2)
        return loss, {"value_loss": loss}

    def init(key: Key) -> Core:
        k_policy, k_value = jax.random.split(key)
        params = {"policy": policy.init(k_policy), "value": critic.init(k_value)}
        return Core(params, {k: opts[k].init(v) for k, v in params.items()})

    def fit(key: Key, core: Core, steps: Steps) -> tuple[Core, Metrics]:
        k_value, k_policy = jax.random.split(key)
        params, opt_state, metrics = dict(core.params), dict(core.opt_state), {}
        alive = steps.weight.ravel()

        def returns() -> tuple[jax.Array, jax.Array]:
            """TD(lambda) returns and values by the present value network; [T, B]."""
            v = value(params["value"], steps.obs)
            after = value(params["value"], steps.next_obs)
            adv = ops.advantages(
                steps.reward,
                v,
                after,
                steps.terminated,
                steps.truncated,
                config.discount,
                config.td_lambda,
            )
            return adv + v, v

        def regress(name: str, loss: Any, key: Key, count: int, **columns: jax.Array) -> None:
            columns = {k: x.reshape(alive.size, *x.shape[2:]) for k, x in columns.items()}

            draw = buffer.real_row_sampler(columns, alive)

            def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
                rows = draw(key, config.batch)
                params, opt_state, more = ops.gradient_step(loss, opts[name], *carry, rows)
                return (params, opt_state), more

            (params[name], opt_state[name]), more = jax.lax.scan(
                step, (params[name], opt_state[name]), jax.random.split(key, count)
            )
            metrics.update(jax.tree.map(jnp.mean, more))

        target, _ = returns()
        regress(
            "value", value_loss, k_value, config.value_steps, **{"obs": steps.obs, "return": target}
        )
        target, v = returns()
        gain = target - v if config.baseline else target
        weight, more = weights(config, gain.ravel(), alive)
        metrics.update(more)
        columns = {"obs": steps.obs, "action": steps.action, "weight": weight.reshape(gain.shape)}
        regress("policy", policy_loss, k_policy, config.policy_steps, **columns)
        return Core(params, opt_state), metrics

    def explore(key: Key, core: Core, obs: jax.Array) -> jax.Array:
        return dist(core.params["policy"], obs).sample(key)

    def act(key: Key, core: Core, obs: jax.Array) -> jax.Array:
        return jnp.clip(policy.apply(core.params["policy"], obs), -1.0, 1.0)

    return RegressionLearner(init, fit, explore, act)
