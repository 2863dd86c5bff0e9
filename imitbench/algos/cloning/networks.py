"""The networks of cloned policies, and the encoder before them that reads a memory's tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax

from imitbench.algos.cloning.bc_config import Config
from imitbench.core import heads, policy_nets
from imitbench.core.heads import Head
from imitbench.core.observations import encoders, image_nets
from imitbench.core.observations.encoders import Encoder
from imitbench.core.ops import fold_in_name
from imitbench.core.policy_nets import PolicyNet
from imitbench.core.types import Key, Metrics, Params, Spec


def encoded_head(head: Head, encoder: Encoder) -> Head:
    """A head that sees tokens [..., H, I]; an action costs one pass through the encoder."""

    def init(key: Key) -> Params:
        encoder_params = encoder.init(fold_in_name(key, "encoder"))
        return {"encoder": encoder_params, "head": head.init(key)}

    def loss(
        key: Key, params: Params, fitted: Any, tokens: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        seen = encoder.apply(params["encoder"], tokens)
        return head.loss(key, params["head"], fitted, seen, action)

    def sample(key: Key, params: Params, fitted: Any, tokens: jax.Array) -> jax.Array:
        seen = encoder.apply(params["encoder"], tokens)
        return head.sample(key, params["head"], fitted, seen)

    return head._replace(init=init, loss=loss, sample=sample)


def make_encoder(config: Config, spec: Spec, size: int) -> Encoder | None:
    """The encoder before a policy's layers, of a memory or of images.

    Args:
        config: the settings.
        spec: the task.
        size: O, the size of what the policy sees of a step.

    Returns:
        An encoder of inputs [..., O], or with a memory of tokens [..., H, O]; None where the layers
        see the inputs themselves.
    """
    memory, image = config.memory, spec.image
    settings = (memory.encoder, memory.history)
    sizes = (memory.width, memory.layers, memory.heads)
    if image is None:
        return encoders.make(*settings, size, *sizes) if memory.used else None
    if not memory.used:
        return encoders.of_single_tokens(image_nets.image_encoder(config.images, image, size, 1))
    if memory.encoder == "stack":
        return image_nets.image_encoder(config.images, image, size, memory.history)
    frame = encoders.of_single_tokens(image_nets.image_encoder(config.images, image, size, 1))
    return encoders.chain(frame, encoders.make(*settings, frame.size, *sizes))


def build_networks(
    config: Config, spec: Spec, size: int, full_range: bool
) -> tuple[PolicyNet, heads.Head | None]:
    """Builds the policy network, and the head in its place where the settings name one.

    Args:
        config: the settings.
        spec: the task.
        size: O, the size of what the policy sees of a step.
        full_range: as in `heads.make`.

    Returns:
        Both take inputs [..., O]; with a memory tokens [..., H, O].
    """
    memory, encoder = config.memory, make_encoder(config, spec, size)
    size = size if encoder is None else encoder.size
    sizes = replace(spec, obs_size=size, action_size=spec.action_size * memory.actions)
    kind = "gaussian" if config.loss == "nll" else "deterministic"
    policy = policy_nets.policy(sizes, config.hidden, "categorical" if spec.discrete else kind)
    head = None
    if config.head.kind != "default":
        shape = (config.hidden, size, sizes.action_size)
        head = heads.make(config.head, *shape, full_range=full_range)
    if encoder is None:
        return policy, head
    return policy_nets.encoded(policy, encoder), head and encoded_head(head, encoder)
