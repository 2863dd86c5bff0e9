"""Demonstrations of a task from a recording, and a recording of demonstrations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import numpy as np

from imitbench.core import rollout
from imitbench.core.types import GoalSpec, Spec, Transition
from imitbench.data.demonstrations import Demos, episode_lengths
from imitbench.data.header import make_header
from imitbench.data.recordings.recording import FLAT, Episode, Recording
from imitbench.data.validate import check_steps
from imitbench.envs.registry import TASKS
from imitbench.experts import learned
from imitbench.utils.errors import UserError

GOAL_NAMES = ("observation", "achieved_goal", "desired_goal")
REWARD_TOLERANCE = 1e-3
MAX_WRONG = 0.1  # share of rewards that may differ: thresholds of versions do, at their edge
GOAL_TOLERANCE = 1e-5  # between `achieved_goal` and the same numbers in `observation`


def spec_of(recording: Recording) -> Spec:
    """Describes a recording whose task is not known.

    Args:
        recording: a checked recording.

    Returns:
        Its sizes; the observation is all its arrays, one after the other, with their names, and the
        time limit is the length of the longest episode.

    Raises:
        UserError: an observation or the actions are no vectors.
    """
    first = recording.episodes[0]
    sizes = {name: _width(name, x, recording) for name, x in first.observations.items()}
    ends = np.cumsum(list(sizes.values()))
    fields = {
        name: slice(int(end) - n, int(end))
        for (name, n), end in zip(sizes.items(), ends, strict=True)
    }
    discrete = first.actions.ndim == 1 and first.actions.dtype.kind in "iu"
    if discrete:
        action_size = 1 + max(int(e.actions.max()) for e in recording.episodes)
    else:
        action_size = _width("actions", first.actions, recording)
    longest = max(e.length for e in recording.episodes)
    return Spec(int(ends[-1]), action_size, longest, fields, discrete=discrete)


def _width(name: str, x: np.ndarray, recording: Recording) -> int:
    if x.ndim > 2:
        raise UserError(
            f"{recording.path}: {name} has shape {x.shape[1:]} a step, expected a vector: images "
            "are not supported; leave it out"
        )
    return 1 if x.ndim == 1 else x.shape[1]


def to_demos(recording: Recording, task: str, spec: Spec) -> Demos:
    """Fits a recording to a task.

    Actions are scaled from the bounds of the recording to [-1, 1]. Where the observation after an
    episode's last step is not known, that step is kept if the task ended there, with its own
    observation in place of the next one, which no method uses then; else it is left out.

    Args:
        recording: a checked recording.
        task: the task's name, for the header.
        spec: the task's, or `spec_of` the recording.

    Returns:
        Episodes [K, T, ...], T the time limit; steps after the end have weight 0.

    Raises:
        UserError: the recording does not fit the task; the message says what differs.
    """
    _check_environment(recording, task)
    episodes = [_episode(e, spec, recording, k) for k, e in enumerate(recording.episodes)]
    kept = [e for e in episodes if e is not None]
    if not kept:
        raise UserError(
            f"{recording.path}: no step has a successor: the observation after the last step of "
            "each episode is missing, and all episodes have one step"
        )
    steps = jax.tree.map(lambda *x: np.stack(x), *kept)
    check_steps(steps, spec, str(recording.path))
    if spec.goal is not None and recording.episodes[0].rewards is not None:
        _check_rewards(steps, spec, spec.goal, recording)
    by_time = jax.tree.map(lambda x: np.swapaxes(x, 0, 1), steps)
    outcomes = jax.tree.map(np.asarray, rollout.summarise(by_time))
    has_success = spec.goal is not None or recording.episodes[0].success is not None
    header = make_header(
        task,
        outcomes["return"],
        (outcomes["success_any"], outcomes["success_final"]) if has_success else None,
        expert=recording.demonstrator,
        engine="unknown",
        grade="unknown",
    )
    return Demos(steps, header)


def _check_environment(recording: Recording, task: str) -> None:
    """Refuses a recording that names another task of imitbench."""
    name = re.sub(r"-v\d+$", "", (recording.env_id or "").rpartition("/")[2])
    if name in TASKS and task in TASKS and name != learned.base_task(task):
        raise UserError(
            f"{recording.path} is of {recording.env_id}, not of {task}: give its own task"
        )


def _check_rewards(steps: Transition, spec: Spec, goal: GoalSpec, recording: Recording) -> None:
    """Refuses rewards of a goal task that are not those of its own function."""
    parts = (steps.next_obs[..., spec.fields[f]] for f in (goal.achieved, goal.desired))
    expected = np.asarray(jax.device_get(goal.reward(*parts)))  # type: ignore[arg-type]
    real = np.asarray(steps.weight) > 0
    wrong = np.abs(steps.reward - expected)[real] > REWARD_TOLERANCE
    if wrong.mean() > MAX_WRONG:
        raise UserError(
            f"{recording.path}: {wrong.mean():.0%} of the rewards differ from the task's own for "
            "the same achieved and desired goals (dense rewards, or another task): leave them out, "
            "or use another task"
        )


def _episode(episode: Episode, spec: Spec, recording: Recording, k: int) -> Transition | None:
    """One episode, leaves [T, ...]; None where no step of it can be kept."""
    where = f"{recording.path}: episode {k}"
    n = episode.length
    if n > spec.horizon:
        raise UserError(f"{where} has {n} steps, those of the task have 1 to {spec.horizon}")
    obs, next_obs = _observations(episode, spec, where)
    terminated = _flags(episode.terminated, n)
    truncated = _flags(episode.truncated, n)
    early = np.flatnonzero((terminated | truncated)[:-1])
    if len(early):
        raise UserError(f"{where} goes on for {n} steps, but ends at step {early[0] + 1}: cut it")
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
    rest = spec.horizon - n
    padded: dict[str, Any] = {
        name: np.pad(x, [(0, rest)] + [(0, 0)] * (x.ndim - 1)) for name, x in arrays.items()
    }
    for name in ("obs", "next_obs"):
        padded[name][n:] = next_obs[n - 1]
    return Transition(**padded)


def _flags(values: np.ndarray | None, n: int) -> np.ndarray:
    return np.zeros(n, bool) if values is None else values.astype(bool).copy()


def _rewards(episode: Episode, n: int) -> np.ndarray:
    assert episode.rewards is not None
    return episode.rewards[:n].reshape(n).astype(np.float32)


def _observations(episode: Episode, spec: Spec, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Flat observations [n, O], and their successors, [n, O] or without the last, [n - 1, O]."""
    obs = _flat(episode.observations, spec, where)
    if episode.next_observations is not None:
        return obs[: episode.length], _flat(episode.next_observations, spec, where)
    return obs[: episode.length], obs[1:]


