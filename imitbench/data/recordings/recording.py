"""Recordings: episodes as the files of others hold them, before they belong to a task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from imitbench.utils.errors import UserError

FLAT = "observation"  # the name of an observation that is one vector


class Episode(NamedTuple):
    """One episode of n steps, with the names and types of its file."""

    # By name, [n, ...]; or [n + 1, ...], where the file holds the observation after the last step.
    observations: Mapping[str, np.ndarray]
    actions: np.ndarray  # [n, A], or [n] choices (`are_choices`); [n, 0] where the file has none
    # [n, ...] by name: the true successors, where the file holds them beside the observations.
    next_observations: Mapping[str, np.ndarray] | None = None
    rewards: np.ndarray | None = None  # [n]; None where the file has none, as for all below
    terminated: np.ndarray | None = None  # [n] bool: the task itself ended here
    truncated: np.ndarray | None = None  # [n] bool: the episode was cut here, by a time limit
    success: np.ndarray | None = None  # [n] bool: the goal is reached after the step
    timestamps: np.ndarray | None = None  # [n] seconds

    @property
    def length(self) -> int:
        """The number n of steps."""
        return len(self.actions)

    @property
    def has_actions(self) -> bool:
        """Whether the actions are known."""
        return self.actions.size > 0

    @property
    def successors(self) -> dict[str, np.ndarray]:
        """The observations after each step [n, ...], by name; without those that lack the last."""
        known = {k: x[1:] for k, x in self.observations.items() if len(x) > self.length}
        return known | dict(self.next_observations or {})


class Recording(NamedTuple):
    """All episodes of a data set."""

    format: str  # such as "lerobot v3.0"
    path: Path
    episodes: list[Episode]
    action_low: np.ndarray | None = None  # [A], the bounds of the action space
    action_high: np.ndarray | None = None  # [A]
    env_id: str | None = None  # the name of the environment, such as a Gymnasium id
    fps: float | None = None  # steps a second
    demonstrator: str = "unknown"


def no_actions(n: int) -> np.ndarray:
    """Returns the actions [n, 0] of n steps whose actions are not known."""
    return np.zeros((n, 0), np.float32)


def require_actions(recording: Recording, format: str) -> None:
    """Checks that a recording has actions, for a format that cannot do without.

    Args:
        recording: the recording.
        format: the format, for the message.

    Raises:
        UserError: it has none.
    """
    if not all(episode.has_actions for episode in recording.episodes):
        raise UserError(
            f"{recording.path} has no actions, which {format} needs: write npz, which does not"
        )


def are_choices(actions: np.ndarray) -> bool:
    """Returns whether actions number choices: integers [n], or booleans [n], which are 0 and 1.

    Args:
        actions: those of an episode.
    """
    return actions.ndim == 1 and actions.dtype.kind in "biu"


def check_recording(recording: Recording) -> Recording:
    """Checks that the arrays of each episode fit each other and those of the others.

    Args:
        recording: the recording.

    Returns:
        The recording.

    Raises:
        UserError: there are no episodes, an array is not numeric or has another number of rows than
            its episode has steps, or names and shapes differ between episodes.
    """
    where = recording.path
    if not recording.episodes:
        raise UserError(f"{where}: there are no episodes, expected 1 or more")
    first = recording.episodes[0]
    for k, episode in enumerate(recording.episodes):
        n = episode.length
        if n < 1 or not episode.observations:
            raise UserError(
                f"{where}: episode {k} has {n} steps and {len(episode.observations)} "
                "observations: expected 1 or more of both"
            )
        for name, x, rows in _arrays(episode):
            if x.dtype.kind not in "biuf":
                raise UserError(
                    f"{where}: episode {k}: {name} is of type {x.dtype}, expected numbers"
                )
            if x.ndim < 1 or len(x) not in rows:
                expected = " or ".join(map(str, rows))
                raise UserError(
                    f"{where}: episode {k}: {name} has shape {x.shape}, expected {expected} rows, "
                    f"for the episode has {n} actions"
                )
        if _layout(episode) != _layout(first):
            raise UserError(
                f"{where}: episode {k} has {_words(episode)}, episode 0 has {_words(first)}: "
                "expected the same names and sizes in all episodes"
            )
    return recording


def _arrays(episode: Episode) -> list[tuple[str, np.ndarray, tuple[int, ...]]]:
    """Each array with its name and the numbers of rows that it may have."""
    n = episode.length
    found: list[tuple[str, np.ndarray, tuple[int, ...]]] = [
        (f"observation {k!r}", x, (n, n + 1)) for k, x in episode.observations.items()
    ]
    found.append(("actions", episode.actions, (n,)))
    for name, x in (episode.next_observations or {}).items():
        found.append((f"next observation {name!r}", x, (n,)))
    for name in ("rewards", "terminated", "truncated", "success", "timestamps"):
        x = getattr(episode, name)
        if x is not None:
            found.append((name, x, (n,)))
    return found


def _layout(episode: Episode) -> dict[str, tuple[int, ...]]:
    shapes = {k: x.shape[1:] for k, x in episode.observations.items()}
    return shapes | {"actions": episode.actions.shape[1:]}


def _words(episode: Episode) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in _layout(episode).items())
