"""Traps in recordings: what makes a method learn something wrong from files that open well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from imitbench.data.episodes import duplicates
from imitbench.data.recordings.inspection import Range, blocks, ends_of, is_discrete, measure
from imitbench.data.recordings.recording import Episode, Recording
from imitbench.data.validate import first_places

TOLERANCE = 1e-5  # beyond bounds of actions, for the rounding of other programs


class Finding(NamedTuple):
    """One trap in a recording."""

    name: str
    severity: Literal["error", "warning"]
    text: str  # what was found and where
    remedy: str


class _Data(NamedTuple):
    """A recording with the numbers that several checks need."""

    episodes: list[Episode]
    arrays: dict[str, dict[int, np.ndarray]]  # of numbers, by name and episode
    lengths: np.ndarray  # [K]
    terminated: np.ndarray  # [K] bool, at the last step
    truncated: np.ndarray  # [K] bool, and not terminated
    fields: dict[str, Range]
    actions: Range
    rewards: Range | None
    low: np.ndarray  # [A] or [1], the bounds of actions; infinite for discrete ones
    high: np.ndarray
    fps: float | None


_Check = Callable[[_Data], Iterator[str]]  # yields the text of each finding
_CHECKS: list[tuple[str, Literal["error", "warning"], str, _Check]] = []


def check(recording: Recording, action_bound: float | None = 1.0) -> list[Finding]:
    """Looks for traps in a recording.

    Args:
        recording: as `check_recording` returns it.
        action_bound: the largest magnitude of an action where the recording has no bounds of its
            own; None: no bound.

    Returns:
        The findings, errors first; empty where there is none.
    """
    episodes, arrays = recording.episodes, _arrays(recording.episodes)
    ranges = {k: measure(list(v.values())) for k, v in arrays.items() if k[:4] != "next"}
    bound = np.inf if action_bound is None or is_discrete(recording) else action_bound
    low, high = recording.action_low, recording.action_high
    terminated, truncated = ends_of(recording)
    data = _Data(
        episodes=episodes,
        arrays=arrays,
        lengths=np.array([e.length for e in episodes]),
        terminated=terminated,
        truncated=truncated,
        fields={k: ranges[f"observation {k!r}"] for k in episodes[0].observations},
        actions=ranges["actions"],
        rewards=ranges.get("rewards"),
        low=np.ravel(-bound if low is None else low),
        high=np.ravel(bound if high is None else high),
        fps=recording.fps,
    )
    with np.errstate(all="ignore"):  # numbers may be of any size, or not finite
        found = [
            Finding(name, severity, text, remedy)
            for name, severity, remedy, find in _CHECKS
            for text in find(data)
        ]
    return sorted(found, key=lambda f: f.severity != "error")


def _trap(severity: Literal["error", "warning"], remedy: str) -> Callable[[_Check], _Check]:
    """Registers a check; its name is the function's."""

    def register(find: _Check) -> _Check:
        _CHECKS.append((find.__name__.strip("_").replace("_", "-"), severity, remedy, find))
        return find

    return register


@_trap("error", "remove these episodes, or write them again")
def _not_finite(d: _Data) -> Iterator[str]:
    for name, arrays in d.arrays.items():
        count = sum(int(np.sum(~np.isfinite(x))) for x in blocks(list(arrays.values())))
        if count:
            k, x = next((k, x) for k, x in arrays.items() if not np.isfinite(x).all())
            where = f"row {np.argwhere(~np.isfinite(x))[0][0]} of episode {k}"
            yield f"{name}: numbers that are NaN or infinite: {count:,}, the first in {where}"


@_trap("error", "correct the bounds in the file")
def _action_bounds_size(d: _Data) -> Iterator[str]:
    if not {len(d.low), len(d.high)} <= {1, d.actions.min.size}:
        sizes = f"{len(d.low)} and {len(d.high)}"
        yield f"the bounds have {sizes} components, the actions {d.actions.min.size}"


@_trap(
    "error", "divide them by the bounds, clip them if the environment does so, or correct bounds"
)
def _action_out_of_bounds(d: _Data) -> Iterator[str]:
    beyond, _ = _action_reach(d)
    if np.any(beyond > 0):
        k = int(np.argmax(beyond))
        least, most = d.actions.min.ravel()[k], d.actions.max.ravel()[k]
        low, high = (np.broadcast_to(x, beyond.shape)[k] for x in (d.low, d.high))
        yield (
            f"actions: {_components(beyond > 0)} outside the bounds, the furthest component {k}: "
            f"from {least:g} to {most:g}, bounds {low:g} and {high:g}"
        )


