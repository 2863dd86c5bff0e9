"""Reads outcomes of episodes from data sets: files of rollouts, and folders of such files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from imitbench.data import Demos
from imitbench.data.formats import npz
from imitbench.results.policy_trials.trials import Trials, make_trials
from imitbench.utils.errors import UserError

SUFFIX = ".npz"
MAX_BYTES = 2**32  # of the arrays of a file
SAME = ("task", "expert", "grade", "noise", "uniform", "engine")  # in all files of one policy


def rollout_files(path: Path) -> list[Path]:
    """The files of rollouts at a path: itself, or those directly in the folder, by name."""
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix == SUFFIX and p.is_file())
    return [path] if path.suffix == SUFFIX else []


def read_rollouts(path: Path) -> Trials:
    """Reads the episodes of one policy, as `imitbench demos` and `save_data` write them.

    Args:
        path: a file, or a folder of files of one policy.

    Returns:
        Success at the last step, where the task has it, the returns, and for each initial state the
        hash of its observation; without initial states where two episodes begin in the same.

    Raises:
        UserError: a file is missing or damaged, they are of several policies or tasks, or episodes
            that failed were removed.
    """
    parts = [(file, npz.load(file, limit=MAX_BYTES)) for file in rollout_files(path)]
    for name in SAME:
        values = sorted({str(getattr(demos.header, name)) for _, demos in parts})
        if len(values) > 1:
            raise UserError(
                f"{path} has rollouts of {name} {' and '.join(values)}: expected those of one "
                "policy in one task; sort them into folders"
            )
    success, returns, states = [], [], []
    for file, demos in parts:
        if demos.header.only_success and demos.header.success_final is not None:
            raise UserError(
                f"{file}: its failed episodes were removed, so it does not say how often the "
                "policy succeeds: record all episodes"
            )
        for k in range(len(demos)):
            episode = demos.episode(k)
            valid = np.asarray(episode.weight) > 0
            returns.append(float(np.asarray(episode.reward)[valid].sum()))
            success.append(_succeeded(demos, k, valid))
            first = np.ascontiguousarray(episode.obs[0])
            states.append(hashlib.sha256(first.tobytes()).hexdigest()[:16])
    known = None if None in success else np.array(success, bool)
    unique = tuple(states) if len(set(states)) == len(states) else None
    name = path.name if path.is_dir() else f"{path.absolute().parent.name}/{path.stem}"
    task = parts[0][1].header.task
    trials = make_trials(
        name, known, np.array(returns), unique, str(path), "the first observations"
    )
    return trials._replace(task=task)


def _succeeded(demos: Demos, episode: int, valid: np.ndarray) -> bool | None:
    """Whether an episode ends at the goal; None where the task does not say."""
    if demos.header.success_final is None or not valid.any():
        return None
    return bool(np.asarray(demos.episode(episode).success)[valid][-1])
