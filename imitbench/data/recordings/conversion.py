"""Demonstrations of a task from a recording, and a recording of demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from imitbench.core.types import Spec, Transition
from imitbench.data.episodes import check_ends, check_whole
from imitbench.data.header import make_header
from imitbench.data.recordings.observations import observations
from imitbench.data.recordings.recording import FLAT, Episode, Recording, are_choices, no_actions
from imitbench.data.recordings.task_checks import (
    check_failures,
    check_rewards,
    end_warnings,
    environment_warnings,
    own_rewards,
)
from imitbench.data.rows import Demos, join
from imitbench.data.validate import check_steps
from imitbench.utils.errors import UserError


def to_demos(recording: Recording, task: str, spec: Spec) -> Demos:
    """Fits a recording to a task.

    Actions are scaled from the bounds of the recording to [-1, 1]; a recording without any gives
    demonstrations without any. Where the observation after an
    episode's last step is not known, that step is kept if the task ended there, with its own
    observation in place of the next one, which no method uses then; else it is left out.

    Args:
        recording: a checked recording.
        task: the task's name, for the header.
        spec: the task's, or `spec_of` the recording.

    Returns:
        The data set.

    Raises:
        UserError: the recording does not fit the task; the message says what differs.
    """
    warnings = environment_warnings(recording.path, recording.env_id, task)
    warnings += end_warnings(recording)
    if not recording.episodes[0].has_actions:
        warnings.append(
            f"{recording.path} has no actions: only methods that learn from observations alone can "
            "use it"
        )
    episodes = [_episode(e, spec, recording, k) for k, e in enumerate(recording.episodes)]
    kept = [e for e in episodes if e is not None]
    if not kept:
        raise UserError(
            f"{recording.path}: no step has a successor: the observation after the last step of "
            "each episode is missing, and all episodes have one step"
        )
    has_success = spec.goal is not None or recording.episodes[0].success is not None
    success = [e.success.any() for e in kept], [e.success[-1] for e in kept]
    header = make_header(
        task,
        [e.reward.sum() for e in kept],
        success if has_success else None,
        expert=recording.demonstrator,
        engine="unknown",
        grade="unknown",
    )
    demos = join(kept, header, warnings)
    check_steps(demos, spec, str(recording.path))
    check_failures(demos, spec, recording.path)
    if spec.goal is not None and recording.episodes[0].rewards is not None:
        check_rewards(demos.rows, spec, spec.goal, recording.path)
    return demos


def _episode(episode: Episode, spec: Spec, recording: Recording, k: int) -> Transition | None:
    """One episode, leaves [n, ...]; None where no step of it can be kept."""
    where = f"{recording.path}: episode {k}"
    n = episode.length
    if n > spec.horizon:
        raise UserError(f"{where} has {n} steps, those of the task have 1 to {spec.horizon}")
    obs, next_obs = observations(episode, spec, where)
    terminated = _flags(episode.terminated, n)
    truncated = _flags(episode.truncated, n)
    check_ends(terminated | truncated, where)
    if not terminated[-1]:
        truncated[-1] = True
    if len(next_obs) < n:  # the last successor is not known
        if terminated[-1]:
            next_obs = np.concatenate([next_obs, obs[-1:]])
        else:
            n -= 1
            truncated[n - 1 : n] = True
    if n == 0:
        return None
    action = None
    if episode.has_actions:
        action = _actions(episode.actions[:n], spec, recording, where)
    arrays: dict[str, Any] = {
        "obs": obs[:n],
        "action": action,
        "intended_action": action,
        "reward": np.zeros(n, np.float32) if episode.rewards is None else _rewards(episode, n),
        "next_obs": next_obs[:n],
        "terminated": terminated[:n],
        "truncated": truncated[:n],
        "success": _success(episode, next_obs[:n], spec, n),
        "weight": np.ones(n, np.float32),
    }
    return Transition(**arrays)


def _flags(values: np.ndarray | None, n: int) -> np.ndarray:
    return np.zeros(n, bool) if values is None else values.astype(bool).copy()


def _rewards(episode: Episode, n: int) -> np.ndarray:
    assert episode.rewards is not None
    return episode.rewards[:n].reshape(n).astype(np.float32)


def _actions(actions: np.ndarray, spec: Spec, recording: Recording, where: str) -> np.ndarray:
    """[n, A] in [-1, 1], or [n] choices."""
    if spec.discrete:
        choices = actions.reshape(-1)
        if not are_choices(choices) or len(choices) != len(actions):
            raise UserError(
                f"{where}: actions have shape {actions.shape} of {actions.dtype}, expected one "
                "whole number a step, for the task has choices"
            )
        if choices.min() < 0 or choices.max() >= spec.action_size:
            raise UserError(
                f"{where}: actions lie in {choices.min()} to {choices.max()}, expected 0 to "
                f"{spec.action_size - 1}"
            )
        return choices.astype(np.int32)
    flat = actions.reshape(len(actions), -1)
    if flat.shape[1] != spec.action_size:
        raise UserError(
            f"{where}: actions have {flat.shape[1]} numbers, expected {spec.action_size}: this is "
            "another task's data set"
        )
    low, high = recording.action_low, recording.action_high
    if low is None or high is None or ((low == -1) & (high == 1)).all():
        return flat.astype(np.float32)
    if len(low) != spec.action_size:
        raise UserError(f"{where}: the action space has {len(low)} numbers, actions have "
                        f"{spec.action_size}")  # fmt: skip
    return (2 * (flat.astype(np.float64) - low) / (high - low) - 1).astype(np.float32)


def _success(episode: Episode, next_obs: np.ndarray, spec: Spec, n: int) -> np.ndarray:
    """[n] bool: whether the goal is reached after each step; False without a signal or a goal."""
    if episode.success is not None:
        return episode.success[:n].astype(bool)
    if spec.goal is None:
        return np.zeros(n, bool)
    return own_rewards(next_obs, spec, spec.goal) >= 0


def to_recording(demos: Demos, path: Path) -> Recording:
    """Writes demonstrations as a recording, for inspection and for other formats.

    Args:
        demos: the data set, whole episodes.
        path: where it is from.

    Returns:
        Episodes with the observation after the last step, and actions in [-1, 1].

    Raises:
        UserError: an episode has a gap.
    """
    check_whole(demos)
    has_success = demos.header.success_any is not None
    episodes = []
    for k in range(len(demos)):
        part: Any = demos.episode(k)
        episodes.append(
            Episode(
                observations={FLAT: np.concatenate([part.obs, part.next_obs[-1:]])},
                actions=part.action if demos.has_actions else no_actions(len(part.weight)),
                rewards=part.reward,
                terminated=part.terminated,
                truncated=part.truncated,
                success=part.success if has_success else None,
            )
        )
    action = demos.rows.action
    bound = None if action is None or action.ndim == 1 else np.ones(action.shape[-1])
    return Recording(
        format="imitbench npz",
        path=path,
        episodes=episodes,
        action_low=None if bound is None else -bound,
        action_high=bound,
        env_id=demos.header.task,
        demonstrator=demos.header.expert,
    )