@_trap("warning", "check the unit of the actions: scale them so that the bounds are -1 and 1")
def _action_scale(d: _Data) -> Iterator[str]:
    largest = max(_action_reach(d)[1], default=0.0)
    if largest > 10 or 0 < largest < 0.05:
        yield f"actions reach {largest:.3g} times as far from the middle of the bounds as these do"


def _action_reach(d: _Data) -> tuple[np.ndarray, np.ndarray]:
    """How far actions go beyond their bounds, and from the middle where a bound is 1: [A] twice."""
    least, most = d.actions.min.ravel(), d.actions.max.ravel()
    if not {len(d.low), len(d.high)} <= {1, len(least)}:
        return np.zeros(len(least)), np.zeros(len(least))
    slack_low, slack_high = (TOLERANCE * np.maximum(1, np.abs(x)) for x in (d.low, d.high))
    beyond = np.maximum(d.low - slack_low - least, most - d.high - slack_high)
    middle, half = (d.low + d.high) / 2, (d.high - d.low) / 2
    reach = np.maximum(most - middle, middle - least) / half
    return np.where(beyond > 0, beyond, 0.0), np.where(np.isfinite(reach), reach, 0.0)


@_trap("warning", "standardise the observations, or remove components that hold only noise")
def _observation_scale(d: _Data) -> Iterator[str]:
    stds = {name: r.std.ravel() for name, r in d.fields.items()}
    if any(np.any((std >= 1e-6) & (std <= 1e3)) for std in stds.values()):
        for name, std in stds.items():
            far = (std > 1e3) | ((std > 0) & (std < 1e-6))
            if far.any():
                sizes = " and ".join(f"{v:.3g}" for v in std[far][:3])
                yield f"observation {name!r}: std of {_components(far)} beside others: {sizes}"


@_trap("warning", "remove them if they mean nothing: a policy cannot learn what they mean")
def _observation_constant(d: _Data) -> Iterator[str]:
    for name, r in d.fields.items():
        same = (r.min == r.max).ravel()
        if same.any() and d.lengths.sum() > 1:
            yield f"observation {name!r}: never different: {_components(same)} of {same.size}"


@_trap("warning", "check that the file holds the actions that were executed")
def _action_constant(d: _Data) -> Iterator[str]:
    same = (d.actions.min == d.actions.max).ravel()
    if same.any() and d.lengths.sum() > 1:
        yield f"actions: never different: {_components(same)} of {same.size}"


@_trap("warning", "mark a time limit as truncated, or values will count it as an end of the task")
def _limit_as_end(d: _Data) -> Iterator[str]:
    longest, episodes = d.lengths.max(), len(d.lengths)
    count = np.sum(d.terminated & (d.lengths == longest))
    if episodes >= 5 and longest > 1 and count > episodes / 2:
        yield (
            f"{count} of {episodes} episodes are terminated after {longest} steps, as many as the "
            "longest has: it may be a time limit"
        )


@_trap("warning", "mark episodes that the task itself ended as terminated")
def _end_as_limit(d: _Data) -> Iterator[str]:
    cut = d.lengths[d.truncated]
    lengths = len(np.unique(cut))
    if len(cut) >= 5 and lengths >= 3 and np.sum(cut < d.lengths.max()) > len(cut) / 2:
        yield (
            f"{len(cut)} of {len(d.lengths)} episodes are truncated, at {lengths} lengths from "
            f"{cut.min()} to {cut.max()}: a time limit has one length"
        )


@_trap("warning", "find out how they ended: the values at their last steps depend on it")
def _ends_unknown(d: _Data) -> Iterator[str]:
    unknown = ~(d.terminated | d.truncated)
    yield from _episodes(unknown, "neither terminated nor truncated at the last step")


@_trap("warning", "remove the copies, or a split puts one episode into training and validation")
def _duplicate_episodes(d: _Data) -> Iterator[str]:
    pairs = duplicates((*e.observations.values(), e.actions) for e in d.episodes)
    if pairs:
        some = ", ".join(f"{j} and {k}" for j, k in pairs[:3])
        yield f"episodes that repeat an earlier one: {len(pairs)}, such as {some}"


