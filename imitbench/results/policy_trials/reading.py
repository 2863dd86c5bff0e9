"""Reads outcomes of episodes: CSV, LeRobot's eval_info.json, Minari, rollouts, cells."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imitbench.data.formats import hdf5
from imitbench.data.formats.minari_metadata import ARRAYS
from imitbench.data.formats.minari_recording import SUCCESS as SUCCESS_INFOS
from imitbench.results.cells import store
from imitbench.results.policy_trials import rollouts
from imitbench.results.policy_trials.trials import Trials, make_trials
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line

MAX_BYTES = 2**26  # of a text file
MAX_STEPS = 2**26  # of the episodes of a Minari data set
STATE_COLUMNS = ("initial_state", "state", "seed", "episode")
SUCCESS = {"1": True, "0": False, "true": True, "false": False, "yes": True, "no": False}
SEEDS = "the seeds of the episodes"


def is_trials(name: str) -> bool:
    """Whether a name is a file or folder with outcomes of policies, not a folder of results.

    Args:
        name: a path, for a cell with @SEED.
    """
    path = Path(name.rpartition("@")[0] or name).expanduser()
    if "@" in name and (path / "cell.json").is_file():
        return True
    path = Path(name).expanduser()
    if path.suffix in (".csv", ".json") or _minari_arrays(path) is not None:
        return True
    return not store.cells_folder(path).is_dir() and bool(rollouts.rollout_files(path))


def read_trials(name: str) -> list[Trials]:
    """Reads the outcomes of one or several policies.

    Args:
        name: a CSV file with the columns success (1 or 0) or return, and perhaps policy and
            initial_state (or state, seed, episode); LeRobot's eval_info.json; the folder of a
            Minari data set; a file of rollouts (.npz) or a folder of them; or CELL@SEED, a cell's
            folder and a training seed.

    Returns:
        The trials of each policy.

    Raises:
        UserError: the file is missing, too large, damaged, or lacks what is needed.
    """
    folder, _, seed = name.rpartition("@")
    if folder and (Path(folder).expanduser() / "cell.json").is_file():
        return [_read_cell(Path(folder).expanduser(), seed)]
    path = Path(name).expanduser()
    if arrays := _minari_arrays(path):
        return [_read_minari(path.name, arrays)]
    if path.exists() and rollouts.rollout_files(path):
        return [rollouts.read_rollouts(path)]
    if not path.is_file():
        raise UserError(f"{path} is no file: expected a CSV file, eval_info.json, or a folder")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path} has {path.stat().st_size:,} bytes: expected at most {MAX_BYTES:,}")
    readers: dict[str, Callable[[Path], list[Trials]]] = {".csv": _read_csv, ".json": _read_json}
    if path.suffix not in readers:
        raise UserError(f"{path}: expected a file that ends in .csv, .json or .npz")
    return readers[path.suffix](path)


def _read_csv(path: Path) -> list[Trials]:
    try:
        # Spreadsheets begin a file in UTF-8 with a mark, which is no part of the first name.
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise UserError(f"{path} is no CSV file ({one_line(error)})") from None
    table.columns = [str(c).strip().lower() for c in table.columns]
    columns = ("success", "return")
    if not set(columns) & set(table.columns):
        raise UserError(
            f"{path} has the columns {', '.join(table.columns)}: expected success or return, and "
            "commas between columns"
        )
    words: dict[str, list[str]] = {c: table[c].astype(str).tolist() for c in table.columns}
    count = len(table)
    if not count:
        raise UserError(f"{path} has no rows")
    policies = words.get("policy", [path.stem] * count)
    state = next((c for c in STATE_COLUMNS if c in words), None)
    if state and "policy" not in words and len(set(words[state])) < count:
        raise UserError(
            f"{path} has rows with the same {state}, and no column policy: expected one row for "
            f"each {state}; in a file of several policies a column policy names them"
        )
    success = _booleans(words["success"], path) if "success" in words else None
    returns = _numbers(words["return"], path) if "return" in words else None
    trials = []
    for policy in dict.fromkeys(policies):
        rows = [i for i, name in enumerate(policies) if name == policy]
        trials.append(
            make_trials(
                policy,
                None if success is None else success[rows],
                None if returns is None else returns[rows],
                tuple(words[state][i] for i in rows) if state else None,
                str(path),
                f"the column {state}" if state else "",
            )
        )
    return trials


def _booleans(column: Sequence[str], path: Path) -> np.ndarray:
    words = [x.strip().lower().removesuffix(".0") for x in column]
    for i, word in enumerate(words):
        if word not in SUCCESS:
            raise UserError(
                f"{path}: success in row {i + 1} is {word!r}: expected 1 or 0 (true, false, yes, "
                "no)"
            )
    return np.array([SUCCESS[word] for word in words])


def _numbers(column: Sequence[str], path: Path) -> np.ndarray:
    try:
        return np.array([float(x) for x in column])
    except ValueError as error:
        raise UserError(f"{path}: the returns are no numbers ({one_line(error)})") from None


def _read_json(path: Path) -> list[Trials]:
    """LeRobot's eval_info.json, of one environment or of several tasks."""
    name = path.parent.name or path.stem
    expected = "expected LeRobot's eval_info.json, with per_episode or per_task"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        if "per_episode" in info:
            rows = info["per_episode"]
            seeds = [row.get("seed") for row in rows]
            states = None if None in seeds else tuple(map(str, seeds))
            success = np.array([bool(row["success"]) for row in rows])
            returns = np.array([float(row["sum_reward"]) for row in rows])
        else:
            success, returns, states = _read_tasks(info["per_task"])
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError) as error:
        raise UserError(f"{path}: {expected} ({one_line(error)})") from None
    return [make_trials(name, success, returns, states, str(path), SEEDS)]


