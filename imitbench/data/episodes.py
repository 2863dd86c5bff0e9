"""Checks of single episodes of a data set: whether they are whole, and whether they end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from imitbench.data.rows import Demos
from imitbench.utils.errors import UserError


def check_whole(demos: Demos) -> None:
    """Checks that no episode has a gap.

    Args:
        demos: the data set.

    Raises:
        UserError: an episode has one.
    """
    rows, first = demos.rows, demos.starts
    # Other formats keep n + 1 observations: each next_obs must be the obs of the step after it.
    joined = (np.asarray(rows.obs)[1:] == np.asarray(rows.next_obs)[:-1]).all(axis=-1)
    joined[first[1:] - 1] = True
    whole = (np.asarray(rows.weight) == 1) & np.append(joined, True)
    broken = np.flatnonzero(~whole)
    if len(broken):
        k = np.searchsorted(first, broken[0], side="right") - 1
        raise UserError(
            f"episode {k} is not whole (weights 1, then 0; each next_obs the obs of the step after "
            "it): only whole episodes can be exported"
        )


def duplicates(episodes: Iterable[Sequence[np.ndarray]]) -> list[tuple[int, int]]:
    """Finds episodes that repeat an earlier one.

    Args:
        episodes: the arrays of each episode, which are compared bit by bit.

    Returns:
        (the earlier episode, the one that repeats it) for each.
    """
    first: dict[bytes, int] = {}
    pairs = []
    for k, arrays in enumerate(episodes):
        digest = hashlib.blake2b(digest_size=16)
        for x in arrays:
            digest.update(repr(x.shape).encode())
            digest.update(np.ascontiguousarray(x).data)
        j = first.setdefault(digest.digest(), k)
        if j != k:
            pairs.append((j, k))
    return pairs


def check_ends(ends: np.ndarray, where: str) -> None:
    """Checks that an episode does not go on after its end.

    Args:
        ends: [n] bool, whether the episode ends with each step.
        where: the file and the episode, for the message.

    Raises:
        UserError: it does.
    """
    early = np.flatnonzero(ends[:-1])
    if len(early):
        raise UserError(
            f"{where} goes on for {len(ends)} steps, but ends at step {early[0] + 1}: cut it"
        )
