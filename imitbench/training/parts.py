"""Parts of the training between two evaluations; progress is shown and metrics taken after each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.types import Cost, Key, Metrics, Transition

OnPart = Callable[[float], None]
"""Gets the share of the updates between two evaluations that was done since the last call."""

PART_STEPS = 2_000  # gradient or environment steps of a part, at least
MAX_PARTS = 5  # between two evaluations


def part_count(cost: Cost, updates: int) -> int:
    """Chooses into how many equal parts the updates between two evaluations are divided.

    Progress is shown and metrics are taken after each part.

    Args:
        cost: of these updates.
        updates: their number.

    Returns:
        A divisor of `updates`, at most `MAX_PARTS`, that leaves each part `PART_STEPS` steps.
    """
    most = min(MAX_PARTS, max(cost.grad_steps, cost.env_steps) // PART_STEPS)
    return next((n for n in range(most, 1, -1) if updates % n == 0), 1)


def run_parts(
    run_update: Callable[..., tuple[Any, Metrics, jax.Array]],
    parts: int,
    length: int,
    on_part: Callable[[], None] | None,
    keys: Key,
    updates: jax.Array,
    algo_state: Any,
    demos: Transition,
) -> tuple[Any, Metrics, jax.Array]:
    """Runs the parts of a chunk one after the other, for one seed or for all.

    Args:
        run_update: the compiled updates of one part.
        parts: P, their number.
        length: the updates of each.
        on_part: called after each part; None: nothing waits for a part.
        keys: [] or [S].
        updates: [] updates done before.
        algo_state: the method's state, leaves [...] or [S, ...].
        demos: leaves [N, ...] or [S, N, ...].

    Returns:
        The new state, the metrics' means over each part [..., P], and whether a seed diverged.
    """
    all_metrics, diverged = [], jnp.zeros(keys.shape, bool)
    for part in range(parts):
        algo_state, metrics, now = run_update(keys, updates + part * length, algo_state, demos)
        all_metrics.append(metrics)
        diverged |= now
        if on_part is not None:
            jax.block_until_ready(diverged)
            on_part()
    return algo_state, jax.tree.map(lambda *x: jnp.stack(x, -1), *all_metrics), diverged
