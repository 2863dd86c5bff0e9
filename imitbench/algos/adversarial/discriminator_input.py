"""Inputs of a discriminator: how steps become the rows that it compares, and rows its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.adversarial.discriminator import CLIP, DiscriminatorConfig, Encode, network
from imitbench.algos.common.on_policy import Core
from imitbench.core import nets, ops
from imitbench.core.types import Spec, Transition


class Pairs(struct.PyTreeNode):
    """Observations with the executed actions."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A]


class DiscriminatorInput(NamedTuple):
    """A discriminator's network and the way from steps to its inputs.

    rows(core, steps [...]) -> rows [...], from the learner's state; encode(normaliser, rows [...])
    -> inputs [..., I]; net: inputs [..., I] -> logit [..., 1]. rewarded: like `rows`, of the steps
    whose logits become rewards; None takes `rows`.
    """

    net: nets.Function
    encode: Encode
    rows: Callable[[Core, Transition], Any]
    rewarded: Callable[[Core, Transition], Any] | None = None


def action_input(spec: Spec, action: jax.Array) -> jax.Array:
    """Actions as inputs [..., A] of a network: discrete ones [...] are one-hot encoded."""
    return jax.nn.one_hot(action, spec.action_size) if spec.discrete else action


def obs_action_encoding(config: DiscriminatorConfig, spec: Spec) -> tuple[int, Encode]:
    """The length I and the encoding of `Pairs`, or of any rows that have their fields."""
    if config.state_only:
        return spec.obs_size, lambda norm, rows: norm(rows.obs, CLIP)

    def encode(norm: ops.Normaliser, rows: Any) -> jax.Array:
        parts = [norm(rows.obs, CLIP), action_input(spec, rows.action)]
        return jnp.concatenate(parts, axis=-1)

    return spec.obs_size + spec.action_size, encode


def obs_action_input(config: DiscriminatorConfig, spec: Spec) -> DiscriminatorInput:
    """Input of GAIL: observations and executed actions."""
    size, encode = obs_action_encoding(config, spec)
    rows = lambda core, steps: Pairs(steps.obs, steps.action)  # noqa: E731
    return DiscriminatorInput(network(config, size), encode, rows)
