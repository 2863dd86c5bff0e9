"""Inputs of a discriminator: how steps become the rows that it compares, and rows its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.adversarial.absorbing import FlaggedSteps, with_flag
from imitbench.algos.adversarial.discriminator import CLIP, DiscriminatorConfig, Encode, network
from imitbench.algos.common.on_policy import Core
from imitbench.core import nets, ops
from imitbench.core.types import Spec, Transition


class Pairs(struct.PyTreeNode):
    """Observations with what they are compared by, `DiscriminatorConfig.compared`."""

    obs: jax.Array  # [..., O]
    action: jax.Array | None = None  # [..., A] as executed
    next_obs: jax.Array | None = None  # [..., O] the true successor


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


def pair_encoding(config: DiscriminatorConfig, spec: Spec) -> tuple[int, Encode]:
    """The length I and the encoding of `Pairs`, or of any rows that have their fields.

    Both observations are normalised alike, so that equal states have equal inputs.

    Args:
        config: says what is compared.
        spec: the task.
    """
    if config.compared == "state":
        return spec.obs_size, lambda norm, rows: norm(rows.obs, CLIP)
    by_next = config.compared == "transition"

    def encode(norm: ops.Normaliser, rows: Any) -> jax.Array:
        second = norm(rows.next_obs, CLIP) if by_next else action_input(spec, rows.action)
        return jnp.concatenate([norm(rows.obs, CLIP), second], axis=-1)

    return spec.obs_size + (spec.obs_size if by_next else spec.action_size), encode


def pair_input(config: DiscriminatorConfig, spec: Spec) -> DiscriminatorInput:
    """Input of GAIL: observations, with executed actions or with the next observations."""
    size, encode = pair_encoding(config, spec)

    def rows(core: Core, steps: Transition) -> Pairs:
        if config.compared == "state-action":
            return Pairs(steps.obs, action=steps.action)
        by_next = config.compared == "transition"
        return Pairs(steps.obs, next_obs=steps.next_obs if by_next else None)

    return DiscriminatorInput(network(config, size), encode, rows)


def flagged_encoding(
    config: DiscriminatorConfig, spec: Spec, *, absorbing: bool
) -> tuple[int, Encode]:
    """The length I and the encoding of `FlaggedSteps`.

    Args:
        config: says what is compared.
        spec: the task.
        absorbing: give each observation the flag of the absorbing state, so that steps into it and
            steps within it have inputs of their own.
    """
    compared, obs_size = config.compared, spec.obs_size + absorbing

    def flagged(norm: ops.Normaliser, obs: jax.Array, flag: jax.Array) -> jax.Array:
        return with_flag(norm(obs, CLIP), flag) if absorbing else norm(obs, CLIP)

    def encode(norm: ops.Normaliser, rows: FlaggedSteps) -> jax.Array:
        obs = flagged(norm, rows.obs, rows.absorbing)
        if compared == "state":
            return obs
        if compared == "transition":
            second = flagged(norm, rows.next_obs, rows.next_absorbing)
        else:
            assert rows.action is not None
            second = rows.action
        return jnp.concatenate([obs, second], axis=-1)

    more = {"state": 0, "transition": obs_size, "state-action": spec.action_size}
    return obs_size + more[compared], encode
