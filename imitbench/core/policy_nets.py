"""Policy networks: from an observation to a distribution over actions, and trained policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core.distributions import (
    Categorical,
    Deterministic,
    Distribution,
    Gaussian,
    Squashed,
)
from imitbench.core.nets import MLP, Activation
from imitbench.core.ops import Normaliser
from imitbench.core.types import Key, Params, Spec

Head = Literal["deterministic", "gaussian", "normal", "squashed", "categorical"]


class PolicyNet(NamedTuple):
    """init(key) -> params; apply(params, obs [..., O]) -> Distribution."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, jax.Array], Distribution]


def policy(
    spec: Spec,
    hidden: Sequence[int],
    head: Head,
    *,
    log_std_range: tuple[float, float] = (-5, 2),
    activation: Activation = "relu",
    out_gain: float | None = None,
    log_std: float = 0.0,
) -> PolicyNet:
    """A policy network for the task.

    Heads: `deterministic` and `gaussian` pass the mean through tanh; `normal` leaves the mean
    unbounded and has one free log_std for all observations, `log_std` at first; `squashed` is a
    Gaussian passed through tanh; `categorical` chooses. A log_std that the network gives is
    clipped.
    """
    out = spec.action_size * (2 if head in ("gaussian", "squashed") else 1)
    net = MLP(tuple(hidden), out, activation, out_gain)

    def init(key: Key) -> Params:
        params = net.init(key, jnp.zeros((1, spec.obs_size)))
        return (
            {"net": params, "log_std": jnp.full(out, log_std, jnp.float32)}
            if head == "normal"
            else params
        )

    def apply(params: Params, obs: jax.Array) -> Distribution:
        y = net.apply(params["net"] if head == "normal" else params, obs)
        assert isinstance(y, jax.Array)
        if head == "categorical":
            return Categorical(y)
        if head == "deterministic":
            return Deterministic(jnp.tanh(y))
        if head == "normal":
            return Gaussian(y, params["log_std"])
        mode, log_std = jnp.split(y, 2, axis=-1)
        log_std = jnp.clip(log_std, *log_std_range)
        if head == "squashed":
            return Squashed(Gaussian(mode, log_std))
        return Gaussian(jnp.tanh(mode), log_std)

    return PolicyNet(init, apply)


class MLPPolicy(struct.PyTreeNode):
    """A trained deterministic policy: observation -> normaliser -> layers -> mean -> head."""

    layers: Sequence[tuple[Any, Any]]  # (kernel [in, out], bias [out]); the last gives the mean
    activation: Activation = struct.field(pytree_node=False)  # of all layers but the last
    head: Literal["tanh", "clip"] = struct.field(pytree_node=False)  # brings the mean into [-1, 1]
    mean: Any  # [O] of the observation
    std: Any  # [O]
    clip: Any  # of the normalised observation, on both sides; inf for none


def export_mlp(
    params: Params,
    norm: Normaliser,
    clip: float,
    *,
    activation: Activation,
    head: Literal["tanh", "clip"],
    actions: int | None = None,
) -> MLPPolicy:
    """An `MLP`'s parameters as a `Net`; `actions`: outputs to keep, where a head has more."""
    dense = params["params"]
    layers = [
        (dense[f"Dense_{i}"]["kernel"], dense[f"Dense_{i}"]["bias"]) for i in range(len(dense))
    ]
    kernel, bias = layers[-1]
    layers[-1] = kernel[:, :actions], bias[:actions]
    return MLPPolicy(layers, activation, head, norm.mean, norm.std, clip)
