"""Traps in whole episodes: their ends, repeats and joints."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from imitbench.data.episodes import duplicates
from imitbench.data.recordings.recording import Episode
from imitbench.data.recordings.traps.base import Data, of_episodes, trap


@trap("warning", "mark a time limit as truncated, or values will count it as an end of the task")
def _limit_as_end(d: Data) -> Iterator[str]:
    longest, episodes = d.lengths.max(), len(d.lengths)
    count = np.sum(d.terminated & (d.lengths == longest))
    if episodes >= 5 and longest > 1 and count > episodes / 2:
        yield (
            f"{count} of {episodes} episodes are terminated after {longest} steps, as many as the "
            "longest has: it may be a time limit"
        )


@trap("warning", "mark episodes that the task itself ended as terminated")
def _end_as_limit(d: Data) -> Iterator[str]:
    cut = d.lengths[d.truncated]
    lengths = len(np.unique(cut))
    if len(cut) >= 5 and lengths >= 3 and np.sum(cut < d.lengths.max()) > len(cut) / 2:
        yield (
            f"{len(cut)} of {len(d.lengths)} episodes are truncated, at {lengths} lengths from "
            f"{cut.min()} to {cut.max()}: a time limit has one length"
        )


@trap("warning", "find out how they ended: the values at their last steps depend on it")
def _ends_unknown(d: Data) -> Iterator[str]:
    unknown = ~(d.terminated | d.truncated)
    yield from of_episodes(unknown, "neither terminated nor truncated at the last step")


@trap("warning", "remove the copies, or a split puts one episode into training and validation")
def _duplicate_episodes(d: Data) -> Iterator[str]:
    pairs = duplicates((*e.observations.values(), e.actions) for e in d.episodes)
    if pairs:
        some = ", ".join(f"{j} and {k}" for j, k in pairs[:3])
        yield f"episodes that repeat an earlier one: {len(pairs)}, such as {some}"


@trap("warning", "check how the file marks where episodes begin")
def _single_step_episodes(d: Data) -> Iterator[str]:
    yield from of_episodes(d.lengths == 1, "of length 1")


@trap("warning", "clone actions, or drop the last steps of episodes that are not terminated")
def _last_observation_missing(d: Data) -> Iterator[str]:
    missing = [not e.observations.keys() <= e.successors.keys() for e in d.episodes]
    what = "without an observation after the last step: no value to bootstrap that step from"
    yield from of_episodes(np.array(missing), what)


@trap("warning", "join the pieces, or keep them together in a split for validation")
def _episodes_continue(d: Data) -> Iterator[str]:
    if len(d.episodes) < 3 or all(np.all(r.min == r.max) for r in d.fields.values()):
        return
    pairs = zip(d.episodes, d.episodes[1:], strict=False)
    same = [
        all(np.array_equal(b.observations[k][0], _last(a, k)) for k in d.fields) for a, b in pairs
    ]
    if np.mean(same) > 0.5:
        yield f"{sum(same)} of {len(same)} episodes begin where the one before ends"


def _last(e: Episode, name: str) -> np.ndarray:
    x, following = e.observations[name], e.next_observations or {}
    return following[name][-1] if len(x) == e.length and name in following else x[-1]
