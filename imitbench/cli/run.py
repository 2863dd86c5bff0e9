"""The command that runs suites: `imitbench run quickstart`."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from imitbench.cli import console, locations
from imitbench.cli.options import Profile, ResultsFolder, SuiteName, TensorBoard, Wandb, Words
from imitbench.data import own_data
from imitbench.results.cells import store
from imitbench.results.shipped import shipped_folder
from imitbench.runs import (
    distributed,
    duration,
    executors,
    finished,
    job_warnings,
    more_seeds,
    plan,
    runner,
    stale,
    worker,
)
from imitbench.utils.errors import UserError, whole_number


@dataclass(frozen=True)
class Run:
    """Run a suite, then write its table and figures.

    Finished cells are skipped. A cell that was cut off continues from its last evaluation.
    """

    suite: tyro.conf.Positional[SuiteName]
    profile: Profile = "cpu"
    only: Words[tuple[tuple[str, ...], ...]] = ()
    """Tasks and methods to run; all by default."""
    seeds: int | None = None
    """Number of training seeds of each cell; by default the suite's."""
    dry_run: bool = False
    """Check everything, show the cells, their cost, an estimate of the hours and stale cells (of
    other versions or settings), and run nothing."""
    rerun: bool = False
    """Run finished cells again; the old ones are moved to aside/ in the folder of the results."""
    stale: Literal["show", "rerun"] | None = None
    """Stale cells alone: finished ones of another method version, or with other settings than the
    suite has now. show: list them with what differs, and run nothing; rerun: run these as they are
    now. The old cells stay, and tables show the new ones."""
    skip_shipped: bool = False
    """Leave out cells that are in results/shipped/ as the suite asks for them now; `imitbench ship`
    keeps those."""
    results: ResultsFolder = Path("results")
    tensorboard: TensorBoard = None
    wandb: Wandb = None
    executor: Literal["here", "ray", "slurm"] = "here"
    """Where cells run. here: one after the other in this process; ray: on a Ray cluster; slurm: as
    Slurm jobs."""
    address: str | None = None
    """Address of the Ray cluster, such as auto or HOST:6379; by default that in RAY_ADDRESS, or
    else a cluster is started on this machine."""
    cpus: int = 1
    """Number of CPUs that each cell requests from Ray or Slurm."""
    slurm: Words[tuple[str, ...]] = ()
    """Parameter of the Slurm jobs as submitit names it, such as timeout_min=600."""

    def __call__(self) -> None:
        whole_number("cpus", self.cpus)
        if self.executor != "here":
            # JAX starts below. The workers on this machine need the GPU's memory.
            os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        suite, cells = locations.suite_cells(self.suite, self.profile)
        jobs = plan.prepare(
            suite.name, self.profile, plan.select(cells, sum(self.only, ()), self.seeds)
        )
        name = locations.folder_name(suite.name, self.profile)
        root = self.results / name
        if self.skip_shipped:
            shipped = {p.name for p in store.cells_folder(shipped_folder(name)).glob("*")}
            print(f"{sum(job.key in shipped for job in jobs)} cells are shipped", file=sys.stderr)
            jobs = [job for job in jobs if job.key not in shipped]
        if self.stale:
            outdated = stale.stale_cells(jobs, root)
            for _, line in outdated:
                print(f"stale     {line}")
            keys = {job.key for job, _ in outdated}
            jobs = [job for job in jobs if job.key in keys]
            if not jobs:
                print("no cell is stale", file=sys.stderr)
            if not jobs or self.stale == "show":
                return
        if self.dry_run:
            _show_plan(jobs, root)
            rates = duration.measure(locations.all_finished(self.profile, self.results))
            print(duration.sentence(duration.estimate(suite.name, jobs, root, rates)))
        else:
            locations.require_own_folder(root)
            for line in _data_lines(jobs):
                print(f"data: {line}", file=sys.stderr)
            if self.rerun and store.cells_folder(root).is_dir():
                with runner.results_lock(root):
                    for moved in finished.set_aside_finished(jobs, root):
                        print(f"set aside: {moved}", file=sys.stderr, flush=True)
            console.run(jobs, root, shipped_folder(name), self._executor(root))

    def _executor(self, root: Path) -> Callable[[Sequence[plan.Job], Path], list[str]]:
        for option, executor in (("address", "ray"), ("slurm", "slurm")):
            if getattr(self, option) and self.executor != executor:
                raise UserError(f"--{option} is for --executor {executor}, not for {self.executor}")
        if self.executor == "here":
            if self.cpus != 1:
                raise UserError("--cpus is for --executor ray or slurm; here all CPUs are used")
            logs = console.live_loggers(self.tensorboard, self.wandb)
            return functools.partial(runner.run, make_loggers=logs)
        if self.tensorboard or self.wandb:
            raise UserError(
                f"--tensorboard and --wandb are for --executor here, not {self.executor}"
            )
        if self.executor == "ray":
            execute = executors.ray(self.address, self.cpus)
        else:
            execute = executors.slurm(root / "slurm", self.cpus, self.slurm)
        path = Path(self.suite).expanduser()
        reference = str(path.absolute()) if path.suffix == ".py" else self.suite
        suite_ref = worker.SuiteRef(reference, self.profile, self.seeds)
        return functools.partial(distributed.run_distributed, suite_ref=suite_ref, executor=execute)


def _data_lines(jobs: Sequence[plan.Job]) -> list[str]:
    """A line for each data set of the user."""
    sources = [job.cell.source for job in jobs]
    return list(dict.fromkeys(own_data.describe(s) for s in sources if s.dataset is not None))


def _show_plan(jobs: Sequence[plan.Job], root: Path) -> None:
    warnings = []
    for line in _data_lines(jobs):
        print(f"data      {line}")
    for job in jobs:
        found = more_seeds.finished_seeds(job, root)
        is_finished = more_seeds.has_all(found, job)
        dataset = job.cell.source.dataset
        data = f" (data {dataset.name})" if dataset and dataset.name else ""
        print(f"{'finished' if is_finished else 'to run  '}  {job.key}{data}")
        if not is_finished:
            warnings += job_warnings.settings_warnings(job)
            if job.cell.source.is_own:  # other data would have to be collected
                warnings += job_warnings.data_warnings(job)
    for _, line in stale.stale_cells(jobs, root):
        print(f"stale     {line}")
    for line in warnings:
        print(line)
    print(plan.workload(jobs))
