"""MARWIL: clone the data's actions, weighted by the exponential of their normalised advantage.

Source: Wang et al. 2018 (NeurIPS, "Exponentially weighted imitation learning for batched historical
data"), algorithm 1.

Different from the source: the mean squared advantage that normalises advantages is that of the
first minibatch, and then follows the minibatches. In RLlib it starts at 100 and moves by 1e-8, so
that for returns of other sizes the weights are all 1, or unbounded. Weights have a bound, as AWR's
do. Where the time limit ends an episode, the value stands for what follows. With beta=0 the method
is BC by likelihood.

Use it when data hold whole episodes with rewards of differing quality; it takes discrete actions
too.

Sensitive to: `beta`, `max_weight`, `lr` and `lr_decay_steps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.rl import weighted_regression
from imitbench.core import buffer, distributions, gae, nets, ops, policy_nets
from imitbench.core.config import require, require_share
from imitbench.core.streamed import map_rows
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Params, Spec, Traits, Transition

EPSILON = 1e-8  # the least mean squared advantage by which advantages are divided
TRAITS = Traits(needs_rewards=True, streams=True, version=2)


@dataclass(frozen=True)
class Config:
    """Settings of MARWIL."""

    beta: float = 1.0
    """Factor on the normalised advantage in the exponent of the weights; 0 is BC."""
    value: float = 1.0
    """Weight of half the mean squared advantage in the loss."""
    norm_rate: float = 0.01
    """Rate, in each gradient step, at which the mean squared advantage that normalises advantages
    follows the minibatches'."""
    norm_start: float = 0.0
    """That mean squared advantage at the start, in squared reward; 0 takes the first
    minibatch's."""
    max_weight: float = 20.0
    """Bound on the weights; inf for none."""
    lr: float = 1e-3
    """Adam's learning rate, above 0."""
    lr_decay_steps: int = 0
    """Gradient steps over which the learning rate falls to 0 along a cosine; 0: a constant one."""
    batch: int = 256
    """Rows in a minibatch."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of policy and value."""
    clip: float = 5.0
    """Bound on the magnitude of normalised observations, in standard deviations."""
    discount: float = 0.99
    """Discount factor of the returns, in [0, 1]."""
    steps: int = 100
    """Gradient steps in one update."""

    def __post_init__(self) -> None:
        for name in ("max_weight", "lr", "batch", "clip", "steps"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("beta", "value", "norm_rate", "norm_start", "lr_decay_steps"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "discount")


class State(struct.PyTreeNode):
    """The learner's state; the data's normaliser is fitted once."""

    params: dict[str, Params]  # "policy" and "value"
    opt_state: Any
    norm: ops.Normaliser
    squared: jax.Array  # [] running mean of the squared advantage


class Rows(struct.PyTreeNode):
    """Steps of the data with their returns; leaves [N, ...]."""

    obs: jax.Array  # normalised
    action: jax.Array
    returns: jax.Array
    weight: jax.Array


class Networks(NamedTuple):
    """Policy and value."""

    policy: policy_nets.PolicyNet  # a Gaussian, or categorical
    value: nets.ValueNet


def follow(squared: jax.Array, new: jax.Array, rate: float) -> jax.Array:
    """The running mean [] of squared advantages after a minibatch whose mean [] is `new`; that mean
    itself where the running mean is still 0."""
    return jnp.where(squared > 0, squared + rate * (new - squared), new)


def weighted_loss(
    networks: Networks, config: Config, params: dict[str, Params], rows: Rows, squared: jax.Array
) -> tuple[jax.Array, Metrics]:
    """-log pi(a | s) exp(beta A / c), as in algorithm 1, plus `value` times half the mean of A^2.

    Args:
        networks: policy and value.
        config: `beta`, `value` and `max_weight`.
        params: "policy" and "value".
        rows: of the data; A is their return minus the value, and a constant in the weights.
        squared: c^2 [], the running mean of A^2; 0 before the first minibatch, whose own mean then
            stands for it.

    Returns:
        The loss [], and metrics; "squared" is the minibatch's mean of A^2.
    """
    dist = networks.policy.apply(params["policy"], rows.obs)
    assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
    advantage = rows.returns - networks.value.apply(params["value"], rows.obs)
    square = ops.weighted_mean(advantage**2, rows.weight)
    scale = jnp.sqrt(jnp.maximum(follow(squared, jax.lax.stop_gradient(square), 0.0), EPSILON))
    exponent = config.beta * jax.lax.stop_gradient(advantage) / scale
    weight = jnp.minimum(jnp.exp(exponent), config.max_weight)
    nll = ops.weighted_mean(-weight * dist.log_prob(rows.action), rows.weight)
    metrics = {"loss": nll, "weight": ops.weighted_mean(weight, rows.weight), "squared": square}
    return nll + config.value * 0.5 * square, metrics


def rows_with_returns(
    networks: Networks,
    config: Config,
    horizon: int,
    params: Params,
    demos: Transition,
    norm: ops.Normaliser,
) -> Rows:
    """The data with discounted returns.

    Args:
        networks: the value.
        config: `clip` and `discount`.
        horizon: T.
        params: of the value, which stands for what follows where the time limit ends an episode.
        demos: rows [N] of whole episodes.
        norm: of the observations that the value gets.
    """
    steps = weighted_regression.demo_steps(demos)

    def values(obs: jax.Array) -> jax.Array:
        return networks.value.apply(params, norm(obs, config.clip))

    value, next_value = map_rows(values, steps.obs), map_rows(values, steps.next_obs)
    ends = steps.terminated, steps.truncated
    advantage = gae.row_advantages(
        steps.reward, value, next_value, *ends, config.discount, 1.0, horizon
    )
    return Rows(demos.obs, demos.action, advantage + value, demos.weight)


def make(config: Config, spec: Spec) -> Algorithm:
    """MARWIL on the demonstrations' actions and rewards. The state is a `State`."""
    head = "categorical" if spec.discrete else "gaussian"
    networks = Networks(
        policy_nets.policy(spec, config.hidden, head), nets.value(spec, config.hidden)
    )
    loss = partial(weighted_loss, networks, config)
    opt = optax.adam(ops.cosine_learning_rate(config.lr, config.lr_decay_steps))

    def init(key: Key, demos: Transition) -> State:
        params = {
            "policy": networks.policy.init(key),
            "value": networks.value.init(ops.fold_in_name(key, "value")),
        }
        norm = ops.fit_normaliser(demos.obs, demos.weight)
        return State(params, opt.init(params), norm, jnp.float32(config.norm_start))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        value = state.params["value"]
        data = rows_with_returns(networks, config, spec.horizon, value, demos, state.norm)
        draw = buffer.real_row_sampler(data, data.weight)

        def step(carry: tuple[Any, Any, jax.Array], key: Key):
            params, opt_state, squared = carry
            rows = draw(key, config.batch)
            rows = rows.replace(obs=state.norm(rows.obs, config.clip))
            params, opt_state, metrics = ops.gradient_step(
                loss, opt, params, opt_state, rows, squared
            )
            squared = follow(squared, metrics["squared"], config.norm_rate)
            return (params, opt_state, squared), metrics

        carry = state.params, state.opt_state, state.squared
        carry, metrics = jax.lax.scan(step, carry, jax.random.split(key, config.steps))
        params, opt_state, squared = carry
        return State(params, opt_state, state.norm, squared), jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return networks.policy.apply(state.params["policy"], state.norm(obs, config.clip)).mode

    return Algorithm(init, update, act, Cost(grad_steps=config.steps))
