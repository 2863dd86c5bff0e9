"""What a recording holds: sizes, ranges, returns, success and variety."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from imitbench.data.recordings.measuring import Range, measure
from imitbench.data.recordings.recording import Recording
from imitbench.data.recordings.variety import (
    ActionVariety,
    StateVariety,
    action_variety,
    state_variety,
)


class Rewards(NamedTuple):
    """The rewards of the episodes that have them."""

    episodes: int
    min: float
    max: float
    nonzero: float  # share of steps
    return_min: float  # undiscounted sums over an episode
    return_median: float
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
    action_variety: ActionVariety
    state_variety: StateVariety


def summarise(recording: Recording) -> Summary:
    """Summarises a recording.

    Args:
        recording: as `check_recording` returns it.

    Returns:
        The summary.
    """
    episodes = recording.episodes
    lengths = [e.length for e in episodes]
    fields = {k: measure([e.observations[k] for e in episodes]) for k in episodes[0].observations}
    actions = measure([e.actions for e in episodes])
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
        action_variety=action_variety(recording, actions),
        state_variety=state_variety(recording, fields),
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
    if s.actions.min.size:
        lines += [("actions", _line(s.actions)), ("", _actions(s.action_variety))]
    else:
        lines += [("actions", "unknown")]
    lines += [("states", _states(s.state_variety))]
    if r is None:
        lines += [("rewards", "unknown")]
    else:
        known = _some(r.episodes, s.episodes)
        span = f"from {r.min + 0:g} to {r.max + 0:g}, {r.nonzero:.1%} not 0{known}"
        spread = f"median {r.return_median + 0:g}, mean {r.return_mean + 0:g}"
        returns = f"from {r.return_min + 0:g} to {r.return_max + 0:g}, {spread}"
        lines += [("rewards", span), ("returns", returns)]
    reached = "unknown"
    if g is not None:
        known = _some(g.episodes, s.episodes)
        reached = f"{g.any:.1%} of episodes at some step, {g.last:.1%} after the last one{known}"
    lines += [("success", reached)]
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


def _actions(v: ActionVariety) -> str:
    parts = [f"{v.distinct:.1%} distinct"]
    if v.choices is not None:
        parts = [f"{v.choices} choices used"]
    if v.saturated is not None:
        parts.append(f"{v.saturated:.1%} of components at a bound")
    if v.repeated is not None:
        parts.append(f"{v.repeated:.1%} repeat the one before")
    return ", ".join(parts)


def _states(v: StateVariety) -> str:
    resting = "" if v.resting is None else f", {v.resting:.1%} of steps at rest"
    return f"{v.distinct:.1%} distinct{resting}"


def _some(known: int, episodes: int) -> str:
    return "" if known == episodes else f" (of the {known} episodes that have them)"


def ends_of(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Returns how episodes end: [K] bool twice, terminated, and truncated but not terminated."""
    flags = [(e.terminated, e.truncated) for e in recording.episodes]
    ends = np.array([[x is not None and bool(x[-1]) for x in pair] for pair in flags])
    return ends[:, 0], ends[:, 1] & ~ends[:, 0]


def _rewards(known: list[np.ndarray]) -> Rewards | None:
    if not known:
        return None
    r, nonzero = measure(known), sum(map(np.count_nonzero, known)) / sum(map(len, known))
    with np.errstate(all="ignore"):
        sums = [float(np.sum(x, dtype=np.float64)) for x in known]
        returns = [float(f(sums)) for f in (np.min, np.median, np.mean, np.max)]
    return Rewards(len(known), float(np.min(r.min)), float(np.max(r.max)), float(nonzero), *returns)


def _success(known: list[np.ndarray]) -> Success | None:
    if not known:
        return None
    reached, last = (sum(map(np.any, x)) / len(known) for x in (known, [x[-1] for x in known]))
    return Success(len(known), float(reached), float(last))
