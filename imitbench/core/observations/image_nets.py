"""Convolutional networks from images to features, for policies that see images.

Convolutions are products of matrices with the images' patches. XLA turns the convolutions of
several seeds, which have different kernels, into grouped ones, which are very slow on a CPU; a
batch of products is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp

from imitbench.core.config import require
from imitbench.core.observations import images
from imitbench.core.observations.encoders import Encoder
from imitbench.core.types import ImageSpec, Key, Params
from imitbench.utils.errors import UserError

KERNELS = (8, 4, 3)  # pixels, of the three layers of Mnih et al. 2015
STRIDES = (4, 2, 1)


@dataclass(frozen=True)
class Config:
    """Settings of the network that sees images; tasks without images do not use them.

    Source: Mnih et al. 2015, "Human-level control through deep reinforcement learning": kernels of
    8, 4 and 3 pixels with strides 4, 2 and 1.
    """

    channels: tuple[int, ...] = (32, 64, 64)
    """Numbers of kernels of the three convolutional layers, 1 or more each."""
    features: int = 256
    """Size of the layer after them, 1 or more."""
    shift: int = 0
    """In training, images are shifted by so many pixels at most, 0 or more, in both directions; 0
    leaves them as they are, 4 is the choice of Kostrikov et al. 2020 (arXiv:2004.13649)."""

    def __post_init__(self) -> None:
        three = len(self.channels) == len(KERNELS) and min(self.channels) >= 1
        require(three, self, "channels", f"{len(KERNELS)} numbers of 1 or more")
        require(self.features >= 1, self, "features", "1 or more")
        require(self.shift >= 0, self, "shift", "0 or more")


def patches(x: jax.Array, kernel: int, stride: int) -> jax.Array:
    """Cuts images into the patches that a kernel meets, without padding.

    Args:
        x: [N, height, width, C].
        kernel: rows and columns of a patch, a multiple of `stride`.
        stride: pixels from a patch to the next one.

    Returns:
        [N, rows, columns, kernel * kernel * C]: blocks of `stride` x `stride` pixels, one after the
        other, as `kernel_matrix` orders the numbers of a kernel.
    """
    n, height, width, channels = x.shape
    rows, columns = ((size - kernel) // stride + 1 for size in (height, width))
    blocks = kernel // stride
    used = x[:, : (rows + blocks - 1) * stride, : (columns + blocks - 1) * stride]
    used = used.reshape(n, rows + blocks - 1, stride, columns + blocks - 1, stride, channels)
    used = used.swapaxes(2, 3).reshape(n, rows + blocks - 1, columns + blocks - 1, -1)
    parts = [used[:, i : i + rows, j : j + columns] for i in range(blocks) for j in range(blocks)]
    return jnp.concatenate(parts, axis=-1)


def kernel_matrix(kernel: jax.Array, stride: int) -> jax.Array:
    """Orders a kernel [K, K, C, D] as a matrix [K * K * C, D] that multiplies `patches`."""
    size, _, channels, out = kernel.shape
    blocks = size // stride
    split = kernel.reshape(blocks, stride, blocks, stride, channels, out)
    return split.transpose(0, 2, 1, 3, 4, 5).reshape(-1, out)


class Convolution(nn.Module):
    """A convolution without padding, with a bias; its kernel is [K, K, C, D] as in `nn.Conv`."""

    out: int  # D, the number of kernels
    kernel: int  # K
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps images [N, height, width, C] to images [N, rows, columns, D]."""
        shape = (self.kernel, self.kernel, x.shape[-1], self.out)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.out,))
        cut = patches(x, self.kernel, self.stride)
        return cut @ kernel_matrix(kernel, self.stride) + bias


class ImageNet(nn.Module):
    """Three convolutions and a layer, each with ReLU."""

    channels: Sequence[int]
    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps images [N, height, width, D] to features [N, features]."""
        for out, kernel, stride in zip(self.channels, KERNELS, STRIDES, strict=True):
            x = nn.relu(Convolution(out, kernel, stride)(x))
        return nn.relu(nn.Dense(self.features)(x.reshape(x.shape[0], -1)))


def smallest_side() -> int:
    """Returns the fewest rows and columns of pixels that the layers can read."""
    side = 1
    for kernel, stride in zip(reversed(KERNELS), reversed(STRIDES), strict=True):
        side = (side - 1) * stride + kernel
    return side


def check(image: ImageSpec) -> None:
    """Checks that images are large enough.

    Raises:
        UserError: they are not.
    """
    side = smallest_side()
    if min(image.height, image.width) < side:
        raise UserError(
            f"images of {image.height} x {image.width} pixels: expected {side} or more on both "
            "sides, for the layers that read them"
        )


def image_encoder(config: Config, image: ImageSpec, size: int, frames: int) -> Encoder:
    """Builds an encoder of observations with images.

    The frames of a window are channels of one image, and the numbers beside them are side by side,
    after the features.

    Args:
        config: the settings.
        image: describes the images.
        size: I, the size of a token: the P numbers of `image`, the image's bytes as numbers, then
            further numbers.
        frames: H, the number of tokens.

    Returns:
        An encoder of tokens [..., H, I], the oldest first.

    Raises:
        UserError: the images are too small.
    """
    check(image)
    net = ImageNet(tuple(config.channels), config.features)
    begin, end = image.numbers, image.numbers + image.size
    shape = (image.height, image.width, image.channels)
    depth = frames * images.input_channels(image)

    def apply(params: Params, tokens: jax.Array) -> jax.Array:
        rows = tokens.reshape(-1, frames, size)
        pixels = images.inputs(image, rows[..., begin:end].reshape(-1, frames, *shape))
        stacked = jnp.moveaxis(pixels, 1, 3).reshape(rows.shape[0], *shape[:2], depth)
        features = jnp.asarray(net.apply(params, stacked))
        numbers = jnp.concatenate([rows[..., :begin], rows[..., end:]], axis=-1)
        seen = jnp.concatenate([features, numbers.reshape(rows.shape[0], -1)], axis=-1)
        return seen.reshape(*tokens.shape[:-2], seen.shape[-1])

    def init(key: Key) -> Params:
        return net.init(key, jnp.zeros((1, *shape[:2], depth)))

    return Encoder(init, apply, config.features + frames * (size - image.size))