def _read_tasks(tasks: Any) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Episodes of several tasks; their order within a task is that of their seeds."""
    success, returns, states = [], [], []
    for task in tasks:
        metrics, key = task["metrics"], f"{task['task_group']}/{task['task_id']}"
        success += [bool(x) for x in metrics["successes"]]
        returns += [float(x) for x in metrics["sum_rewards"]]
        states += [f"{key}/{i}" for i in range(len(metrics["successes"]))]
    if len(success) != len(returns):
        raise ValueError("successes and sum_rewards have other lengths")
    return np.array(success), np.array(returns), tuple(states)


def _minari_arrays(path: Path) -> Path | None:
    """The file of the arrays of a Minari data set; None elsewhere."""
    found = [p / ARRAYS for p in (path / "data", path) if (p / ARRAYS).is_file()]
    return found[0] if found else None


def _read_minari(name: str, path: Path) -> Trials:
    success, returns, seeds = [], [], []
    with hdf5.reading(path, "export it again") as file:
        groups = [file[f"episode_{k}"] for k in range(len(file))]
        steps = sum(group["rewards"].shape[0] for group in groups)
        if steps > MAX_STEPS:
            raise UserError(f"{path} has {steps:,} steps: expected at most {MAX_STEPS:,}")
        for k, group in enumerate(groups):
            where = f"{path}: episode {k}"
            returns.append(float(hdf5.array(group, "rewards", where).sum()))
            infos = group.get("infos", {})
            found = [key for key in SUCCESS_INFOS if key in infos]
            reached = hdf5.array(infos, found[0], f"{where}: infos").any() if found else None
            success.append(None if reached is None else bool(reached))
            seeds.append(group.attrs.get("seed"))
    known = None if None in success else np.array(success)
    states = None if any(seed is None for seed in seeds) else tuple(map(str, seeds))
    return make_trials(name, known, np.array(returns), states, str(path), SEEDS)


def _read_cell(folder: Path, seed: str) -> Trials:
    cell = store.read(folder)
    seeds = [str(s) for s in cell.identity["seeds"]]
    if seed not in seeds:
        raise UserError(f"{folder} has no seed {seed!r}: expected one of {', '.join(seeds)}")
    row = sorted(map(int, seeds)).index(int(seed))
    outcomes = {name: cell.outcomes(name) for name in ("success_final", "return")}
    success, returns = (None if x is None else x[row] for x in outcomes.values())
    if success is not None:
        success = success.astype(bool) if cell.info["has_success"] else None
    whose = "shared" if cell.shares_states else f"seed {seed}"
    count = cell.identity["eval_episodes"]
    states = tuple(f"{cell.identity['task']}, {whose}, {i}" for i in range(count))
    name = f"{cell.identity['label']}@{seed}"
    if cell.withholds_return and cell.diverged[row]:
        if success is None:
            raise UserError(f"{folder}: {cell.divergence}")
        returns = None
    trials = make_trials(name, success, returns, states, str(folder), "the evaluation's episodes")
    environment = f"the engine {cell.info['engine']} (digest {cell.info['environment_digest']})"
    return trials._replace(task=cell.identity["task"], environment=environment)
