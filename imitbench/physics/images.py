"""Images of MuJoCo models: what renderers do, and images inside JAX programs."""

from __future__ import annotations

from typing import Protocol

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from imitbench.core.host import Arrays, host_call
from imitbench.physics.host import flatten_batch


class Renderer(Protocol):
    """Renders states of one model with one camera."""

    @property
    def channels(self) -> int:
        """C, the numbers of a pixel."""
        ...

    def render(self, qpos: np.ndarray, mocap: np.ndarray) -> np.ndarray:
        """Renders images, in numpy.

        Args:
            qpos: [N, nq].
            mocap: [N, 3 * nmocap] positions of the mocap bodies in m, one after the other.

        Returns:
            [N, height * width * C] uint8, row by row from the top left. A state with a number that
            is not finite has a blank image, all 0.
        """
        ...


def finite_rows(qpos: np.ndarray, mocap: np.ndarray) -> np.ndarray:
    """Returns the indices of the states [N, .] whose numbers are all finite."""
    return np.flatnonzero(np.isfinite(qpos).all(axis=1) & np.isfinite(mocap).all(axis=1))


def place(model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray, mocap: np.ndarray) -> None:
    """Puts the bodies of a model where they are in a state.

    Args:
        model: the model.
        data: overwritten.
        qpos: [nq].
        mocap: [3 * nmocap].
    """
    data.qpos[:], data.mocap_pos[:] = qpos, mocap.reshape(-1, 3)
    mujoco.mj_kinematics(model, data)


def image_of_state(
    renderer: Renderer, size: int, qpos: jax.Array, mocap: jax.Array, needed: jax.Array
) -> jax.Array:
    """Renders the image of one state inside a JAX program; batches under `jax.vmap`.

    Args:
        renderer: renders on the host.
        size: bytes of an image.
        qpos: [nq].
        mocap: [3 * nmocap].
        needed: [] bool; where it is false, the image is all 0 and takes no time.

    Returns:
        [size] uint8.
    """

    def body(args: Arrays, outs: Arrays) -> None:
        positions, places, mask = (flatten_batch(x) for x in args)
        images = flatten_batch(outs[0])
        images[:] = 0
        rows = np.flatnonzero(mask[:, 0])
        if len(rows):
            images[rows] = renderer.render(positions[rows], places[rows])

    call = host_call(
        body,
        (jax.ShapeDtypeStruct((size,), jnp.uint8),),
        in_place=jax.default_backend() == "cpu",
    )
    flag = jnp.asarray(needed, jnp.float32)[None]
    return call(qpos, mocap, flag)[0]
