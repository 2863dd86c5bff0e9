"""Networks as pairs of pure functions (init, apply): perceptrons, values and critics.

`imitbench.core.policy_nets` has those of policies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from imitbench.core.types import Key, Params, Spec

Activation = Literal["relu", "tanh"]
Start = Literal["normal", "orthogonal", "orthonormal", "uniform"]
"""How layers begin. normal: kernels from LeCun's normal distribution. orthogonal: orthogonal
kernels of gain sqrt(2). orthonormal: orthogonal kernels of gain 1. uniform: kernels and biases
uniformly distributed within 1 / sqrt(number of inputs), as in PyTorch."""


def orthogonal(gain: float) -> nn.initializers.Initializer:
    """Builds an initialiser of uniformly distributed orthogonal kernels.

    It is Gram-Schmidt in plain JAX, each column twice for accuracy. jaxlib's QR of a batch waits
    for the thread pool that it runs in, and two of them at a time on two CPUs never return.

    Args:
        gain: factor of the kernel, whose rows or columns are orthonormal before.

    Returns:
        An initialiser (key, shape [in, out]) -> kernel.
    """

    def init(
        key: Key, shape: Sequence[int], dtype: Any = jnp.float32, out_sharding: Any = None
    ) -> jax.Array:
        rows, columns = max(shape), min(shape)
        normal = jax.random.normal(key, (columns, rows), dtype)
        numbered = (jnp.arange(columns), normal)
        q, _ = jax.lax.scan(_orthogonalise, jnp.zeros_like(normal), numbered)
        return gain * (q if shape[0] == columns else q.T)

    return init


def _orthogonalise(q: jax.Array, numbered: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
    """Sets row i of q [columns, rows] to the part of v [rows] orthogonal to the rows set before."""
    i, v = numbered
    for _ in range(2):
        v = v - q.T @ (q @ v)
    return q.at[i].set(v / jnp.linalg.norm(v)), None


def uniform(inputs: int) -> nn.initializers.Initializer:
    """Builds an initialiser of the kernel, or of the biases, of a layer with so many inputs.

    Args:
        inputs: I.

    Returns:
        An initialiser (key, shape) -> numbers uniformly distributed in [-1 / sqrt(I), 1 / sqrt(I)].
    """

    def init(
        key: Key, shape: Sequence[int], dtype: Any = jnp.float32, out_sharding: Any = None
    ) -> jax.Array:
        bound = inputs**-0.5
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def _layer(width: int, inputs: int, start: Start, gain: float = 2**0.5) -> nn.Dense:
    """A linear layer; `gain` is that of the kernel with `start="orthogonal"`."""
    if start == "uniform":
        return nn.Dense(width, kernel_init=uniform(inputs), bias_init=uniform(inputs))
    if start == "normal":
        return nn.Dense(width, kernel_init=nn.initializers.lecun_normal())
    return nn.Dense(width, kernel_init=orthogonal(gain if start == "orthogonal" else 1.0))


class MLP(nn.Module):
    """A multi-layer perceptron with a linear output.

    Layers before tanh start with orthogonal kernels of gain sqrt(2), whatever `start` is.
    """

    hidden: Sequence[int]  # widths of the hidden layers
    out: int  # size of the output
    activation: Activation = "relu"
    out_gain: float | None = None  # gain of an orthogonal output kernel; None: as `start` says
    layer_norm: bool = False  # normalise before each activation
    start: Start = "normal"

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps inputs [..., I] to outputs [..., out]."""
        relu = self.activation == "relu"
        for width in self.hidden:
            x = _layer(width, x.shape[-1], self.start if relu else "orthogonal")(x)
            x = nn.LayerNorm()(x) if self.layer_norm else x
            x = nn.relu(x) if relu else jnp.tanh(x)
        if self.out_gain is None:
            return _layer(self.out, x.shape[-1], self.start)(x)
        return _layer(self.out, x.shape[-1], "orthogonal", self.out_gain)(x)


class Function(NamedTuple):
    """init(key) -> params; apply(params, *arrays [..., .]) -> [..., out], of the arrays joined."""

    init: Callable[[Key], Params]
    apply: Callable[..., jax.Array]


