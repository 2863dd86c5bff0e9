"""What a recording holds: sizes, ranges, returns, success and variety."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from imitbench.data.recordings.recording import Recording, are_choices

BLOCK = 2**20  # numbers that are converted at a time: no second copy of a recording is made
SAMPLE = 10_000  # observations that coverage is counted on


class Range(NamedTuple):
    """The numbers of one array over all rows, by component; those that are not finite left out."""

    shape: tuple[int, ...]  # of one step
    dtype: str  # "float32"; "float32, float64" where episodes differ
    min: np.ndarray  # of `shape`, as the three below; NaN where no number is finite
    max: np.ndarray
    mean: np.ndarray
    std: np.ndarray  # divided by the number of rows; exactly 0 for a constant
    nonfinite: int  # numbers that are NaN or infinite


class Rewards(NamedTuple):
    """The rewards of the episodes that have them."""

    episodes: int
    min: float
    max: float
    nonzero: float  # share of steps
    return_min: float  # undiscounted sums over an episode
    return_mean: float
    return_max: float


class Success(NamedTuple):
    """Success in the episodes that record it."""

    episodes: int
    any: float  # share of these episodes that reach the goal at any step
    last: float  # share that is at the goal after the last step


class Ends(NamedTuple):
    """How many episodes end in which way; the three sum to the number of episodes."""

    terminated: int
    truncated: int  # and not terminated
    unknown: int  # no flag at the last step


class Summary(NamedTuple):
    """The contents of a recording."""

    format: str
    episodes: int
    steps: int
    lengths: tuple[int, float, int]  # shortest, median, longest
    fields: dict[str, Range]  # the observations by name, with those after the last steps
    actions: Range
    rewards: Rewards | None  # None: no episode has any, as for success
    success: Success | None
    ends: Ends
    fps: float | None
    env_id: str | None
    demonstrator: str
    variety: float | None  # mean over components of the actions' std; None for discrete actions
    coverage: float  # share of distinct cells among sampled observations


def summarise(recording: Recording) -> Summary:
    """Summarises a recording.

    Args:
        recording: as `check_recording` returns it.

    Returns:
        The summary. For coverage, the observations of at most 10,000 steps, drawn with a fixed
        seed, are standardised by component and rounded to 2 decimals: equal ones are one cell.
    """
    episodes = recording.episodes
    lengths = [e.length for e in episodes]
    fields = {k: measure([e.observations[k] for e in episodes]) for k in episodes[0].observations}
    actions = measure([e.actions for e in episodes])
    no_std = are_choices(episodes[0].actions) or not actions.std.size
    terminated, truncated = (int(x.sum()) for x in ends_of(recording))
    return Summary(
        format=recording.format,
        episodes=len(episodes),
        steps=sum(lengths),
        lengths=(min(lengths), float(np.median(lengths)), max(lengths)),
        fields=fields,
        actions=actions,
        rewards=_rewards([e.rewards for e in episodes if e.rewards is not None]),
        success=_success([e.success for e in episodes if e.success is not None]),
        ends=Ends(terminated, truncated, len(episodes) - terminated - truncated),
        fps=recording.fps,
        env_id=recording.env_id,
        demonstrator=recording.demonstrator,
        variety=None if no_std else float(np.mean(actions.std)),
        coverage=_coverage(recording, fields),
    )


def describe(summary: Summary) -> str:
    """Describes a recording in lines for a terminal.

    Args:
        summary: the recording's.

    Returns:
        Lines of a label and its text. Numbers of an array are extremes over its components.
    """
    s, r, g = summary, summary.rewards, summary.success
    lines = [
        ("format", s.format),
        ("origin", f"environment {s.env_id or 'unknown'}, demonstrator {s.demonstrator}"),
        ("rate", "unknown" if s.fps is None else f"{s.fps:g} steps a second"),
        ("size", f"{s.episodes:,} episodes, {s.steps:,} steps"),
        ("lengths", "from {:,} to {:,}, median {:g}".format(*s.lengths[::2], s.lengths[1])),
        ("ends", "{} terminated, {} truncated, {} unknown".format(*s.ends)),
    ]
    lines += [(f"observation {name!r}", _line(x)) for name, x in s.fields.items()]
    reward = reached = "unknown"
    if r is not None:
        reward = (
            f"from {r.min:g} to {r.max:g}, {r.nonzero:.1%} not 0; returns from {r.return_min:g} "
        )
        reward += f"to {r.return_max:g}, mean {r.return_mean:g}{_some(r.episodes, s.episodes)}"
    if g is not None:
        reached = f"any {g.any:.1%}, last {g.last:.1%}{_some(g.episodes, s.episodes)}"
    variety = "no std of actions" if s.variety is None else f"mean std of actions {s.variety:.3g}"
    variety += f"; {s.coverage:.1%} distinct observations"
    lines += [("actions", _line(s.actions)), ("rewards", reward)]
    lines += [("success", reached), ("variety", variety)]
    width = max(len(label) for label, _ in lines) + 2
    return "\n".join(f"{label:{width}}{text}" for label, text in lines)


def _line(x: Range) -> str:
    if not x.min.size:
        return f"{x.shape} {x.dtype}: no components"
    spans = [f"from {np.min(x.min):.4g} to {np.max(x.max):.4g}"]
    for name, v in (("mean", x.mean), ("std", x.std)):
        low, high = f"{np.min(v):.4g}", f"{np.max(v):.4g}"
        spans.append(f"{name} {low}" if low == high else f"{name} from {low} to {high}")
    spans += [f"{x.nonfinite:,} not finite"] if x.nonfinite else []
    return f"{x.shape} {x.dtype}: {', '.join(spans)}"


def _some(known: int, episodes: int) -> str:
    return "" if known == episodes else f" (of the {known} episodes that have them)"


def ends_of(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Returns how episodes end: [K] bool twice, terminated, and truncated but not terminated."""
    flags = [(e.terminated, e.truncated) for e in recording.episodes]
    ends = np.array([[x is not None and bool(x[-1]) for x in pair] for pair in flags])
    return ends[:, 0], ends[:, 1] & ~ends[:, 0]


