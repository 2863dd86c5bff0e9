"""Demonstrated steps whose successor is known, for methods that compare observations with it."""

from __future__ import annotations

import jax.numpy as jnp

from imitbench.core.types import Transition


def known_successors(demos: Transition) -> Transition:
    """Gives weight 0 to the steps whose successor is not known.

    A file that lacks the observation after the step that terminates an episode gives that step its
    own observation as the next one. For most methods that is no matter, because nothing follows.

    Args:
        demos: rows [N].

    Returns:
        The rows, of which terminated ones that seem to change nothing have weight 0.
    """
    unknown = demos.terminated & jnp.all(demos.next_obs == demos.obs, axis=-1)
    return demos.replace(weight=jnp.where(unknown, 0.0, demos.weight))