def function(
    size: int,
    hidden: Sequence[int],
    out: int,
    out_gain: float | None = None,
    layer_norm: bool = False,
    spectral: bool = False,
    start: Start = "normal",
) -> Function:
    """Builds a plain network with ReLU layers.

    Args:
        size: the inputs' sizes, summed.
        hidden: widths of the hidden layers.
        out: size of the output.
        out_gain: gain of an orthogonal output kernel; None: as `start` says.
        layer_norm: normalise before each activation.
        spectral: divide each kernel by its spectral norm in every call.
        start: how the layers begin.
    """
    net = MLP(tuple(hidden), out, out_gain=out_gain, layer_norm=layer_norm, start=start)

    def apply(params: Params, *parts: jax.Array) -> jax.Array:
        params = spectral_norm(params) if spectral else params
        return jnp.asarray(net.apply(params, jnp.concatenate(parts, axis=-1)))

    return Function(lambda key: net.init(key, jnp.zeros((1, size))), apply)


def spectral_norm(params: Params, rounds: int = 10) -> Params:
    """Divides every matrix by an estimate of its largest singular value.

    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1. It starts the power iteration anew in
    each call, from the sum of the matrix's columns, instead of going on from the last call.

    Args:
        params: pytree of arrays; those that are no matrices do not change.
        rounds: rounds of the power iteration. The estimate is never above the true value.

    Returns:
        The normalised parameters. No gradient flows through the singular vectors.
    """
    return jax.tree.map(lambda w: _normalise_matrix(w, rounds) if w.ndim == 2 else w, params)


def _normalise_matrix(w: jax.Array, rounds: int) -> jax.Array:
    constant = jax.lax.stop_gradient(w)
    u = _unit(jnp.sum(constant, axis=1))
    for _ in range(rounds):
        u = _unit(constant @ (constant.T @ u))
    v = _unit(constant.T @ u)
    return w / (u @ w @ v + 1e-12)


def _unit(x: jax.Array) -> jax.Array:
    return x / (jnp.linalg.norm(x) + 1e-12)


class ValueNet(NamedTuple):
    """init(key) -> params; apply(params, obs [..., O]) -> values [...]."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, jax.Array], jax.Array]


def value(
    spec: Spec,
    hidden: Sequence[int],
    activation: Activation = "relu",
    start: Start = "normal",
) -> ValueNet:
    """Builds a state-value network.

    Args:
        spec: the task's sizes.
        hidden: widths of the hidden layers.
        activation: of the hidden layers; with tanh the output kernel is orthogonal with gain 1.
        start: how the layers before ReLUs begin.
    """
    net = MLP(tuple(hidden), 1, activation, 1.0 if activation == "tanh" else None, start=start)

    def apply(params: Params, obs: jax.Array) -> jax.Array:
        y = net.apply(params, obs)
        assert isinstance(y, jax.Array)
        return y[..., 0]

    return ValueNet(lambda key: net.init(key, jnp.zeros((1, spec.obs_size))), apply)


class CriticNet(NamedTuple):
    """init(key) -> params; apply(params, obs [..., O], action [..., A]) -> values [M, ...]."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, jax.Array, jax.Array], jax.Array]


def critics(spec: Spec, hidden: Sequence[int], number: int, start: Start = "normal") -> CriticNet:
    """Builds M action-value networks that share no parameters.

    They run one after the other: batched products are slower than single ones on a CPU.

    Args:
        spec: the task's sizes.
        hidden: widths of the hidden layers of each.
        number: M.
        start: how the layers begin.
    """
    net = MLP(tuple(hidden), 1, start=start)

    def init(key: Key) -> Params:
        like = jnp.zeros((1, spec.obs_size + spec.action_size))
        return [net.init(k, like) for k in jax.random.split(key, number)]

    def apply(params: Params, obs: jax.Array, action: jax.Array) -> jax.Array:
        x = jnp.concatenate([obs, action], axis=-1)
        return jnp.stack([jnp.asarray(net.apply(p, x))[..., 0] for p in params])

    return CriticNet(init, apply)
