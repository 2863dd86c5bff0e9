"""Traps in rewards, success and timestamps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from imitbench.data.recordings.traps.base import Data, trap


@trap("warning", "shift one of them: row t of both is the outcome of action t")
def _reward_shift(d: Data) -> Iterator[str]:
    """Sparse rewards (two values), the greater of which is one step off success."""
    pairs = [(e.rewards, e.success) for e in d.episodes]
    pairs = [(r, np.ravel(s)) for r, s in pairs if r is not None and s is not None]
    least, most = (0.0, 0.0) if d.rewards is None else (d.rewards.min.min(), d.rewards.max.max())
    if least == most or not all(np.isin(r, (least, most)).all() for r, _ in pairs):
        return  # a shift does not show
    pairs = [(np.ravel(r) == most, s) for r, s in pairs]
    shifts = [int(r.argmax()) - int(s.argmax()) for r, s in pairs if r.any() and s.any()]
    for shift, word in ((-1, "before"), (1, "after")):
        count = shifts.count(shift)
        if count >= max(3, 0.9 * len(shifts)):
            text = f"in {count} of {len(shifts)} episodes with both, the reward of {most:g} comes"
            yield f"{text} one step {word} success"


@trap("warning", "clone actions, or compute the rewards again")
def _reward_constant(d: Data) -> Iterator[str]:
    r = d.rewards
    if r is not None and np.all(r.min == r.max) and d.lengths.sum() > 1:
        yield f"every reward is {r.min.min():g}: returns do not tell good episodes from bad"


@trap("warning", "check the success signal; if it is right, the demonstrator fails")
def _goal_never_reached(d: Data) -> Iterator[str]:
    known = [e.success for e in d.episodes if e.success is not None]
    if known and not any(np.any(x) for x in known):
        yield f"no step of the {len(known)} episodes with a success signal reaches the goal"


def _time_steps(d: Data) -> dict[int, np.ndarray]:
    """Seconds between timestamps, by episode."""
    times = d.arrays.get("timestamps", {})
    return {k: np.diff(np.ravel(x).astype(np.float64)) for k, x in times.items()}


@trap("warning", "sort the steps by time, or split the episodes where time goes back")
def _timestamps_order(d: Data) -> Iterator[str]:
    back = {k: np.flatnonzero(x <= 0) for k, x in _time_steps(d).items()}
    count = sum(map(len, back.values()))
    if count:
        k, rows = next((k, x) for k, x in back.items() if len(x))
        yield (
            f"timestamps that are not later than the one before: {count:,}, the first in row "
            f"{rows[0] + 1} of episode {k}"
        )


@trap("warning", "correct the steps a second, or look for steps that were left out")
def _timestamps_rate(d: Data) -> Iterator[str]:
    delta = np.concatenate([*_time_steps(d).values(), np.zeros(0)])
    delta = delta[np.isfinite(delta)]
    if d.fps and len(delta) and abs(np.median(delta) * d.fps - 1) > 0.05:
        yield (
            f"the median time between timestamps is {np.median(delta):.4g} s, but steps are "
            f"{1 / d.fps:.4g} s apart at {d.fps:g} a second"
        )
