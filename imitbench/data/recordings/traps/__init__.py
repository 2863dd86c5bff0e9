"""Traps in recordings: what makes a method learn something wrong from files that open well."""

from __future__ import annotations

import numpy as np

from imitbench.data.recordings.inspection import ends_of
from imitbench.data.recordings.measuring import measure
from imitbench.data.recordings.recording import Episode, Recording, are_choices
from imitbench.data.recordings.traps import episodes as _episodes  # registers its checks
from imitbench.data.recordings.traps import numbers as _numbers
from imitbench.data.recordings.traps import signals as _signals
from imitbench.data.recordings.traps.base import CHECKS, Data, Finding

__all__ = ["Finding", "check"]
_REGISTERED = (_numbers, _episodes, _signals)


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
    bound = np.inf if action_bound is None or are_choices(episodes[0].actions) else action_bound
    low, high = recording.action_low, recording.action_high
    terminated, truncated = ends_of(recording)
    data = Data(
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
            for name, severity, remedy, find in CHECKS
            for text in find(data)
        ]
    return sorted(found, key=lambda f: f.severity != "error")


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
