"""Demonstrated episodes that are held out of training, for validation."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from imitbench.core import buffer
from imitbench.core.types import EpisodeSizes, Spec, Transition


class HeldOut(NamedTuple):
    """The episodes that are held out of training."""

    mask: jax.Array  # [N] bool
    begin: jax.Array  # []: all of them are in the `size` rows from here on
    size: int
    exact: bool  # whether they have exactly that many rows


def find(share: float, spec: Spec, demos: Transition) -> HeldOut | None:
    """Finds the last episodes of demonstrations.

    Args:
        share: of the episodes, in [0, 1), rounded down.
        spec: of the task.
        demos: rows [N] of whole episodes.

    Returns:
        Those episodes; None if there are none.
    """
    total = demos.weight.shape[0]
    sizes = demos.sizes or EpisodeSizes(total // spec.horizon, spec.horizon)
    held = int(share * sizes.count)
    if not held:
        return None
    size = min(total, held * sizes.longest)
    episodes = buffer.find_episodes(demos)
    begin = jnp.maximum(episodes.used - size, 0)
    index = jnp.arange(total)
    mask = (episodes.episode >= episodes.count - held) & (index >= begin) & (index < episodes.used)
    equally_long = demos.sizes is not None and total == sizes.count * sizes.longest
    return HeldOut(mask, begin, size, equally_long)