@_trap("warning", "check how the file marks where episodes begin")
def _single_step_episodes(d: _Data) -> Iterator[str]:
    yield from _episodes(d.lengths == 1, "of length 1")


@_trap("warning", "clone actions, or drop the last steps of episodes that are not terminated")
def _last_observation_missing(d: _Data) -> Iterator[str]:
    missing = [not e.observations.keys() <= e.successors.keys() for e in d.episodes]
    what = "without an observation after the last step: no value to bootstrap that step from"
    yield from _episodes(np.array(missing), what)


@_trap("warning", "shift one of them: row t of both is the outcome of action t")
def _reward_shift(d: _Data) -> Iterator[str]:
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


@_trap("warning", "clone actions, or compute the rewards again")
def _reward_constant(d: _Data) -> Iterator[str]:
    r = d.rewards
    if r is not None and np.all(r.min == r.max) and d.lengths.sum() > 1:
        yield f"every reward is {r.min.min():g}: returns do not tell good episodes from bad"


@_trap("warning", "check the success signal; if it is right, the demonstrator fails")
def _goal_never_reached(d: _Data) -> Iterator[str]:
    known = [e.success for e in d.episodes if e.success is not None]
    if known and not any(np.any(x) for x in known):
        yield f"no step of the {len(known)} episodes with a success signal reaches the goal"


@_trap("warning", "store float32: methods compute in it, and it takes half of the memory")
def _float64(d: _Data) -> Iterator[str]:
    small = "rewards", "timestamps"  # a number a step, often float64 for a good reason
    arrays = [(k, x) for k, v in d.arrays.items() if k not in small for x in v.values()]
    double = [(k, x.nbytes) for k, x in arrays if x.dtype == np.float64]
    if double:
        names = ", ".join(dict.fromkeys(k for k, _ in double))
        yield f"arrays of float64: {names} ({sum(size for _, size in double):,} bytes)"


def _time_steps(d: _Data) -> dict[int, np.ndarray]:
    """Seconds between timestamps, by episode."""
    times = d.arrays.get("timestamps", {})
    return {k: np.diff(np.ravel(x).astype(np.float64)) for k, x in times.items()}


@_trap("warning", "sort the steps by time, or split the episodes where time goes back")
def _timestamps_order(d: _Data) -> Iterator[str]:
    back = {k: np.flatnonzero(x <= 0) for k, x in _time_steps(d).items()}
    count = sum(map(len, back.values()))
    if count:
        k, rows = next((k, x) for k, x in back.items() if len(x))
        yield (
            f"timestamps that are not later than the one before: {count:,}, the first in row "
            f"{rows[0] + 1} of episode {k}"
        )


@_trap("warning", "correct the steps a second, or look for steps that were left out")
def _timestamps_rate(d: _Data) -> Iterator[str]:
    delta = np.concatenate([*_time_steps(d).values(), np.zeros(0)])
    delta = delta[np.isfinite(delta)]
    if d.fps and len(delta) and abs(np.median(delta) * d.fps - 1) > 0.05:
        yield (
            f"the median time between timestamps is {np.median(delta):.4g} s, but steps are "
            f"{1 / d.fps:.4g} s apart at {d.fps:g} a second"
        )


@_trap("warning", "join the pieces, or keep them together in a split for validation")
def _episodes_continue(d: _Data) -> Iterator[str]:
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


def _arrays(episodes: list[Episode]) -> dict[str, dict[int, np.ndarray]]:
    found: dict[str, dict[int, np.ndarray]] = {}
    for k, e in enumerate(episodes):
        arrays = {f"observation {name!r}": x for name, x in e.observations.items()}
        arrays |= {f"next observation {n!r}": x for n, x in (e.next_observations or {}).items()}
        arrays |= {"actions": e.actions, "rewards": e.rewards, "timestamps": e.timestamps}
        for name, x in arrays.items():
            if x is not None:
                found.setdefault(name, {})[k] = x
    return found


def _episodes(mask: np.ndarray, what: str) -> Iterator[str]:
    """A text about episodes, if there are any."""
    if mask.any():
        yield f"{mask.sum()} of {len(mask)} episodes are {what} (episode {_first(mask)})"


def _components(mask: np.ndarray) -> str:
    return f"component{'s' if mask.sum() > 1 else ''} {_first(mask)}"


def _first(mask: np.ndarray) -> str:
    """The first places where a mask is true."""
    return first_places(np.flatnonzero(mask))
