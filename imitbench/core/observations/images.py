"""Observations with images: bytes on the way, numbers and pixels for networks.

Observations stay bytes wherever they are kept, in rollouts, data sets and buffers: an image takes a
quarter of the memory that it would take in float32, and the numbers beside it lose nothing.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.core.types import ImageSpec, Key

BYTES = 4  # of a float32 number


def obs_size(image: ImageSpec) -> int:
    """Returns O, the bytes of an observation."""
    return BYTES * image.numbers + image.size


def as_bytes(numbers: jax.Array) -> jax.Array:
    """Returns the bytes [..., 4 P] of float32 numbers [..., P], the lowest first."""
    single = jax.lax.bitcast_convert_type(numbers.astype(jnp.float32), jnp.uint8)
    return single.reshape(*numbers.shape[:-1], BYTES * numbers.shape[-1])


def as_numbers(stored: jax.Array) -> jax.Array:
    """Returns the float32 numbers [..., P] of their bytes [..., 4 P]."""
    single = stored.astype(jnp.uint8).reshape(*stored.shape[:-1], -1, BYTES)
    return jax.lax.bitcast_convert_type(single, jnp.float32)


def join(numbers: jax.Array, image: jax.Array) -> jax.Array:
    """Builds observations from numbers and images.

    Args:
        numbers: [..., P] float32.
        image: [..., height * width * C] uint8.

    Returns:
        [..., O] uint8.
    """
    return jnp.concatenate([as_bytes(numbers), image], axis=-1)


def split(image: ImageSpec, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Takes observations apart; the inverse of `join`.

    Args:
        image: describes them.
        obs: [..., O] bytes; as numbers of any type, each from 0 to 255. More may follow.

    Returns:
        The numbers [..., P] float32, and the images [..., height * width * C] uint8.
    """
    cut = BYTES * image.numbers
    return as_numbers(obs[..., :cut]), obs[..., cut : cut + image.size].astype(jnp.uint8)


def inputs(image: ImageSpec, pixels: jax.Array) -> jax.Array:
    """Pixels as a network sees them.

    Args:
        image: describes them.
        pixels: [..., C] bytes, as numbers of any type.

    Returns:
        [..., D] float32: intensities divided by 255, D = C; or a one-hot code of each class but
        class 0, whose code is all 0, D = C * (classes - 1).
    """
    if not image.classes:
        return pixels.astype(jnp.float32) / 255.0
    codes = jax.nn.one_hot(pixels.astype(jnp.int32) - 1, image.classes - 1)
    return codes.reshape(*pixels.shape[:-1], -1)


def input_channels(image: ImageSpec) -> int:
    """Returns D, the numbers of a pixel that a network sees."""
    return image.channels * (image.classes - 1 if image.classes else 1)


def shift(pixels: jax.Array, down: jax.Array, right: jax.Array) -> jax.Array:
    """Shifts images; pixels at the border repeat where the image has moved away from it.

    Args:
        pixels: [N, height, width, C].
        down: [N] integers, rows by which each image moves down.
        right: [N] integers, columns by which each image moves to the right.

    Returns:
        [N, height, width, C].
    """
    rows = jnp.clip(jnp.arange(pixels.shape[1]) - down[:, None], 0, pixels.shape[1] - 1)
    columns = jnp.clip(jnp.arange(pixels.shape[2]) - right[:, None], 0, pixels.shape[2] - 1)
    index = jnp.arange(len(pixels))[:, None, None]
    return pixels[index, rows[:, :, None], columns[:, None, :]]


def shift_at_random(key: Key, image: ImageSpec, obs: jax.Array, most: int) -> jax.Array:
    """Shifts the images in observations by up to `most` pixels in both directions.

    Source: Kostrikov et al. 2020 (arXiv:2004.13649), section 3.1: padding by repetition of the
    border, then a random crop.

    Args:
        key: random key.
        image: describes the images.
        obs: [N, O], or [N, H, O] windows, whose images are all shifted alike.
        most: pixels, 0 or more.

    Returns:
        Observations of the same shape.
    """
    k_down, k_right = jax.random.split(key)
    down, right = (jax.random.randint(k, obs.shape[:1], -most, most + 1) for k in (k_down, k_right))
    cut = BYTES * image.numbers
    frames = obs[..., cut:].reshape(len(obs), -1, image.height, image.width, image.channels)
    # The frames of a window become channels of one image, and back.
    stacked = jnp.moveaxis(frames, 1, 3)
    flat = stacked.reshape(*stacked.shape[:3], -1)
    moved = jnp.moveaxis(shift(flat, down, right).reshape(stacked.shape), 3, 1)
    return jnp.concatenate([obs[..., :cut], moved.reshape(*obs.shape[:-1], image.size)], axis=-1)
