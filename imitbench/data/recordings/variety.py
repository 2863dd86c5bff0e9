"""How different the actions and states of a recording are from each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from imitbench.data.recordings.measuring import Range
from imitbench.data.recordings.recording import Recording, are_choices

SAMPLE = 10_000  # steps that distinct actions and states are counted on
CLOSE = 1e-3  # of the range of a component: so close to a bound it is at the bound
STILL = 0.01  # of a component's std: it rests if it moves no further in a step
NOISE = 1e-3  # of the median std: a component that varies less is noise, which never rests


class ActionVariety(NamedTuple):
    """How different actions are."""

    distinct: float  # share of distinct actions among sampled ones, to a hundredth of their range
    choices: int | None  # how many different choices are made; None for continuous actions
    saturated: float | None  # share of components at a bound; None without bounds
    repeated: float | None  # share that equals the action of the step before; None without pairs


class StateVariety(NamedTuple):
    """How different states are."""

    distinct: float  # share of distinct observations among sampled ones, to a hundredth of a std
    resting: float | None  # share of steps in which no component moves by more than that


def action_variety(recording: Recording, actions: Range) -> ActionVariety:
    """Measures how different the actions of a recording are.

    Args:
        recording: as `check_recording` returns it.
        actions: their range.

    Returns:
        Shares of steps, for distinct actions of at most 10,000 steps, drawn with a fixed seed.
        Without bounds, those of [-1, 1] count where no action is outside.
    """
    episodes = [e.actions for e in recording.episodes]
    flat = [x.reshape(len(x), x[0].size) for x in episodes]
    pairs = [(x[1:] == x[:-1]).all(axis=1) for x in flat]
    repeated = _share(pairs)
    steps = _sampled(recording)
    if are_choices(episodes[0]):
        used = np.unique(np.concatenate([np.unique(x) for x in episodes]))
        return ActionVariety(len(used) / len(steps), len(used), None, repeated)
    low, high = _bounds(recording, actions)
    size = (
        np.maximum(actions.max - actions.min, 1e-12).reshape(1, -1) if low is None else high - low
    )
    with np.errstate(all="ignore"):
        distinct = _distinct(np.round(episodes[k][t].reshape(-1) / size, 2) for k, t in steps)
        saturated = None
        if low is not None:
            near = CLOSE * (high - low)
            saturated = _share((x <= low + near) | (x >= high - near) for x in flat)
    return ActionVariety(distinct, None, saturated, repeated)


def _bounds(recording: Recording, actions: Range) -> tuple[np.ndarray | None, np.ndarray]:
    """The bounds [A] of continuous actions; None first where they are not known."""
    low, high = recording.action_low, recording.action_high
    if low is not None and high is not None and len(low) in (1, actions.min.size):
        return np.asarray(low, np.float64), np.asarray(high, np.float64)
    one = np.ones(1)
    inside = actions.min.size and np.min(actions.min) >= -1 and np.max(actions.max) <= 1
    return (-one if inside else None), one


def state_variety(recording: Recording, fields: dict[str, Range]) -> StateVariety:
    """Measures how different the observations of a recording are.

    Args:
        recording: as `check_recording` returns it.
        fields: the ranges of its observations, by name.

    Returns:
        Shares of steps, for distinct observations of at most 10,000 steps, drawn with a fixed seed.
    """
    scales = [(k, r.mean, np.where(r.std > 0, r.std, 1.0)) for k, r in fields.items()]
    floor = NOISE * float(np.median(np.concatenate([r.std.reshape(-1) for r in fields.values()])))
    resting = []
    with np.errstate(all="ignore"):

        def cell(k: int, t: int) -> np.ndarray:
            row = recording.episodes[k].observations
            parts = [np.round((row[name][t] - mean) / std, 2) for name, mean, std in scales]
            return np.concatenate([x.reshape(-1) for x in parts])

        for e in recording.episodes:
            moved = [
                np.abs(np.diff(e.observations[name].astype(np.float64), axis=0))
                > STILL * np.maximum(std, floor)
                for name, _, std in scales
            ]
            pairs = min(map(len, moved))
            masks = [x[:pairs].any(axis=tuple(range(1, x.ndim))) for x in moved]
            resting.append(~np.any(masks, axis=0))
        distinct = _distinct(cell(k, t) for k, t in _sampled(recording))
    return StateVariety(distinct, _share(resting))


def _sampled(recording: Recording) -> list[tuple[int, int]]:
    """Steps, all or a sample: (episode, row)."""
    lengths = np.array([e.length for e in recording.episodes])
    ends, steps = np.cumsum(lengths), np.arange(lengths.sum())
    if len(steps) > SAMPLE:
        steps = np.random.default_rng(0).choice(len(steps), SAMPLE, replace=False, shuffle=False)
    episodes = np.searchsorted(ends, steps, side="right")
    rows = steps - (ends - lengths)[episodes]
    return list(zip(episodes.tolist(), rows.tolist(), strict=True))


def _distinct(rows: Iterable[np.ndarray]) -> float:
    """The share of different rows."""
    hashes = [hash((x + 0.0).tobytes()) for x in rows]  # + 0.0: -0 becomes 0
    return len(set(hashes)) / len(hashes)


def _share(masks: Iterable[np.ndarray]) -> float | None:
    """The share of true entries of all masks; None where there is no entry."""
    counts = np.array([(np.count_nonzero(x), x.size) for x in masks])
    return float(counts[:, 0].sum() / counts[:, 1].sum()) if counts[:, 1].sum() else None
