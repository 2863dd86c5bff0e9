"""Runs all suites, one after the other: `make bench-all`, `make bench-all PROFILE=smoke`.

An estimate of the time comes first: what finished cells took for each step, times the steps to go.
Cells on this machine count before shipped ones. A suite that fails does not stop the others.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tyro

from imitbench.cli import locations, main
from imitbench.cli.options import Profile
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.shipped import shipped_folder
from imitbench.runs import more_seeds, plan
from imitbench.suites.registry import suite_names

FIRST = ("quickstart", "learners", "vins_settings")  # the rest in the order of the registry


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


def measure(results: Iterable[Result]) -> Rates:
    """Takes the rates from finished cells.

    Args:
        results: any cells; of two with the same method and task the later one counts.
    """
    by_task: dict[tuple[str, str], float] = {}
    for r in results:
        steps = int(r.curve[["env_steps", "grad_steps"]].to_numpy().max())
        if steps:
            seconds = sum(r.info["seconds"].values())
            rate = seconds / (steps * len(r.identity["seeds"]))
            by_task[r.identity["method"], r.identity["task"]] = rate
    methods = {method for method, _ in by_task}
    by_method = {
        name: statistics.median(rate for (method, _), rate in by_task.items() if method == name)
        for name in methods
    }
    return Rates(by_task, by_method)


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


def names() -> list[str]:
    """All suites in the order in which they run."""
    known = suite_names()
    return [*FIRST, *(name for name in known if name not in FIRST)]


def prepared(name: str, profile: Profile) -> list[plan.Job]:
    """The jobs of a suite."""
    suite, cells = locations.suite_cells(name, profile)
    return plan.prepare(suite.name, profile, cells)


def show(estimates: Sequence[Estimate]) -> None:
    """Prints the estimates and their sum."""
    print(f"{'suite':<16}{'cells to run':>13}{'hours':>9}{'without a rate':>16}")
    for e in estimates:
        print(f"{e.suite:<16}{e.cells:>13}{e.hours:>9.1f}{e.unknown:>16}")
    total = Estimate(
        "all",
        sum(e.cells for e in estimates),
        sum(e.hours for e in estimates),
        sum(e.unknown for e in estimates),
    )
    print(f"{total.suite:<16}{total.cells:>13}{total.hours:>9.1f}{total.unknown:>16}")
    if total.unknown:
        print("The hours leave out the cells without a rate: their methods have never run.")


@dataclass(frozen=True)
class RunAll:
    """Run all suites, after an estimate of the time."""

    profile: Profile = "cpu"
    results: Path = Path("results")
    """Folder of the results."""
    dry_run: bool = False
    """Print the estimate alone."""

    def __call__(self) -> int:
        rates = measure([*self._finished(shipped=True), *self._finished(shipped=False)])
        estimates = [self._estimate(name, rates) for name in names()]
        show(estimates)
        if self.dry_run:
            return 0
        failed = []
        for e in estimates:
            print(f"\n{e.suite}: {e.cells} cells to run", flush=True)
            words = ["run", e.suite, "--profile", self.profile, "--results", str(self.results)]
            code = main.main(words)
            if code == 130:  # stopped by the user
                return code
            failed += [e.suite] * (code != 0)
        if failed:
            print(f"failed: {', '.join(failed)}. The same command goes on where it stopped.")
        return int(bool(failed))

    def _finished(self, *, shipped: bool) -> list[Result]:
        found: list[Result] = []
        for name in names():
            folder = locations.folder_name(name, self.profile)
            root = shipped_folder(folder) if shipped else self.results / folder
            if store.cells_folder(root).is_dir():
                found += store.read_all(root)
        return found

    def _estimate(self, name: str, rates: Rates) -> Estimate:
        root = self.results / locations.folder_name(name, self.profile)
        return estimate(name, prepared(name, self.profile), root, rates)


if __name__ == "__main__":
    raise SystemExit(tyro.cli(RunAll)())