def blocks(arrays: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yields all rows of arrays [n, ...] as float64 [R, C], about `BLOCK` numbers at a time."""
    columns = math.prod(arrays[0].shape[1:])
    most, group, rows = max(1, BLOCK // max(1, columns)), [], 0
    for x in arrays:
        flat = x.reshape(len(x), columns)
        for i in range(0, len(x), most):
            group.append(flat[i : i + most])
            rows += len(group[-1])
            if rows >= most:
                yield np.concatenate(group, dtype=np.float64)
                group, rows = [], 0
    if group:
        yield np.concatenate(group, dtype=np.float64)


def measure(arrays: Sequence[np.ndarray]) -> Range:
    """Measures the numbers of one array over all episodes, in float64.

    Args:
        arrays: one for each episode, [n, ...].

    Returns:
        Ranges and moments by component.
    """
    shape = arrays[0].shape[1:]
    total, count, squares = np.zeros((3, math.prod(shape)))
    low, high, nonfinite = total + np.inf, total - np.inf, 0
    with np.errstate(all="ignore"):  # numbers may be of any size, and none may be finite
        for x, mask in _masked(arrays):
            low = np.minimum(low, x.min(axis=0, initial=np.inf, where=mask))
            high = np.maximum(high, x.max(axis=0, initial=-np.inf, where=mask))
            total += x.sum(axis=0, where=mask)
            count += np.broadcast_to(mask, x.shape).sum(axis=0)
            nonfinite += 0 if mask is True else int(np.sum(~mask))
        mean = total / count
        for x, mask in _masked(arrays):
            squares += np.square(x - mean).sum(axis=0, where=mask)
        std = np.where(low == high, 0.0, np.sqrt(squares / count))
    low, high = (np.where(count > 0, v, np.nan) for v in (low, high))
    low, high, mean, std = (v.reshape(shape) for v in (low, high, mean, std))
    dtypes = ", ".join(sorted({str(x.dtype) for x in arrays}))
    return Range(shape, dtypes, low, high, mean, std, nonfinite)


def _masked(arrays: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray | bool]]:
    """Blocks with the mask of their finite numbers, which is True where all are."""
    for x in blocks(arrays):
        mask = np.isfinite(x)
        yield x, True if mask.all() else mask


def _rewards(known: list[np.ndarray]) -> Rewards | None:
    if not known:
        return None
    r, nonzero = measure(known), sum(map(np.count_nonzero, known)) / sum(map(len, known))
    with np.errstate(all="ignore"):
        sums = [float(np.sum(x, dtype=np.float64)) for x in known]
        returns = float(np.min(sums)), float(np.mean(sums)), float(np.max(sums))
    return Rewards(len(known), float(np.min(r.min)), float(np.max(r.max)), float(nonzero), *returns)


def _success(known: list[np.ndarray]) -> Success | None:
    if not known:
        return None
    reached, last = (sum(map(np.any, x)) / len(known) for x in (known, [x[-1] for x in known]))
    return Success(len(known), float(reached), float(last))


def _coverage(recording: Recording, fields: dict[str, Range]) -> float:
    lengths = np.array([e.length for e in recording.episodes])
    ends, steps = np.cumsum(lengths), np.arange(lengths.sum())
    if len(steps) > SAMPLE:
        steps = np.random.default_rng(0).choice(len(steps), SAMPLE, replace=False, shuffle=False)
    episodes = np.searchsorted(ends, steps, side="right")
    scales = [(k, r.mean, np.where(r.std > 0, r.std, 1.0)) for k, r in fields.items()]
    cells = set()
    with np.errstate(all="ignore"):
        for k, t in zip(episodes, steps - (ends - lengths)[episodes], strict=True):
            row = recording.episodes[k].observations
            cell = [np.round((row[name][t] - mean) / std, 2) for name, mean, std in scales]
            cells.add(hash(b"".join((x + 0.0).tobytes() for x in cell)))  # + 0.0: -0 becomes 0
    return len(cells) / len(steps)
