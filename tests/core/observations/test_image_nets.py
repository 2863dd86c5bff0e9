"""Convolutional networks: convolutions by hand and against XLA's, shapes, and encoders."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.core.observations import encoders, image_nets
from imitbench.core.observations.image_nets import Config, Convolution, ImageNet, image_encoder
from imitbench.core.types import ImageSpec
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
DEPTH = ImageSpec(height=36, width=40, channels=1, classes=0, numbers=2, full={})
CLASSES = ImageSpec(height=36, width=36, channels=1, classes=3, numbers=1, full={})
SMALL = Config(channels=(4, 5, 6), features=7)


def test_a_convolution_by_hand():
    """A kernel of 2 with stride 1 on 3 x 3 pixels: 1 a + 2 b + 3 c + 4 d + 10."""
    x = jnp.arange(9.0).reshape(1, 3, 3, 1)  # 0 1 2 / 3 4 5 / 6 7 8
    kernel = jnp.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    params = {"params": {"kernel": kernel, "bias": jnp.array([10.0])}}
    got = Convolution(1, 2, 1).apply(params, x)
    # 0 + 2 + 9 + 16 = 27, and each step to the right adds 10, each step down 30.
    np.testing.assert_allclose(np.asarray(got)[0, :, :, 0], [[37, 47], [67, 77]])
    strided = Convolution(1, 2, 2).apply(params, jnp.pad(x, ((0, 0), (0, 1), (0, 2), (0, 0))))
    # 0 1 / 3 4, then 2 0 / 5 0; below 6 7 / 0 0 and 8 0 / 0 0.
    np.testing.assert_allclose(np.asarray(strided)[0, :, :, 0], [[37, 27], [30, 18]])


@pytest.mark.parametrize(("kernel", "stride"), [(8, 4), (4, 2), (3, 1)])
def test_convolutions_equal_those_of_xla(kernel, stride):
    x = jax.random.normal(KEY, (2, 19, 22, 3))
    net = Convolution(5, kernel, stride)
    params = jax.jit(net.init)(jax.random.key(1), x)
    wanted = jax.lax.conv_general_dilated(
        x, params["params"]["kernel"], (stride, stride), "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip
    np.testing.assert_allclose(jax.jit(net.apply)(params, x), wanted, atol=1e-5)


def test_shapes_of_the_layers_on_64_pixels():
    """(64 - 8) / 4 + 1 = 15, (15 - 4) / 2 + 1 = 6, (6 - 3) / 1 + 1 = 4: 4 * 4 * 64 features."""
    params = jax.eval_shape(ImageNet((32, 64, 64), 256).init, KEY, jnp.zeros((1, 64, 64, 3)))
    shapes = [
        params["params"][k]["kernel"].shape
        for k in ("Convolution_0", "Convolution_1", "Convolution_2", "Dense_0")
    ]
    assert shapes == [(8, 8, 3, 32), (4, 4, 32, 64), (3, 3, 64, 64), (1024, 256)]
    assert image_nets.smallest_side() == 36  # 1 -> 3 -> 8 -> 36


def test_features_depend_on_every_frame_and_numbers_pass():
    size, frames = 2 + DEPTH.size + 3, 2
    encoder = image_encoder(SMALL, DEPTH, size, frames)
    assert encoder.size == 7 + frames * (2 + 3)
    params = jax.jit(encoder.init)(KEY)
    tokens = jax.random.uniform(jax.random.key(1), (4, frames, size), maxval=255.0)
    apply = jax.jit(encoder.apply)
    got = apply(params, tokens)
    assert got.shape == (4, encoder.size)
    numbers = jnp.concatenate([tokens[..., :2], tokens[..., -3:]], axis=-1)
    np.testing.assert_allclose(got[:, 7:], numbers.reshape(4, -1))
    for frame in range(frames):
        changed = tokens.at[:, frame, 2 : 2 + DEPTH.size].set(0.0)
        assert not np.allclose(apply(params, changed)[:, :7], got[:, :7])


def test_an_encoder_sees_shares_of_255():
    """The network alone gets the same image, divided by 255, with the frames as channels."""
    encoder = image_encoder(SMALL, DEPTH, 2 + DEPTH.size, 2)
    params = jax.jit(encoder.init)(KEY)
    pixels = jax.random.randint(KEY, (3, 2, 36, 40), 0, 256).astype(jnp.float32)
    tokens = jnp.concatenate([jnp.zeros((3, 2, 2)), pixels.reshape(3, 2, -1)], axis=-1)
    net = ImageNet((4, 5, 6), 7)
    wanted = jax.jit(net.apply)(params, jnp.moveaxis(pixels, 1, -1) / 255)
    np.testing.assert_allclose(jax.jit(encoder.apply)(params, tokens)[:, :7], wanted, atol=1e-6)


def test_classes_are_one_hot_channels():
    encoder = encoders.of_single_tokens(image_encoder(SMALL, CLASSES, 1 + CLASSES.size, 1))
    params = jax.jit(encoder.init)(KEY)
    assert params["params"]["Convolution_0"]["kernel"].shape == (8, 8, 2, 4)
    nothing = jnp.zeros((1, 1 + CLASSES.size))
    # Without classes all inputs are 0, so that the features are those of the biases, which are 0.
    np.testing.assert_array_equal(jax.jit(encoder.apply)(params, nothing), np.zeros((1, 8)))


def test_a_chain_encodes_each_token_by_itself():
    frame = encoders.of_single_tokens(image_encoder(SMALL, DEPTH, 2 + DEPTH.size, 1))
    second = encoders.make("gru", 3, frame.size, 5, 1, 1)
    chained = encoders.chain(frame, second)
    params = jax.jit(chained.init)(KEY)
    tokens = jax.random.uniform(KEY, (2, 3, 2 + DEPTH.size), maxval=255.0)
    first = jax.jit(frame.apply)
    one_by_one = jnp.stack([first(params["first"], tokens[:, t]) for t in range(3)], axis=1)
    wanted = jax.jit(second.apply)(params["second"], one_by_one)
    np.testing.assert_allclose(jax.jit(chained.apply)(params, tokens), wanted, atol=1e-6)
    assert chained.size == 5


def test_impossible_settings_are_refused():
    with pytest.raises(UserError, match=r"channels=\(32, 64\): expected 3 numbers of 1 or more"):
        Config(channels=(32, 64))
    with pytest.raises(UserError, match="shift=-1: expected 0 or more"):
        Config(shift=-1)
    with pytest.raises(UserError, match="features=0"):
        Config(features=0)
    with pytest.raises(UserError, match="images of 20 x 40 pixels: expected 36 or more"):
        image_encoder(SMALL, ImageSpec(20, 40, 1, 0, 0, {}), 800, 1)
