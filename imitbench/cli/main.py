"""The command line: `imitbench run quickstart`, `imitbench train bc --task FetchReach`, ..."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from imitbench import algos, envs, experts
from imitbench.cli import console, data, doctor, evaluate, results, train
from imitbench.cli import experts as expert_commands
from imitbench.results import store
from imitbench.results.shipped import shipped_folder
from imitbench.runs import distributed, executors, plan, runner
from imitbench.suites.registry import load_suite, suite_names
from imitbench.suites.schema import Profile
from imitbench.training import signals
from imitbench.utils import machine
from imitbench.utils.errors import UserError, pick

Words = tyro.conf.UseAppendAction


@dataclass(frozen=True)
class List:
    """Show the known tasks, methods or suites."""

    what: tyro.conf.Positional[Literal["tasks", "methods", "suites"]]

    def __call__(self) -> None:
        if self.what == "tasks":
            for name, entry in envs.TASKS.items():
                grades = ", ".join(dict.fromkeys(e.grade for e in experts.experts_of(name)))
                print(f"{name:20} {entry.description}; {grades or 'no expert'}")
        elif self.what == "methods":
            for name, module in algos.ALGOS.items():
                about = (module.__doc__ or "").strip().splitlines()[0]
                wants = ", ".join(("demonstrations", *algos.needs(name)))
                print(f"{name:10} {about} Needs: {wants}.")
        else:
            for name in suite_names():
                found = load_suite(name)
                sizes = ", ".join(f"{p} {len(c)} cells" for p, c in found.profiles.items())
                print(f"{name:14} {found.about} ({sizes})")


@dataclass(frozen=True)
class Run:
    """Run a suite: finished cells are skipped, cut-off ones resume; then write table and plot."""

    suite: tyro.conf.Positional[str]
    """Name (`imitbench list suites`) or path of a Python file that defines SUITE."""
    profile: Profile = "cpu"
    """smoke: seconds; cpu: what two cores do in reasonable time; full: the literature's
    protocol."""
    only: Words[tuple[tuple[str, ...], ...]] = ()
    """Tasks or methods to keep."""
    seeds: int | None = None
    """Number of training seeds, in place of the suite's."""
    dry_run: bool = False
    """Check everything and show what would run."""
    results: Path = Path("results")
    """Folder that holds the suites' folders."""
    executor: Literal["here", "ray", "slurm"] = "here"
    """here: one cell after the other in this process; ray: on a Ray cluster; slurm: as jobs."""
    address: str | None = None
    """Of the Ray cluster, such as auto or HOST:6379; by default one is started here."""
    cpus: int = 1
    """That each cell asks of Ray or Slurm."""
    slurm: Words[tuple[str, ...]] = ()
    """A parameter of the Slurm jobs as submitit names it, such as timeout_min=600."""

    def __call__(self) -> None:
        if self.executor != "here":  # JAX begins below; workers here need the GPU's memory
            os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        found, cells = results.cells(self.suite, self.profile)
        kept = plan.select(cells, sum(self.only, ()), self.seeds)
        jobs = plan.prepare(found.name, self.profile, kept)
        root = self.results / results.folder(found.name, self.profile)
        if self.dry_run:
            odd = []
            for job in jobs:
                done = (store.cells_folder(root) / job.key).exists()
                print(f"{'finished' if done else 'to run  '}  {job.key}")
                odd += [] if done else runner.settings_warnings(job)
            print(*odd, sep="\n", end="\n" * bool(odd))
            print(plan.workload(jobs))
            return
        shipped = shipped_folder(results.folder(found.name, self.profile))
        console.run(jobs, root, shipped, self._how(root))

    def _how(self, root: Path) -> Callable[[Sequence[plan.Job], Path], list[str]]:
        for name, own in (("address", "ray"), ("slurm", "slurm")):
            if getattr(self, name) and self.executor != own:
                raise UserError(f"--{name} is for --executor {own}, not for {self.executor}")
        if self.executor == "here":
            if self.cpus != 1:
                raise UserError("--cpus is for --executor ray or slurm; here all CPUs are used")
            return runner.run
        if self.executor == "ray":
            executor = executors.ray(self.address, self.cpus)
        else:
            executor = executors.slurm(root / "slurm", self.cpus, self.slurm)
        path = Path(self.suite)
        where = str(path.absolute()) if path.suffix == ".py" else self.suite
        origin = distributed.SuiteRef(where, self.profile, self.seeds)
        return functools.partial(distributed.run_distributed, origin=origin, executor=executor)


@dataclass(frozen=True)
class Config:
    """Show the settings of a method with their defaults and meanings."""

    method: tyro.conf.Positional[str]

    def __call__(self) -> None:
        pick("method", self.method, algos.ALGOS)
        kind = algos.ALGOS[self.method].Config
        with contextlib.suppress(SystemExit):  # tyro leaves after a help text
            tyro.cli(kind, prog=f"settings of {self.method}", args=["--help"])


Command = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[train.Train, tyro.conf.subcommand("train")]
    | Annotated[train.Tune, tyro.conf.subcommand("tune")]
    | Annotated[evaluate.Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Config, tyro.conf.subcommand("config")]
    | Annotated[data.Demos, tyro.conf.subcommand("demos")]
    | Annotated[expert_commands.Experts, tyro.conf.subcommand("experts")]
    | Annotated[results.TableOf, tyro.conf.subcommand("table")]
    | Annotated[results.Plot, tyro.conf.subcommand("plot")]
    | Annotated[results.Compare, tyro.conf.subcommand("compare")]
    | Annotated[results.Rank, tyro.conf.subcommand("rank")]
    | Annotated[results.Verify, tyro.conf.subcommand("verify")]
    | Annotated[results.Report, tyro.conf.subcommand("report")]
    | Annotated[results.Ship, tyro.conf.subcommand("ship")]
    | Annotated[doctor.Doctor, tyro.conf.subcommand("doctor")]
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Exit code 0: done; 1: a claim was not reproduced, or this machine's physics differ; 2: a mistake
    in the request; 130, 143: stopped by SIGINT, SIGTERM.
    """
    command = tyro.cli(Command, prog="imitbench", description=__doc__, args=argv)  # type: ignore[arg-type]
    try:
        with signals.catch_signals():
            machine.setup()
            return command() or 0
    except UserError as error:
        print(f"imitbench: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, signals.Stopped) as stop:
        reason = str(stop) or "interrupted"
        print(f"imitbench: {reason}; run the same command again to go on", file=sys.stderr)
        return stop.code if isinstance(stop, signals.Stopped) else 130
