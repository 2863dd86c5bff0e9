"""Networks: multi-layer perceptrons, policy heads, values and critics, as (init, apply) pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from imitbench.core.types import Key, Params, Spec

Activation = Literal["relu", "tanh"]


def orthogonal(gain: float) -> nn.initializers.Initializer:
    """Kernels [in, out] with orthonormal rows or columns, times `gain`; uniformly distributed.

    Gram-Schmidt in plain JAX, each column twice for accuracy: jaxlib's QR of a batch waits for the
    thread pool that it runs in, and two of them at a time on two CPUs wait for ever.
    """

    def init(
        key: Key, shape: Sequence[int], dtype: Any = jnp.float32, out_sharding: Any = None
    ) -> jax.Array:
        rows, columns = max(shape), min(shape)
        a = jax.random.normal(key, (columns, rows), dtype)

        def add(q: jax.Array, x: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            i, v = x
            for _ in range(2):
                v = v - q.T @ (q @ v)
            return q.at[i].set(v / jnp.linalg.norm(v)), None

        q, _ = jax.lax.scan(add, jnp.zeros_like(a), (jnp.arange(columns), a))
        return gain * (q if shape[0] == columns else q.T)

    return init


class MLP(nn.Module):
    """Layers of the given widths and a linear output.

    ReLU layers start from LeCun's normal, tanh layers from orthogonal matrices with gain sqrt(2);
    `out_gain` makes the output layer's orthogonal with that gain. `layer_norm` normalises before
    each activation.
    """

    hidden: Sequence[int]
    out: int
    activation: Activation = "relu"
    out_gain: float | None = None
    layer_norm: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        relu = self.activation == "relu"
        inner = nn.initializers.lecun_normal() if relu else orthogonal(2**0.5)
        for width in self.hidden:
            x = nn.Dense(width, kernel_init=inner)(x)
            x = nn.LayerNorm()(x) if self.layer_norm else x
            x = nn.relu(x) if relu else jnp.tanh(x)
        last = nn.initializers.lecun_normal()
        if self.out_gain is not None:
            last = orthogonal(self.out_gain)
        return nn.Dense(self.out, kernel_init=last)(x)


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
) -> Function:
    """A plain network with ReLU layers from `size` numbers to `out`; `spectral` divides its kernels
    by their norms."""
    net = MLP(tuple(hidden), out, out_gain=out_gain, layer_norm=layer_norm)

    def apply(params: Params, *parts: jax.Array) -> jax.Array:
        params = spectral_norm(params) if spectral else params
        return jnp.asarray(net.apply(params, jnp.concatenate(parts, axis=-1)))

    return Function(lambda key: net.init(key, jnp.zeros((1, size))), apply)


def spectral_norm(params: Params, rounds: int = 10) -> Params:
    """With every matrix divided by its largest singular value, by `rounds` of power iteration from
    the sum of its columns: an estimate from below (Miyato et al. 2018, arXiv:1802.05957)."""

    def unit(x: jax.Array) -> jax.Array:
        return x / (jnp.linalg.norm(x) + 1e-12)

    def divide(w: jax.Array) -> jax.Array:
        if w.ndim != 2:
            return w
        still = jax.lax.stop_gradient(w)
        u = unit(jnp.sum(still, axis=1))
        for _ in range(rounds):
            u = unit(still @ (still.T @ u))
        v = unit(still.T @ u)
        return w / (u @ w @ v + 1e-12)

    return jax.tree.map(divide, params)


class ValueNet(NamedTuple):
    """init(key) -> params; apply(params, obs [..., O]) -> values [...]."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, jax.Array], jax.Array]


def value(spec: Spec, hidden: Sequence[int], activation: Activation = "relu") -> ValueNet:
    """A state-value network."""
    net = MLP(tuple(hidden), 1, activation, 1.0 if activation == "tanh" else None)

    def apply(params: Params, obs: jax.Array) -> jax.Array:
        y = net.apply(params, obs)
        assert isinstance(y, jax.Array)
        return y[..., 0]

    return ValueNet(lambda key: net.init(key, jnp.zeros((1, spec.obs_size))), apply)


class CriticNet(NamedTuple):
    """init(key) -> params; apply(params, obs [..., O], action [..., A]) -> values [M, ...]."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, jax.Array, jax.Array], jax.Array]


def critics(spec: Spec, hidden: Sequence[int], number: int) -> CriticNet:
    """M action-value networks, apart from each other.

    They run one after the other: batched products are slower than single ones on a CPU.
    """
    net = MLP(tuple(hidden), 1)

    def init(key: Key) -> Params:
        like = jnp.zeros((1, spec.obs_size + spec.action_size))
        return [net.init(k, like) for k in jax.random.split(key, number)]

    def apply(params: Params, obs: jax.Array, action: jax.Array) -> jax.Array:
        x = jnp.concatenate([obs, action], axis=-1)
        return jnp.stack([jnp.asarray(net.apply(p, x))[..., 0] for p in params])

    return CriticNet(init, apply)
