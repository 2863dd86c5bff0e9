"""Images in on-policy learners: what policy and value see, and the auxiliary task.

Source: Zhu et al. 2018 (arXiv:1802.09564): the policy sees images, the value sees the
state, and a layer after the policy's convolutions predicts the positions of objects (squared
error).

Different from the source: one frame instead of a recurrent policy, which their ablation finds no
better; the auxiliary layer is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core import distributions, nets, ops, policy_nets
from imitbench.core.config import require
from imitbench.core.observations import encoders, image_nets, images
from imitbench.core.observations.encoders import Encoder
from imitbench.core.observations.hidden_state import full_obs
from imitbench.core.types import ImageSpec, Key, Params, Spec
from imitbench.utils.errors import pick


@dataclass(frozen=True)
class Config:
    """Settings of a learner that sees images; tasks without images do not use them."""

    net: image_nets.Config = field(default=image_nets.Config())
    """The network that sees images; `shift` has no effect here."""
    value_sees: Literal["state", "image"] = "state"
    """What the value sees: the full task's observation, or what the policy sees."""
    auxiliary: float = 0.0
    """Weight, 0 or more, in the loss of the squared error of fields that the policy's image network
    predicts."""
    auxiliary_fields: tuple[str, ...] = ()
    """Fields of the full task's observation that are predicted, such as `grip_pos`; needed where
    `auxiliary` is above 0."""

    def __post_init__(self) -> None:
        kinds = ("state", "image")
        require(self.value_sees in kinds, self, "value_sees", "state or image")
        require(self.auxiliary >= 0, self, "auxiliary", "0 or more")
        needed = bool(self.auxiliary_fields) or not self.auxiliary
        require(needed, self, "auxiliary_fields", "one field or more beside auxiliary > 0")


WithAuxiliary = Callable[[Params, jax.Array], tuple[distributions.Distribution, jax.Array]]
"""(parameters of the policy, inputs [..., I]) -> the policy's distribution, and the mean squared
error [] of what its image network predicts. The image is encoded once for both."""


class ImageNetworks(NamedTuple):
    """Policy and value, and the policy with its auxiliary prediction; all see `inputs` [..., I]."""

    policy: policy_nets.PolicyNet
    value: nets.ValueNet
    with_auxiliary: WithAuxiliary | None  # None: nothing is predicted


def moments_size(spec: Spec) -> int:
    """The size of what is standardised: the observation, or the numbers of an image task."""
    image = spec.image
    return spec.obs_size if image is None else image.numbers + image.full_size


def numbers(spec: Spec, obs: jax.Array) -> jax.Array:
    """The numbers [..., M] that are standardised: all of an observation [..., O]; of one with an
    image the numbers beside it, then the full observation."""
    if spec.image is None:
        return obs
    beside, _ = images.split(spec.image, obs)
    return jnp.concatenate([beside, full_obs(spec.image, obs)], axis=-1)


def inputs(
    image: ImageSpec, obs: jax.Array, standardise: Callable[[jax.Array], jax.Array]
) -> jax.Array:
    """What the networks get of observations for training [..., O + 4 F], or of [..., O].

    Args:
        image: describes the observations.
        obs: bytes.
        standardise: [..., P + F] -> [..., P + F].

    Returns:
        [..., I] float32: the numbers beside the image, the image's bytes as numbers, then the full
        observation.
    """
    beside, pixels = images.split(image, obs)
    both = standardise(jnp.concatenate([beside, full_obs(image, obs)], axis=-1))
    cut = image.numbers
    parts = [both[..., :cut], pixels.astype(jnp.float32), both[..., cut:]]
    return jnp.concatenate(parts, axis=-1)


def full_fields(image: ImageSpec, names: Sequence[str], what: str) -> np.ndarray:
    """The places of fields in the full task's observation.

    Args:
        image: describes the full observation.
        names: the fields.
        what: the setting, for the message.

    Raises:
        UserError: there is no such field.
    """
    found = [image.full[pick(f"field in {what}", name, image.full)] for name in names]
    return np.concatenate([np.arange(part.start, part.stop) for part in found])


def image_networks(
    config: Config, spec: Spec, hidden: Sequence[int], head: policy_nets.Head, log_std: float
) -> ImageNetworks:
    """Builds the networks of a task with images.

    Args:
        config: the settings.
        spec: the task.
        hidden: widths of the hidden tanh layers after the encoder, and of a value of states.
        head: the policy's.
        log_std: initial logarithm of the policy's standard deviation.

    Raises:
        UserError: images that are too small, or an auxiliary field that the full task does not
            observe.
    """
    image = spec.image
    assert image is not None
    seen = image.numbers + image.size
    encoder = _of_first(seen, image_nets.image_encoder(config.net, image, seen, 1))
    sizes = replace(spec, obs_size=encoder.size)
    of_features = policy_nets.policy(
        sizes, hidden, head, activation="tanh", out_gain=0.01, log_std=log_std
    )
    if config.value_sees == "image":
        value = _encoded_value(nets.value(sizes, hidden, "tanh"), encoder)
    else:
        of_state = nets.value(replace(spec, obs_size=image.full_size), hidden, "tanh")
        value = nets.ValueNet(of_state.init, lambda p, x: of_state.apply(p, x[..., seen:]))
    policy = policy_nets.encoded(of_features, encoder)
    if not config.auxiliary_fields:
        return ImageNetworks(policy, value, None)
    places = full_fields(image, config.auxiliary_fields, "auxiliary_fields")
    layer = nn.Dense(len(places))
    features = config.net.features  # of the image, which come first in the encoder's output

    def init(key: Key) -> Params:
        last = layer.init(ops.fold_in_name(key, "auxiliary"), jnp.zeros((1, features)))
        return {"main": policy.init(key), "auxiliary": last}

    def apply(params: Params, x: jax.Array) -> tuple[distributions.Distribution, jax.Array]:
        encoded = encoder.apply(params["main"]["encoder"], x)
        dist = of_features.apply(params["main"]["policy"], encoded)
        predicted = jnp.asarray(layer.apply(params["auxiliary"], encoded[..., :features]))
        return dist, jnp.mean((predicted - x[..., seen + places]) ** 2)

    main = policy_nets.PolicyNet(init, lambda params, x: policy.apply(params["main"], x))
    return ImageNetworks(main, value, apply)


def _of_first(size: int, encoder: Encoder) -> Encoder:
    """The encoder, of one frame, of the first `size` inputs."""
    single = encoders.of_single_tokens(encoder)
    return single._replace(apply=lambda params, x: single.apply(params, x[..., :size]))


def _encoded_value(value: nets.ValueNet, encoder: Encoder) -> nets.ValueNet:
    """A value with an encoder of its own before it."""

    def init(key: Key) -> Params:
        first = encoder.init(ops.fold_in_name(key, "encoder"))
        return {"encoder": first, "value": value.init(key)}

    def apply(params: Params, x: jax.Array) -> jax.Array:
        return value.apply(params["value"], encoder.apply(params["encoder"], x))

    return nets.ValueNet(init, apply)
