"""Draws from demonstrations and extra data."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.common.replay_buffer import Experience, RowSampler, demo_experience
from imitbench.core import buffer
from imitbench.core.types import Key, Transition


class Labelled(struct.PyTreeNode):
    """Steps of all data."""

    steps: Experience
    is_demo: jax.Array  # [...] bool


class Samplers(NamedTuple):
    """Draws from the data; (key, n) -> rows [n]."""

    demos: RowSampler
    all_data: Callable[[Key, int], Labelled]
    initial: Callable[[Key, int], jax.Array]  # observations [n, O] in which episodes begin


def demo_mask(demos: Transition) -> jax.Array:
    """[N] bool: the real rows that are demonstrations."""
    real = demos.weight > 0
    return real if demos.extra is None else real & ~demos.extra


def samplers(demos: Transition) -> Samplers:
    """Builds the draws from rows [N] of whole episodes."""
    places, steps = buffer.find_episodes(demos), demo_experience(demos)
    begins = (places.t == 0) & (jnp.arange(demos.weight.size) < places.used)
    mask = demo_mask(demos)
    return Samplers(
        buffer.real_row_sampler(steps, mask),
        buffer.real_row_sampler(Labelled(steps, mask), demos.weight),
        buffer.real_row_sampler(demos.obs, begins),
    )
