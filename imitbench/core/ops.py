"""Small pure functions for update rules: masked means, normalisation, gradient steps, named random
keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.core.streamed import weighted_sum
from imitbench.core.types import Key, Metrics, Params


def fold_in_name(key: Key, name: str) -> Key:
    """Derives a random key from a key and a name, so that no two uses share numbers.

    Args:
        key: random key.
        name: the purpose; another name gives other random numbers.
    """
    number = 0
    for byte in name.encode():
        number = (number * 257 + byte) % (2**31 - 1)
    return jax.random.fold_in(key, number)


def weighted_mean(x: jax.Array, weight: jax.Array) -> jax.Array:
    """Computes a weighted mean over the rows of positive weight.

    Rows of weight 0 are masked out rather than multiplied, so that a NaN there has no effect.

    Args:
        x: [N].
        weight: [N], none negative.

    Returns:
        [] the mean; 0 where no weight is positive.
    """
    total = jnp.sum(jnp.where(weight > 0, x * weight, 0.0))
    return total / jnp.maximum(jnp.sum(weight), 1e-8)


class Normaliser(struct.PyTreeNode):
    """Standardises observations; it is fitted once and never updated."""

    mean: jax.Array  # [O]
    std: jax.Array  # [O]

    def __call__(self, x: jax.Array, clip: float) -> jax.Array:
        """Standardises observations.

        Args:
            x: [..., O].
            clip: bound on the result, on both sides, in standard deviations.

        Returns:
            [..., O]: (x - mean) / std, clipped to [-clip, clip].
        """
        return jnp.clip((x - self.mean) / self.std, -clip, clip)


def fit_normaliser(x: Any, weight: jax.Array, floor: float = 0.01) -> Normaliser:
    """Fits a normaliser to weighted rows.

    Args:
        x: [N, O], an array or streamed rows.
        weight: [N], none negative; rows of weight 0 may hold NaN.
        floor: lower bound of the standard deviation. It keeps a component that hardly varies in
            the data (a closed gripper) from becoming huge where it does vary.

    Returns:
        The normaliser with the rows' weighted mean and standard deviation.
    """
    total = jnp.maximum(jnp.sum(weight), 1e-8)
    mean = weighted_sum(lambda x: x, x, weight) / total
    var = weighted_sum(lambda x: (x - mean) ** 2, x, weight) / total
    return Normaliser(mean, jnp.maximum(jnp.sqrt(var), floor))


class Moments(struct.PyTreeNode):
    """Running mean and variance of all rows so far."""

    count: jax.Array  # [] rows so far
    mean: jax.Array  # [O]
    var: jax.Array  # [O]

    def add(self, x: jax.Array) -> Moments:
        """Returns the moments of these and of further rows.

        Source: the pairwise update of Chan, Golub and LeVeque (1979), "Updating formulae and a
        pairwise algorithm for computing sample variances".

        Args:
            x: [N, O] the further rows.
        """
        return self.merge(Moments(jnp.float32(x.shape[0]), jnp.mean(x, axis=0), jnp.var(x, axis=0)))

    def merge(self, other: Moments) -> Moments:
        """Returns the moments of these rows and of other rows; `count` may be a sum of weights."""
        n = other.count
        total = self.count + n
        delta = other.mean - self.mean
        squares = self.var * self.count + other.var * n
        var = (squares + delta**2 * self.count * n / total) / total
        return Moments(total, self.mean + delta * n / total, var)

    def normaliser(self, floor: float = 1e-4) -> Normaliser:
        """Returns the normaliser of these moments; `floor` bounds the standard deviation below."""
        return Normaliser(self.mean, jnp.maximum(jnp.sqrt(self.var), floor))


def empty_moments(size: int) -> Moments:
    """Returns the moments of `size` components before any row: mean 0, variance 1, count 0."""
    return Moments(jnp.float32(0.0), jnp.zeros(size), jnp.ones(size))


def weighted_moments(x: jax.Array, weight: jax.Array) -> Moments:
    """Computes the moments of weighted rows, with `fit_normaliser`'s floor.

    Args:
        x: [N, O].
        weight: [N], none negative; rows of weight 0 may hold NaN.

    Returns:
        Moments whose count is the sum of the weights.
    """
    norm = fit_normaliser(x, weight)
    return Moments(jnp.sum(weight), norm.mean, norm.std**2)


def cosine_learning_rate(lr: float, decay_steps: int) -> Any:
    """The learning rate of an optimiser: it falls from `lr` to 0 along a cosine in so many gradient
    steps, or stays constant for 0."""
    return optax.cosine_decay_schedule(lr, decay_steps) if decay_steps else lr


def polyak(target: Params, params: Params, rate: float | jax.Array) -> Params:
    """Moves target parameters towards parameters: target + rate (params - target).

    Args:
        target: pytree of arrays.
        params: pytree of the same structure and shapes.
        rate: in [0, 1]; 1 copies `params`.
    """
    return jax.tree.map(lambda t, p: t + rate * (p - t), target, params)


def gradient_step(
    loss: Callable[..., tuple[jax.Array, Metrics]],
    opt: optax.GradientTransformation,
    params: Params,
    opt_state: Any,
    *args: Any,
) -> tuple[Params, Any, Metrics]:
    """Takes one gradient step that lowers a loss.

    Args:
        loss: (params, *args) -> (scalar loss, metrics).
        opt: the optimiser.
        params: the parameters to move.
        opt_state: the optimiser's state for `params`.
        args: further arguments of `loss`.

    Returns:
        The new parameters, the new state of the optimiser, and the metrics before the step.
    """
    grads, metrics = jax.grad(loss, has_aux=True)(params, *args)
    updates, opt_state = opt.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, metrics


class Optimiser:
    """Several named sets of parameters, each with its own optimiser, for steps one after the other.

    `params`, `opt_state` and `metrics` hold the values after the last step; the dicts that the
    constructor gets do not change.
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
        """Takes one gradient step on one set of parameters, and adds the loss's metrics.

        Args:
            name: the set.
            loss: (params, *args) -> (scalar loss, metrics).
            args: further arguments of `loss`.
        """
        self.params[name], self.opt_state[name], metrics = gradient_step(
            loss, self._opts[name], self.params[name], self.opt_state[name], *args
        )
        self.metrics |= metrics


def all_finite(tree: Any) -> jax.Array:
    """Returns whether every floating-point number in a pytree is finite.

    Args:
        tree: any pytree of arrays; integers and keys do not count.

    Returns:
        [] bool; True for a pytree without floating-point numbers.
    """
    leaves = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(jnp.result_type(x), jnp.floating)]
    checks = [jnp.all(jnp.isfinite(x)) for x in leaves]
    return jnp.all(jnp.stack(checks)) if checks else jnp.bool_(True)
