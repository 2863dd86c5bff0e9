"""How long a run will take: what finished cells took for each step, times the steps to go."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from imitbench.runs import more_seeds, plan


class Rates(NamedTuple):
    """Seconds for a step of one seed, out of finished cells."""

    by_task: dict[tuple[str, str], float]  # by method and task
    by_method: dict[str, float]  # the median over tasks

    def of(self, method: str, task: str) -> float | None:
        """The rate of a method on a task, else on others; None where it has never run."""
        return self.by_task.get((method, task), self.by_method.get(method))


class Estimate(NamedTuple):
    """What a suite has to do."""

    suite: str
    cells: int  # that are not finished
    hours: float  # of those whose rate is known
    unknown: int  # cells whose method has never run


def measure(finished: Iterable[dict[str, Any]]) -> Rates:
    """Takes the rates from finished cells.

    Args:
        finished: what any cells say of themselves (cell.json); of two with the same method and task
            the later one counts.
    """
    by_task: dict[tuple[str, str], float] = {}
    for info in finished:
        identity = info["identity"]
        if steps := _steps(identity, info["cost"]):
            seconds = sum(info["seconds"].values())
            rate = seconds / (steps * len(identity["seeds"]))
            by_task[identity["method"], identity["task"]] = rate
    methods = {method for method, _ in by_task}
    by_method = {
        name: statistics.median(rate for (method, _), rate in by_task.items() if method == name)
        for name in methods
    }
    return Rates(by_task, by_method)


def _steps(identity: dict[str, Any], cost: dict[str, Any]) -> float:
    """The environment steps or the gradient steps of a cell, whichever are more."""
    budget = "env_steps" if identity.get("env_steps") else "grad_steps"
    if not cost[budget]:
        return 0
    return identity[budget] / cost[budget] * max(cost["env_steps"], cost["grad_steps"])


def estimate(suite: str, jobs: Sequence[plan.Job], root: Path, rates: Rates) -> Estimate:
    """Estimates the time of the cells of a suite that are not finished.

    Args:
        suite: its name.
        jobs: its jobs.
        root: the folder of its results.
        rates: seconds for a step.
    """
    cells, seconds, unknown = 0, 0.0, 0
    for job in jobs:
        found = more_seeds.finished_seeds(job, root)
        missing = len(set(job.seeds) - set(found.identity["seeds"] if found else ()))
        if not missing:
            continue
        cells += 1
        rate = rates.of(job.cell.method, job.cell.task)
        cost = job.algo.cost * job.num_updates
        if rate is None:
            unknown += 1
        else:
            seconds += rate * missing * max(cost.env_steps, cost.grad_steps)
    return Estimate(suite, cells, seconds / 3600, unknown)


def sentence(found: Estimate) -> str:
    """An estimate in words, such as `about 2.5 hours, as finished cells took on their machines`."""
    if not found.cells:
        return "nothing to run"
    if found.unknown == found.cells:
        return "no estimate of the time: the methods have never run"
    hours, minutes = f"{found.hours:.1f} hours", f"{max(1.0, 60 * found.hours):.0f} minutes"
    time = hours if found.hours >= 1 else minutes
    if not found.unknown:
        return f"about {time}, as finished cells took on their machines"
    known = f"{found.cells - found.unknown} of {found.cells} cells"
    return (
        f"about {time} for {known}, as finished cells took on their machines; the methods of the "
        "others have never run"
    )
