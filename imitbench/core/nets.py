"""Networks: multi-layer perceptrons and policy heads, as (init, apply) pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core.types import Key, Params, Spec

Head = Literal["deterministic", "gaussian", "categorical"]


class MLP(nn.Module):
    """ReLU layers of the given widths and a linear output."""

    hidden: Sequence[int]
    out: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for width in self.hidden:
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(self.out)(x)


class Deterministic(struct.PyTreeNode):
    """A point in [-1, 1]^A."""

    mode: jax.Array  # [..., A]


class Gaussian(struct.PyTreeNode):
    """Independent normals with a mean in [-1, 1]^A."""

    mode: jax.Array  # [..., A]
    log_std: jax.Array  # [..., A]

    def log_prob(self, action: jax.Array) -> jax.Array:
        """log density [...], summed over the action's components; in nats."""
        z = (action - self.mode) / jnp.exp(self.log_std)
        return jnp.sum(-0.5 * z**2 - self.log_std - 0.5 * jnp.log(2 * jnp.pi), axis=-1)


class Categorical(struct.PyTreeNode):
    """One of A choices."""

    logits: jax.Array  # [..., A]

    @property
    def mode(self) -> jax.Array:  # [...] int
        return jnp.argmax(self.logits, axis=-1)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """log probability [...] of the integer choice `action` [...]; in nats."""
        log_p = jax.nn.log_softmax(self.logits)
        return jnp.take_along_axis(log_p, action[..., None].astype(jnp.int32), axis=-1)[..., 0]


Distribution = Deterministic | Gaussian | Categorical


class PolicyNet(NamedTuple):
    """init(key) -> params; apply(params, obs [..., O]) -> Distribution."""

    init: Callable[[Key], Params]
    apply: Callable[[Params, jax.Array], Distribution]


def policy(
    spec: Spec, hidden: Sequence[int], head: Head, *, log_std_range: tuple[float, float] = (-5, 2)
) -> PolicyNet:
    """A policy network for the task. The mean passes through tanh; log_std is clipped to the
    range."""
    out = spec.action_size * (2 if head == "gaussian" else 1)
    net = MLP(tuple(hidden), out)

    def init(key: Key) -> Params:
        return net.init(key, jnp.zeros((1, spec.obs_size)))

    def apply(params: Params, obs: jax.Array) -> Distribution:
        y = net.apply(params, obs)
        assert isinstance(y, jax.Array)
        if head == "categorical":
            return Categorical(y)
        if head == "deterministic":
            return Deterministic(jnp.tanh(y))
        mode, log_std = jnp.split(y, 2, axis=-1)
        return Gaussian(jnp.tanh(mode), jnp.clip(log_std, *log_std_range))

    return PolicyNet(init, apply)
