"""The learner of AWR and RWR: a regression of the value, then a weighted one of the policy.

Source: Peng et al. 2019 (arXiv:1910.00177), algorithm 1. Default settings are those of the official
code, where advantages are standardised and the temperature is 1; the paper's are standardise=False
with temperature=0.05.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.rl import weighted_regression
from imitbench.algos.rl.weighted_regression import Networks, Normalise, Steps, unchanged
from imitbench.core import buffer, nets, ops
from imitbench.core.config import ADDED_LATER, require, require_share
from imitbench.core.types import Key, Metrics, Params, Spec

CLIP = 10.0  # bound on the magnitude of normalised observations


@dataclass(frozen=True)
class UpdateConfig:
    """Settings of the two regressions."""

    hidden: tuple[int, ...] = (128, 64)
    """Widths of the hidden ReLU layers of policy and value."""
    policy_lr: float = 5e-5
    """Learning rate of the policy's gradient descent with momentum 0.9, above 0."""
    lr_decay_steps: int = field(default=0, metadata=ADDED_LATER)
    """Gradient steps over which the policy's learning rate falls to 0, as half a cosine; 0: it is
    constant."""
    policy_steps: int = 1000
    """Gradient steps of the policy in an update."""
    value_lr: float = 0.01
    """Learning rate of the value's gradient descent with momentum 0.9, above 0. The network learns
    values times 1 - discount."""
    value_steps: int = 200
    """Gradient steps of the value in an update, before the policy's."""
    batch: int = 256
    """Rows in a minibatch."""
    discount: float = 0.99
    """Discount factor, in [0, 1)."""
    td_lambda: float = 0.95
    """Lambda of the TD(lambda) returns, in [0, 1]; 1 takes the observed returns."""
    baseline: bool = True
    """Weight actions by the return minus the value; False: by the return, as RWR does."""
    standardise: bool = True
    """Standardise advantages over all rows before they become weights."""
    temperature: float = 1.0
    """Divisor of the advantage in the exponent of the weights (beta in the paper), above 0."""
    max_weight: float = 20.0
    """Bound on the weights; inf for none."""
    std: float = 0.4
    """The policy's fixed standard deviation, where actions lie in [-1, 1]."""
    bound: float = 10.0
    """Weight of half the squared distance of the policy's mean from [-1, 1]."""

    def __post_init__(self) -> None:
        for name in ("policy_lr", "value_lr", "temperature", "max_weight", "std"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("policy_steps", "value_steps", "batch"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.lr_decay_steps >= 0, self, "lr_decay_steps", "0 or more")
        require(self.bound >= 0, self, "bound", "0 or more")
        require(self.discount >= 0, self, "discount", "a number in [0, 1)")
        require(self.discount < 1, self, "discount", "a number in [0, 1)")
        require_share(self, "td_lambda")


class Core(struct.PyTreeNode):
    """The learner's state: `params` and `opt_state` hold "policy" and "value"."""

    params: dict[str, Params]
    opt_state: dict[str, Any]


class RegressionLearner(NamedTuple):
    """A method without the source of its steps; it gets normalised observations.

    init(key) -> Core. fit(key, core, steps: Steps, order=None, normalise=unchanged) -> (core,
    metrics): both regressions; `order` is that of `buffer.real_row_sampler`, and `normalise` makes
    the networks' input of the steps' observations.
    explore(key, core, obs [..., O]) -> action [..., A] while collecting; act(key, core, obs) ->
    action when evaluated.
    """

    init: Callable[[Key], Core]
    fit: Callable[..., tuple[Core, Metrics]]
    explore: Callable[[Key, Core, jax.Array], jax.Array]
    act: Callable[[Key, Core, jax.Array], jax.Array]
    grad_steps: int  # in one call of `fit`


def regress(
    loss: Callable[[Params, Any], tuple[jax.Array, Metrics]],
    opt: optax.GradientTransformation,
    draw: Callable[[Key], Any],
    keys: Key,
    params: Params,
    opt_state: Any,
) -> tuple[Params, Any, Metrics]:
    """One gradient step on a minibatch drawn by each of the keys.

    Returns:
        Parameters and optimiser state after the steps; metrics averaged over them.
    """

    def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
        params, opt_state, metrics = ops.gradient_step(loss, opt, *carry, draw(key))
        return (params, opt_state), metrics

    (params, opt_state), metrics = jax.lax.scan(step, (params, opt_state), keys)
    return params, opt_state, jax.tree.map(jnp.mean, metrics)


def row_sampler(
    config: UpdateConfig,
    steps: Steps,
    order: jax.Array | None,
    normalise: Normalise,
    **columns: jax.Array,
) -> Callable[[Key], Any]:
    """Draws minibatches from the real steps among columns [T, B, ...] or [N, ...]."""
    rows: dict[str, Any] = columns
    if steps.weight.ndim == 2:
        rows = {k: x.reshape(-1, *x.shape[2:]) for k, x in columns.items()}
    sample = buffer.real_row_sampler(rows, steps.weight.ravel(), order)

    def draw(key: Key) -> Any:
        drawn = sample(key, config.batch)
        return drawn | {"obs": normalise(drawn["obs"])}

    return draw


def learner(config: UpdateConfig, spec: Spec) -> RegressionLearner:
    """AWR, or RWR by its settings, without the source of its steps."""
    networks = Networks(
        nets.function(spec.obs_size, config.hidden, spec.action_size, 0.01),
        nets.value(spec, config.hidden),
    )
    lr = ops.cosine_learning_rate(config.policy_lr, config.lr_decay_steps)
    policy_opt = optax.sgd(lr, momentum=0.9)
    value_opt = optax.sgd(config.value_lr, momentum=0.9)
    policy_loss = partial(weighted_regression.policy_loss, networks, config.std, config.bound)
    value_loss = partial(weighted_regression.value_loss, networks, config.discount)
    returns = partial(
        weighted_regression.td_lambda_returns,
        networks,
        config.discount,
        config.td_lambda,
        spec.horizon,
    )
    weigh = partial(
        weighted_regression.advantage_weights,
        standardise=config.standardise,
        temperature=config.temperature,
        max_weight=config.max_weight,
    )

    def init(key: Key) -> Core:
        k_policy, k_value = jax.random.split(key)
        policy, value = networks.policy.init(k_policy), networks.value.init(k_value)
        opt_state = {"policy": policy_opt.init(policy), "value": value_opt.init(value)}
        return Core({"policy": policy, "value": value}, opt_state)

    def fit(
        key: Key,
        core: Core,
        steps: Steps,
        order: jax.Array | None = None,
        normalise: Normalise = unchanged,
    ) -> tuple[Core, Metrics]:
        k_value, k_policy = jax.random.split(key)
        params, opt_state = core.params, core.opt_state
        target, _ = returns(params["value"], steps, normalise)
        columns = {"obs": steps.obs, "return": target}
        draw = row_sampler(config, steps, order, normalise, **columns)
        keys = jax.random.split(k_value, config.value_steps)
        value, value_state, metrics = regress(
            value_loss, value_opt, draw, keys, params["value"], opt_state["value"]
        )
        target, baseline = returns(value, steps, normalise)
        advantage = target - baseline if config.baseline else target
        weight, weight_metrics = weigh(advantage.ravel(), steps.weight.ravel())
        weight = weight.reshape(advantage.shape)
        columns = {"obs": steps.obs, "action": steps.action, "weight": weight}
        draw = row_sampler(config, steps, order, normalise, **columns)
        keys = jax.random.split(k_policy, config.policy_steps)
        policy, policy_state, policy_metrics = regress(
            policy_loss, policy_opt, draw, keys, params["policy"], opt_state["policy"]
        )
        core = Core(
            {"policy": policy, "value": value}, {"policy": policy_state, "value": value_state}
        )
        return core, metrics | weight_metrics | policy_metrics

    def explore(key: Key, core: Core, obs: jax.Array) -> jax.Array:
        dist = weighted_regression.action_distribution(
            networks, config.std, core.params["policy"], obs
        )
        return dist.sample(key)

    def act(key: Key, core: Core, obs: jax.Array) -> jax.Array:
        return jnp.clip(networks.policy.apply(core.params["policy"], obs), -1.0, 1.0)

    grad_steps = config.value_steps + config.policy_steps
    return RegressionLearner(init, fit, explore, act, grad_steps)
