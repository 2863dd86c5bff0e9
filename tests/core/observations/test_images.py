"""Observations with images: bytes and back, one-hot codes, and shifts, by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.observations import images
from imitbench.core.types import ImageSpec

KEY = jax.random.key(0)
SMALL = ImageSpec(height=3, width=4, channels=1, classes=0, numbers=2, full={"x": slice(0, 5)})


def test_bytes_give_the_same_numbers_and_pixels_back():
    numbers = jnp.array([[1.5, -3.25e-38], [np.pi, 0.0], [jnp.inf, 7e30]], jnp.float32)
    pixels = jax.random.randint(KEY, (3, 12), 0, 256).astype(jnp.uint8)
    obs = images.join(numbers, pixels)
    assert obs.shape == (3, images.obs_size(SMALL)) == (3, 20) and obs.dtype == jnp.uint8
    # 1.5 is 0x3fc00000, the lowest byte first.
    np.testing.assert_array_equal(obs[0, :4], [0, 0, 0xC0, 0x3F])
    for stored in (obs, obs.astype(jnp.float32), np.asarray(obs, np.int64)):
        again = images.split(SMALL, jnp.asarray(stored))
        np.testing.assert_array_equal(again[0], numbers)
        np.testing.assert_array_equal(again[1], pixels)
    assert (SMALL.size, SMALL.full_size) == (12, 5)


def test_inputs_are_shares_of_255_or_one_hot_codes():
    np.testing.assert_allclose(
        images.inputs(SMALL, jnp.array([[0], [51], [255]])), [[0], [0.2], [1]]
    )
    classes = ImageSpec(3, 4, 2, 4, 2, {})
    got = images.inputs(classes, jnp.array([[0, 1], [3, 2]], jnp.uint8))
    np.testing.assert_array_equal(got, [[0, 0, 0, 1, 0, 0], [0, 0, 1, 0, 1, 0]])
    assert images.input_channels(classes) == 6 and images.input_channels(SMALL) == 1


def test_shifts_by_hand():
    image = jnp.arange(6).reshape(1, 2, 3, 1)  # 0 1 2 / 3 4 5
    one, none = jnp.array([1]), jnp.array([0])
    down = images.shift(image, one, none)[0, :, :, 0]
    np.testing.assert_array_equal(down, [[0, 1, 2], [0, 1, 2]])
    left = images.shift(image, none, -one)[0, :, :, 0]
    np.testing.assert_array_equal(left, [[1, 2, 2], [4, 5, 5]])
    both = images.shift(image, -one, one)[0, :, :, 0]
    np.testing.assert_array_equal(both, [[3, 3, 4], [3, 3, 4]])


def test_a_shift_is_padding_and_a_crop():
    image = jax.random.randint(KEY, (1, 6, 5, 2), 0, 256)
    padded = jnp.pad(image[0], ((2, 2), (2, 2), (0, 0)), mode="edge")
    for down in (-2, 0, 1):
        for right in (-1, 2):
            got = images.shift(image, jnp.array([down]), jnp.array([right]))[0]
            np.testing.assert_array_equal(got, padded[2 - down : 8 - down, 2 - right : 7 - right])


def test_random_shifts_move_all_frames_alike_and_keep_the_numbers():
    spec = ImageSpec(8, 8, 1, 0, 1, {})
    frame = jax.random.randint(KEY, (64, 64), 0, 256).astype(jnp.uint8)
    numbers = jax.random.normal(KEY, (64, 3, 1))
    windows = images.join(numbers, jnp.repeat(frame[:, None], 3, axis=1))
    moved = images.shift_at_random(jax.random.key(1), spec, windows, 2)
    assert moved.dtype == jnp.uint8 and moved.shape == windows.shape
    again, pixels = images.split(spec, moved)
    np.testing.assert_array_equal(again, numbers)
    np.testing.assert_array_equal(pixels[:, 0], pixels[:, 2])
    padded = np.pad(np.asarray(frame).reshape(64, 8, 8), ((0, 0), (2, 2), (2, 2)), mode="edge")
    offsets = set()
    for i, image in enumerate(np.asarray(pixels[:, 0]).reshape(64, 8, 8)):
        places = [(d, r) for d in range(5) for r in range(5)]
        found = [p for p in places if (padded[i, p[0] :, p[1] :][:8, :8] == image).all()]
        assert len(found) == 1
        offsets.add(found[0])
    assert {d for d, _ in offsets} == {r for _, r in offsets} == set(range(5))
    flat = images.shift_at_random(jax.random.key(1), spec, windows[:, 0], 2)
    np.testing.assert_array_equal(flat, moved[:, 0])
    same = images.shift_at_random(jax.random.key(1), spec, windows, 0)
    np.testing.assert_array_equal(same, windows)