def _flat(named: Any, spec: Spec, where: str) -> np.ndarray:
    """Flat observations [rows, O] in the order of the task."""
    parts = {k: x.reshape(len(x), -1).astype(np.float32) for k, x in named.items()}
    if spec.goal is not None and set(GOAL_NAMES) <= set(parts):
        return goal_observations(parts, spec, spec.goal, where)
    obs = np.concatenate([*parts.values()], axis=1)
    if obs.shape[1] != spec.obs_size:
        names = ", ".join(f"{k} [{x.shape[1]}]" for k, x in parts.items())
        raise UserError(
            f"{where} has observations {names}, expected {spec.obs_size} numbers: this is another "
            "task's data set"
        )
    return obs


def goal_observations(parts: Any, spec: Spec, goal: GoalSpec, where: str) -> np.ndarray:
    """Joins the observation of a goal task.

    Args:
        parts: `observation`, `achieved_goal` and `desired_goal`, [rows, ...] each.
        spec: the task's.
        goal: its goal.
        where: the file and the episode, for messages.

    Returns:
        Flat observations [rows, O].

    Raises:
        UserError: a part has another size, or the achieved goal is not a part of the observation.
    """
    at = spec.fields[goal.desired]
    size = at.stop - at.start
    sizes = {"observation": spec.obs_size - size, "achieved_goal": size, "desired_goal": size}
    for name, n in sizes.items():
        if parts[name].shape[1] != n:
            raise UserError(
                f"{where}: {name!r} has {parts[name].shape[1]} numbers a step, expected {n}: this "
                "is another task's data set"
            )
    rest = parts["observation"]
    obs = np.concatenate([rest[:, : at.start], parts["desired_goal"], rest[:, at.start :]], axis=1)
    achieved = obs[:, spec.fields[goal.achieved]]
    if not np.allclose(achieved, parts["achieved_goal"], atol=GOAL_TOLERANCE):
        raise UserError(
            f"{where}: 'achieved_goal' is not the observation's {goal.achieved!r}: this is another "
            "task's data set"
        )
    return obs


def _actions(actions: np.ndarray, spec: Spec, recording: Recording, where: str) -> np.ndarray:
    """[n, A] in [-1, 1], or [n] choices."""
    if spec.discrete:
        choices = actions.reshape(-1)
        if actions.dtype.kind not in "iu" or len(choices) != len(actions):
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
    parts = (next_obs[:, spec.fields[f]] for f in (spec.goal.achieved, spec.goal.desired))
    return np.asarray(jax.device_get(spec.goal.reward(*parts))) >= 0  # type: ignore[arg-type]


def demo_spec(*parts: Demos) -> Spec:
    """Describes demonstrations whose task is not known.

    Args:
        parts: the data set in one part or several, episodes [K, T, ...].

    Returns:
        Their sizes; one field holds the whole observation.
    """
    steps = parts[0].steps
    size, discrete = steps.obs.shape[-1], steps.action.ndim == 2
    actions = steps.action.shape[-1]
    if discrete:
        actions = 1 + max(int(np.max(part.steps.action)) for part in parts)
    fields = {FLAT: slice(0, size)}
    return Spec(size, actions, steps.weight.shape[1], fields, discrete=discrete)


def to_recording(demos: Demos, path: Path) -> Recording:
    """Writes demonstrations as a recording, for inspection and for other formats.

    Args:
        demos: the data set, whole episodes [K, T, ...].
        path: where it is from.

    Returns:
        Episodes with the observation after the last step, and actions in [-1, 1].

    Raises:
        UserError: an episode has a gap.
    """
    steps = demos.steps
    has_success = demos.header.success_any is not None
    episodes = []
    for k, n in enumerate(episode_lengths(steps)):
        part = jax.tree.map(lambda x, k=k, n=n: np.asarray(x)[k, :n], steps)
        episodes.append(
            Episode(
                observations={FLAT: np.concatenate([part.obs, part.next_obs[-1:]])},
                actions=part.action,
                rewards=part.reward,
                terminated=part.terminated,
                truncated=part.truncated,
                success=part.success if has_success else None,
            )
        )
    bound = None if steps.action.ndim == 2 else np.ones(steps.action.shape[-1])
    return Recording(
        format="imitbench npz",
        path=path,
        episodes=episodes,
        action_low=None if bound is None else -bound,
        action_high=bound,
        env_id=demos.header.task,
        demonstrator=demos.header.expert,
    )
