"""Extra data beside demonstrations: both in the rows of one seed, told apart by a flag."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from imitbench.core.types import Transition
from imitbench.data.demonstrations import draw_episodes, rows_of
from imitbench.data.rows import Demos

PURPOSE = 0xE87A  # of the draws of extra episodes


def join(demos: Demos, extra: Demos) -> Demos:
    """Joins demonstrations and extra data to one data set, whose rows say which is which.

    Args:
        demos: the demonstrations, K episodes.
        extra: the extra data, L episodes.

    Returns:
        K + L episodes under the header of the demonstrations, without poses; the rows' `extra` is
        true for those of the extra data.
    """
    parts = [
        part.rows.replace(pose=None, extra=np.full(len(part.rows.weight), is_extra))
        for part, is_extra in ((demos, False), (extra, True))
    ]
    rows = jax.tree.map(lambda *x: np.concatenate(x), *parts)
    lengths = np.concatenate([demos.lengths, extra.lengths])
    return Demos(rows, demos.header, lengths, (*demos.warnings, *extra.warnings))


def subset(
    demos: Demos,
    k: int,
    extra: Demos,
    episodes: int,
    seeds: Sequence[int],
    *,
    same: bool = False,
    stride: int = 1,
) -> Transition:
    """Draws demonstrations and extra episodes for each training seed, without replacement.

    Args:
        demos: the demonstrations.
        k: how many of them each seed gets; they are those of `demonstrations.subset`.
        extra: the extra data.
        episodes: how many of those each seed gets.
        seeds: the S training seeds.
        same: draw once, with the number of the first seed, for all seeds.
        stride: keep one step in `stride` of each episode, from a random offset on.

    Returns:
        Rows [S, N, ...], or [N, ...] if `same`, with `extra`: those of the demonstrations come
        first.

    Raises:
        UserError: there are fewer episodes, or `stride` is out of range.
    """
    numbers = seeds[:1] if same else seeds
    drawn = draw_episodes(demos, k, numbers)
    further = len(demos) + draw_episodes(extra, episodes, numbers, PURPOSE)
    both = np.concatenate([drawn, further], axis=1)
    return rows_of(join(demos, extra), both, numbers, stride=stride, same=same)
