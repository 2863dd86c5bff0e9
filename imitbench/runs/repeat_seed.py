"""Trains one seed of a finished cell again from its settings, and compares."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from imitbench import algos
from imitbench.core.config import config_from_dict
from imitbench.results import scores
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.runs import plan, runner
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell, Profile
from imitbench.utils.errors import UserError

FAR = 3.0  # standard deviations over seeds, of a difference of two runs


class Repetition(NamedTuple):
    """What a seed scored as it was submitted, and what it scores now."""

    measure: str
    before: float
    now: float
    spread: float  # the standard deviation over the seeds of the cell

    @property
    def agrees(self) -> bool:
        """Whether both are equal, or not further apart than two seeds might be."""
        return self.now == self.before or self.far < FAR

    @property
    def far(self) -> float:
        """The difference in standard deviations of a difference of two seeds."""
        if self.now == self.before:
            return 0.0
        return abs(self.now - self.before) / max(np.sqrt(2) * self.spread, 1e-12)


def cell_of(r: Result, suite: str, profile: Profile) -> Cell:
    """Builds the cell of one seed, the first, that a finished cell's settings describe.

    Args:
        r: a finished cell, whose demonstrations are those of a cell of the suite.
        suite: the name of the suite.
        profile: its profile.

    Raises:
        UserError: the method is not known here or has another version, or no cell of the suite has
            these demonstrations.
    """
    i = r.identity
    if i["method"] not in algos.ALGOS:
        raise UserError(
            f"method {i['method']!r} is not in this version: --code names the Python file that "
            "registers it"
        )
    version = algos.traits(i["method"]).version
    if i.get("version", 1) != version:
        raise UserError(
            f"{i['method']} has version {version} here, and the cell {i.get('version', 1)}: its "
            "numbers differ; use the version of imitbench that it was run with"
        )
    sources = [
        cell.source
        for cell in load_suite(suite).profiles[profile]
        if cell.source.identity() == i["source"] and cell.task == i["task"]
    ]
    if not sources:
        raise UserError(f"no cell of the suite {suite} has the demonstrations of {r.folder}")
    config = config_from_dict(
        algos.ALGOS[i["method"]].Config, i["config"], str(r.folder), "submit the run again"
    )
    return Cell(
        i["task"], i["demos"], i["method"], config, grad_steps=i["grad_steps"],
        env_steps=i.get("env_steps", 0), seeds=1, num_evals=i["num_evals"],
        eval_episodes=i["eval_episodes"], label=i["label"], source=sources[0], engine=i["engine"],
        obs_noise=i.get("obs_noise", 0.0),
    )  # fmt: skip


def repeat(r: Result, suite: str, profile: Profile, folder: Path) -> Repetition:
    """Trains the first seed of a cell again.

    Args:
        r: the cell.
        suite: the suite whose demonstrations it has.
        profile: its profile.
        folder: for the new results.

    Returns:
        Both scores: success at the last step where the task says when it is solved, else return.

    Raises:
        UserError: as in `cell_of`.
    """
    jobs = plan.prepare(suite, profile, [cell_of(r, suite, profile)])
    runner.run(jobs, folder)
    (again,) = store.read_all(folder)
    measure = scores.main_measure(r)
    before, now = r.score(measure), again.score(measure)
    first = r.identity["seeds"].index(0)
    spread = float(np.std(before, ddof=1)) if len(before) > 1 else 0.0
    return Repetition(measure, float(before[first]), float(now[0]), spread)
