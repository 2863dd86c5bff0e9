"""Small pure pieces of the update rules: masked means, normalisation, gradient steps, key
streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.core.types import Key, Metrics, Params


def fold_in_name(key: Key, name: str) -> Key:
    """A named stream folded out of one key, so that no two uses share numbers."""
    number = 0
    for byte in name.encode():
        number = (number * 257 + byte) % (2**31 - 1)
    return jax.random.fold_in(key, number)


def weighted_mean(x: jax.Array, weight: jax.Array) -> jax.Array:
    """Mean of `x` [N] over the rows with weight > 0, each counted by its weight; 0 where there
    are none.

    Rows of weight 0 are selected away, not multiplied: a NaN there does not survive.
    """
    total = jnp.sum(jnp.where(weight > 0, x * weight, 0.0))
    return total / jnp.maximum(jnp.sum(weight), 1e-8)


class Normaliser(struct.PyTreeNode):
    """Standardises the last axis; never updated after it was fitted."""

    mean: jax.Array  # [O]
    std: jax.Array  # [O]

    def __call__(self, x: jax.Array, clip: float) -> jax.Array:
        """(x - mean) / std, clipped to [-clip, clip]. Any leading axes."""
        return jnp.clip((x - self.mean) / self.std, -clip, clip)


def fit_normaliser(x: jax.Array, weight: jax.Array, floor: float = 0.01) -> Normaliser:
    """Mean and standard deviation of `x` [N, O] over rows weighted by `weight` [N].

    `floor` bounds the standard deviation from below, so that a dimension that hardly moves in the
    data (a closed gripper) does not explode away from it.
    """
    w = weight[:, None]
    total = jnp.maximum(jnp.sum(weight), 1e-8)
    mu = jnp.sum(jnp.where(w > 0, x * w, 0.0), axis=0) / total
    var = jnp.sum(jnp.where(w > 0, w * (x - mu) ** 2, 0.0), axis=0) / total
    return Normaliser(mu, jnp.maximum(jnp.sqrt(var), floor))


class Moments(struct.PyTreeNode):
    """Mean and variance of all rows seen so far."""

    count: jax.Array  # []
    mean: jax.Array  # [O]
    var: jax.Array  # [O]

    def add(self, x: jax.Array) -> Moments:
        """With the rows of `x` [N, O] (Chan et al. 1979's merging of two samples)."""
        n = jnp.float32(x.shape[0])
        total = self.count + n
        delta = jnp.mean(x, axis=0) - self.mean
        spread = self.var * self.count + jnp.var(x, axis=0) * n
        var = (spread + delta**2 * self.count * n / total) / total
        return Moments(total, self.mean + delta * n / total, var)

    def normaliser(self, floor: float = 1e-4) -> Normaliser:
        """Standardises by them; `floor` bounds the standard deviation from below."""
        return Normaliser(self.mean, jnp.maximum(jnp.sqrt(self.var), floor))


def empty_moments(size: int) -> Moments:
    """Of nothing yet: mean 0, variance 1."""
    return Moments(jnp.float32(0.0), jnp.zeros(size), jnp.ones(size))


def weighted_moments(x: jax.Array, weight: jax.Array) -> Moments:
    """Of the rows of `x` [N, O] weighted by `weight` [N], with `fit_normaliser`'s floor."""
    norm = fit_normaliser(x, weight)
    return Moments(jnp.sum(weight), norm.mean, norm.std**2)


def advantages(
    reward: jax.Array,
    value: jax.Array,
    next_value: jax.Array,
    terminated: jax.Array,
    truncated: jax.Array,
    discount: float,
    lam: float,
) -> jax.Array:
    """Generalised advantage estimates [T, B] (Schulman et al. 2016, arXiv:1506.02438, equation 16);
    all arguments [T, B]. Plus the values they are the TD(lambda) returns.

    `next_value` is that of the true successor: a time limit bootstraps, a termination does not, and
    neither lets anything through from the episode after it.
    """
    delta = reward + discount * jnp.where(terminated, 0.0, next_value) - value
    carry_on = discount * lam * (1.0 - (terminated | truncated))

    def back(after: jax.Array, x: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        here = x[0] + x[1] * after
        return here, here

    return jax.lax.scan(back, jnp.zeros_like(delta[0]), (delta, carry_on), reverse=True)[1]


def polyak(target: Params, params: Params, rate: float) -> Params:
    """target + rate (params - target)."""
    return jax.tree.map(lambda t, p: t + rate * (p - t), target, params)


def gradient_step(
    loss: Callable[..., tuple[jax.Array, Metrics]],
    opt: optax.GradientTransformation,
    params: Params,
    opt_state: Any,
    *args: Any,
) -> tuple[Params, Any, Metrics]:
    """One step down `loss(params, *args) -> (scalar, metrics)`."""
    grads, metrics = jax.grad(loss, has_aux=True)(params, *args)
    updates, opt_state = opt.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, metrics


class Optimiser:
    """Several sets of parameters by name, moved one after the other, each by its own optimiser.

    `params`, `opt_state` and `metrics` are new dicts that hold what the last steps left.
    """

    def __init__(
        self,
        opts: Mapping[str, optax.GradientTransformation],
        params: Mapping[str, Params],
        opt_state: Mapping[str, Any],
    ):
        self._opts = opts
        self.params, self.opt_state = dict(params), dict(opt_state)
        self.metrics: Metrics = {}

    def step(self, name: str, loss: Callable[..., tuple[jax.Array, Metrics]], *args: Any) -> None:
        """One step of `params[name]` down `loss(params[name], *args)`."""
        self.params[name], self.opt_state[name], more = gradient_step(
            loss, self._opts[name], self.params[name], self.opt_state[name], *args
        )
        self.metrics |= more


def all_finite(tree: Any) -> jax.Array:
    """Whether every floating-point number in the tree is finite: a scalar bool."""
    leaves = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(jnp.result_type(x), jnp.floating)]
    checks = [jnp.all(jnp.isfinite(x)) for x in leaves]
    return jnp.all(jnp.stack(checks)) if checks else jnp.bool_(True)
