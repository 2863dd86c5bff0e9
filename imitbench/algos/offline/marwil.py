"""MARWIL: clone the data's actions, weighted by the exponential of their normalised advantage.

Source: Wang et al. 2018 (NeurIPS, "Exponentially weighted imitation learning for batched historical
data"), algorithm 1; settings of RLlib's implementation. With beta = 0 it is BC by likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.rl import weighted_regression
from imitbench.core import buffer, distributions, nets, ops, policy_nets
from imitbench.core.config import require, require_share
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Params, Spec, Traits, Transition

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config:
    """Settings of MARWIL."""

    beta: float = 1.0
    """Factor on the normalised advantage in the weights; 0 is BC."""
    value: float = 1.0
    """Weight of half the mean squared advantage in the loss."""
    norm_rate: float = 1e-8
    """Rate at which the mean squared advantage, which advantages are normalised by, follows the
    minibatches'. RLlib's 1e-8 leaves it at its start."""
    norm_start: float = 100.0
    """Its value at the start."""
    max_weight: float = float("inf")
    """Bound on the weights."""
    lr: float = 1e-4
    """Adam's step size."""
    batch: int = 2000
    """Rows of a minibatch."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden ReLU layers of policy and value."""
    clip: float = 5.0
    """Normalised observations are clipped to [-clip, clip]."""
    discount: float = 0.99
    """Discount factor of the returns."""
    steps: int = 100
    """Gradient steps of one update."""

    def __post_init__(self) -> None:
        for name in ("norm_start", "max_weight", "lr", "batch", "clip", "steps"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("beta", "value", "norm_rate"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "discount")


class State(struct.PyTreeNode):
    params: dict[str, Params]  # "policy" and "value"
    opt_state: Any
    norm: ops.Normaliser
    squared: jax.Array  # [] running mean of the squared advantage


class Rows(struct.PyTreeNode):
    """Leaves [N, ...]."""

    obs: jax.Array  # normalised
    action: jax.Array
    returns: jax.Array
    weight: jax.Array


def make(config: Config, spec: Spec) -> Algorithm:
    """MARWIL on the demonstrations' actions and rewards. State: `State`."""
    policy = policy_nets.policy(spec, config.hidden, "categorical" if spec.discrete else "gaussian")
    value = nets.value(spec, config.hidden)
    opt = optax.adam(config.lr)

    def loss(
        params: dict[str, Params], rows: Rows, squared: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        dist = policy.apply(params["policy"], rows.obs)
        assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
        advantage = rows.returns - value.apply(params["value"], rows.obs)
        exponent = config.beta * jax.lax.stop_gradient(advantage) / jnp.sqrt(squared)
        weight = jnp.minimum(jnp.exp(exponent), config.max_weight)
        nll = ops.weighted_mean(-weight * dist.log_prob(rows.action), rows.weight)
        square = ops.weighted_mean(advantage**2, rows.weight)
        metrics = {"loss": nll, "weight": ops.weighted_mean(weight, rows.weight), "squared": square}
        return nll + config.value * 0.5 * square, metrics

    def returns(params: Params, demos: Transition, norm: ops.Normaliser) -> jax.Array:
        """[N] discounted; where the time limit cut an episode off, the value goes on for it."""
        steps = weighted_regression.time_major(demos, spec.horizon)
        obs, next_obs = norm(steps.obs, config.clip), norm(steps.next_obs, config.clip)
        v, after = value.apply(params, obs), value.apply(params, next_obs)
        ends = steps.terminated, steps.truncated
        adv = ops.advantages(steps.reward, v, after, *ends, config.discount, 1.0)
        return jnp.swapaxes(adv + v, 0, 1).ravel()

    def init(key: Key, demos: Transition) -> State:
        params = {
            "policy": policy.init(key),
            "value": value.init(ops.fold_in_name(key, "value")),
        }
        norm = ops.fit_normaliser(demos.obs, demos.weight)
        return State(params, opt.init(params), norm, jnp.float32(config.norm_start))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        found = returns(state.params["value"], demos, state.norm)
        pairs = Rows(state.norm(demos.obs, config.clip), demos.action, found, demos.weight)

        draw = buffer.real_row_sampler(pairs, pairs.weight)

        def step(carry: tuple[Any, Any, jax.Array], key: Key):
            params, opt_state, squared = carry
            rows = draw(key, config.batch)
            params, opt_state, metrics = ops.gradient_step(
                loss, opt, params, opt_state, rows, squared
            )
            squared = squared + config.norm_rate * (metrics["squared"] - squared)
            return (params, opt_state, squared), metrics

        carry = state.params, state.opt_state, state.squared
        carry, metrics = jax.lax.scan(step, carry, jax.random.split(key, config.steps))
        params, opt_state, squared = carry
        return State(params, opt_state, state.norm, squared), jax.tree.map(jnp.mean, metrics)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return policy.apply(state.params["policy"], state.norm(obs, config.clip)).mode

    return Algorithm(init, update, act, Cost(grad_steps=config.steps))
