"""Policy networks: from observations to distributions over actions, and trained policies."""

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
from imitbench.core.nets import MLP, Activation, Start
from imitbench.core.observations.encoders import Encoder
from imitbench.core.ops import Normaliser, fold_in_name
from imitbench.core.types import Key, Params, Spec

Head = Literal["deterministic", "gaussian", "shared", "normal", "squashed", "categorical"]
"""How the network's output becomes a distribution over actions.

- `deterministic`: tanh of the output, in [-1, 1].
- `gaussian`: mean tanh(output) and a log_std for each observation.
- `shared`: mean tanh(output), and one free log_std for all observations.
- `normal`: an unbounded mean, and one free log_std for all observations.
- `squashed`: tanh of a Gaussian whose mean and log_std depend on the observation.
- `categorical`: one of A choices.
"""

LogStdBound = Literal["clip", "tanh"]


class PolicyNet(NamedTuple):
    """init(key) -> params; apply(params, obs [..., O]) -> Distribution over actions [..., A]."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, jax.Array], Distribution]


def policy(
    spec: Spec,
    hidden: Sequence[int],
    head: Head,
    *,
    log_std_range: tuple[float, float] = (-5, 2),
    bounded_by: LogStdBound = "clip",
    activation: Activation = "relu",
    out_gain: float | None = None,
    log_std: float = 0.0,
    start: Start = "normal",
) -> PolicyNet:
    """Builds a policy network.

    Args:
        spec: the task's sizes.
        hidden: widths of the hidden layers.
        head: the kind of distribution.
        log_std_range: bounds of the log_std of the heads `gaussian`, `shared` and `squashed`.
        bounded_by: how the network's output becomes a log_std between them. `clip`: clipped, so
            that it begins near 0. `tanh`: by a tanh over the whole range, so that it begins in the
            middle of it; for `gaussian` and `squashed`.
        activation: of the hidden layers.
        out_gain: gain of an orthogonal output kernel; None: as `start` says.
        log_std: initial log_std of the heads `normal` and `shared`.
        start: how the layers begin.
    """
    free_std = head in ("normal", "shared")
    out = spec.action_size * (2 if head in ("gaussian", "squashed") else 1)
    net = MLP(tuple(hidden), out, activation, out_gain, start=start)

    def init(key: Key) -> Params:
        params = net.init(key, jnp.zeros((1, spec.obs_size)))
        return (
            {"net": params, "log_std": jnp.full(out, log_std, jnp.float32)} if free_std else params
        )

    def apply(params: Params, obs: jax.Array) -> Distribution:
        y = net.apply(params["net"] if free_std else params, obs)
        assert isinstance(y, jax.Array)
        if head == "shared":
            return Gaussian(jnp.tanh(y), jnp.clip(params["log_std"], *log_std_range))
        if head == "normal":
            return Gaussian(y, params["log_std"])
        return _distribution(y, head, log_std_range, bounded_by)

    return PolicyNet(init, apply)


def encoded(policy: PolicyNet, encoder: Encoder) -> PolicyNet:
    """A policy network whose inputs are tokens [..., H, I] instead of the encoder's output."""

    def init(key: Key) -> Params:
        encoder_params = encoder.init(fold_in_name(key, "encoder"))
        return {"encoder": encoder_params, "policy": policy.init(key)}

    def apply(params: Params, tokens: jax.Array) -> Distribution:
        return policy.apply(params["policy"], encoder.apply(params["encoder"], tokens))

    return PolicyNet(init, apply)


def _distribution(
    y: jax.Array, head: Head, log_std_range: tuple[float, float], bounded_by: LogStdBound
) -> Deterministic | Gaussian | Squashed | Categorical:
    """Interprets the output [..., A or 2 A] of a network; for heads without a free log_std."""
    if head == "categorical":
        return Categorical(y)
    if head == "deterministic":
        return Deterministic(jnp.tanh(y))
    mean, log_std = jnp.split(y, 2, axis=-1)
    low, high = log_std_range
    if bounded_by == "tanh":
        log_std = low + (high - low) * 0.5 * (jnp.tanh(log_std) + 1.0)
    else:
        log_std = jnp.clip(log_std, low, high)
    if head == "squashed":
        return Squashed(Gaussian(mean, log_std))
    return Gaussian(jnp.tanh(mean), log_std)


class MLPPolicy(struct.PyTreeNode):
    """A trained deterministic policy: observation -> normaliser -> layers -> mean -> head."""

    layers: Sequence[tuple[Any, Any]]  # (kernel [in, out], bias [out]); the last gives the mean
    activation: Activation = struct.field(pytree_node=False)  # of all layers but the last
    head: Literal["tanh", "clip"] = struct.field(pytree_node=False)  # brings the mean into [-1, 1]
    mean: Any  # [O] of the observation
    std: Any  # [O] of the observation
    clip: Any  # bound of the normalised observation, on both sides; inf for none


def export_mlp(
    params: Params,
    norm: Normaliser,
    clip: float,
    *,
    activation: Activation,
    head: Literal["tanh", "clip"],
    actions: int | None = None,
) -> MLPPolicy:
    """Converts the parameters of an `MLP` to a policy that needs no network library.

    Args:
        params: as `MLP.init` returns them, without layer norms.
        norm: the normaliser of observations.
        clip: bound of the normalised observation, on both sides.
        activation: of the hidden layers.
        head: the function that brings the output into [-1, 1].
        actions: number of outputs to keep, where the network has more (a log_std); by default all.
    """
    dense = params["params"]
    layers = [
        (dense[f"Dense_{i}"]["kernel"], dense[f"Dense_{i}"]["bias"]) for i in range(len(dense))
    ]
    kernel, bias = layers[-1]
    layers[-1] = kernel[:, :actions], bias[:actions]
    return MLPPolicy(layers, activation, head, norm.mean, norm.std, clip)
