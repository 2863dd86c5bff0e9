"""Episodes that end at the goal: steps after their first success are left out, and a step that
reaches its goal terminates.

Source: Ding et al. 2019 (arXiv:1906.05838), whose code ends episodes at the goal and draws no
demonstrated step from after it.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from imitbench.algos.common import hindsight
from imitbench.algos.common.replay_buffer import Experience, RowSampler
from imitbench.core import buffer
from imitbench.core.types import Spec, Transition


def end_at_success(demos: Transition) -> Transition:
    """Ends episodes at their first success.

    Args:
        demos: rows [N] of whole episodes, one after the other.

    Returns:
        The rows [N] in their order, with those after the first success of their episode at the end,
        where they have weight 0 and belong to no episode. The first success terminates its episode.
    """
    places = buffer.find_episodes(demos)
    real = jnp.arange(demos.weight.shape[0]) < places.used
    kept = real & ~buffer.happened_before(demos.success, places)
    ended = demos.replace(
        terminated=kept & (demos.terminated | demos.success),
        truncated=kept & demos.truncated & ~demos.success,
        weight=jnp.where(kept, demos.weight, 0.0),
    )
    return buffer.select(ended, jnp.argsort(~kept, stable=True))


def terminate_reached(sample: RowSampler, spec: Spec) -> RowSampler:
    """Wraps a sampler: its steps terminate where they reach the goal that they have, which may be
    one of hindsight.

    Args:
        sample: draws steps.
        spec: of a task with goals.
    """

    def draw(key: jax.Array, batch: int) -> Experience:
        rows = sample(key, batch)
        reached = hindsight.reached(rows.next_obs, spec)
        return rows.replace(terminated=rows.terminated | reached)

    return draw
