"""The command line: `imitbench run quickstart`, `imitbench train bc --task FetchReach`, ..."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from imitbench import algos, cli_demos, cli_experts, envs, experts
from imitbench.core.types import UserError, pick
from imitbench.harness import (
    console,
    run,
    runtime,
    settings,
    ship,
    store,
    suite,
    tables,
)
from imitbench.harness.suite import Cell, DemoSource, Profile
from imitbench.physics import EngineChoice

Words = tyro.conf.UseAppendAction


@dataclass(frozen=True)
class List:
    """Show the known tasks, methods or suites."""

    what: tyro.conf.Positional[Literal["tasks", "methods", "suites"]]

    def __call__(self) -> None:
        if self.what == "tasks":
            for name, entry in envs.TASKS.items():
                grades = ", ".join(dict.fromkeys(e.grade for e in experts.of(name)))
                print(f"{name:20} {entry.about}; {grades or 'no expert'}")
        elif self.what == "methods":
            for name, module in algos.ALGOS.items():
                about = (module.__doc__ or "").strip().splitlines()[0]
                wants = ", ".join(("demonstrations", *algos.needs(name)))
                print(f"{name:10} {about} Needs: {wants}.")
        else:
            for name in suite.names():
                found = suite.load(name)
                sizes = ", ".join(f"{p} {len(c)} cells" for p, c in found.profiles.items())
                print(f"{name:14} {found.about} ({sizes})")


@dataclass(frozen=True)
class Run:
    """Run a suite: finished cells are skipped, cut-off ones resume; then write table and curves."""

    suite: tyro.conf.Positional[str]
    """Name (`imitbench list suites`) or path of a Python file that defines SUITE."""
    profile: Profile = "cpu"
    """smoke: seconds; cpu: what two cores do in reasonable time; full: the literature's
    protocol."""
    only: tuple[str, ...] = ()
    """Tasks or methods to keep."""
    seeds: int | None = None
    """Number of training seeds, in place of the suite's."""
    dry_run: bool = False
    """Check everything and show what would run."""
    results: Path = Path("results")
    """Folder that holds the suites' folders."""

    def __call__(self) -> None:
        found, cells = _cells(self.suite, self.profile)
        jobs = run.prepare(found.name, self.profile, run.select(cells, self.only, self.seeds))
        root = self.results / _folder(found.name, self.profile)
        if self.dry_run:
            for job in jobs:
                done = (store.cells_folder(root) / job.key).exists()
                print(f"{'finished' if done else 'to run  '}  {job.key}")
            print(run.workload(jobs))
            return
        console.run(jobs, root, ship.shipped(_folder(found.name, self.profile)))


@dataclass(frozen=True)
class Train:
    """Train one method on one task and show the table."""

    method: tyro.conf.Positional[str]
    task: str
    demos: int | None = None
    """Demonstrations given to each seed: by default 25, and none where the method learns
    without."""
    seeds: int = 5
    """Training seeds 0, 1, ..., seeds - 1."""
    grad_steps: int = 0
    """Gradient steps of each seed; 10,000 where no budget is given."""
    env_steps: int = 0
    """The budget in environment steps of each seed, in place of gradient steps."""
    evals: int = 5
    """Evaluations at equal distances."""
    eval_episodes: int = 50
    """Episodes of each evaluation and seed."""
    grade: str = "expert"
    """How good the demonstrator is: expert, medium, noisy, mixed or replay."""
    noise: float | None = None
    """Standard deviation of Gaussian noise on the demonstrator's actions, by default the grade's
    own; labels stay un-noised."""
    pool: int = 100
    """Episodes collected, out of which each seed draws its own."""
    shared: bool = False
    """One subset of demonstrations for all seeds."""
    engine: EngineChoice = "auto"
    set: Words[tuple[str, ...]] = ()
    """A setting of the method as field=value, such as lr=1e-3; `imitbench config METHOD` lists
    them."""
    results: Path = Path("results")

    def __call__(self) -> None:
        pick("method", self.method, algos.ALGOS)
        config = settings.apply(algos.ALGOS[self.method].Config(), self.set)
        demos = self.demos
        if demos is None:
            demos = 0 if algos.online(self.method) else 25
        source = DemoSource(
            pool=max(self.pool, demos), noise=self.noise, shared=self.shared, grade=self.grade
        )
        cell = Cell(
            task=self.task,
            demos=demos,
            method=self.method,
            config=config,
            grad_steps=self.grad_steps or (0 if self.env_steps else 10_000),
            env_steps=self.env_steps,
            seeds=self.seeds,
            num_evals=self.evals,
            eval_episodes=self.eval_episodes,
            source=source,
            engine=self.engine,
            label="-".join([self.method, *self.set]).replace("/", "_"),
        )
        console.run(run.prepare("train", "cpu", [cell]), self.results / "train", None)


@dataclass(frozen=True)
class Config:
    """Show the settings of a method with their defaults and meanings."""

    method: tyro.conf.Positional[str]

    def __call__(self) -> None:
        pick("method", self.method, algos.ALGOS)
        kind = algos.ALGOS[self.method].Config
        with contextlib.suppress(SystemExit):  # tyro leaves after a help text
            tyro.cli(kind, prog=f"settings of {self.method}", args=["--help"])


@dataclass(frozen=True)
class TableOf:
    """Write and print the table of a suite's finished cells."""

    suite: tyro.conf.Positional[str]
    profile: Profile = "cpu"
    results: Path = Path("results")

    def __call__(self) -> None:
        root = _results_of(self.suite, self.profile, self.results)
        console.print_table(tables.derive(root))
        print(f"written: {root / 'summary.csv'}, {root / 'table.md'}")


@dataclass(frozen=True)
class Plot:
    """Draw the learning curves of a suite's finished cells."""

    suite: tyro.conf.Positional[str]
    profile: Profile = "cpu"
    results: Path = Path("results")

    def __call__(self) -> None:
        root = _results_of(self.suite, self.profile, self.results)
        ship.derive(root)
        print(f"written: {root / 'curves.png'}, {root / 'curves.svg'}")


@dataclass(frozen=True)
class Ship:
    """Check a finished run of a suite and copy it into results/shipped/."""

    suite: tyro.conf.Positional[str]
    profile: Profile = "cpu"
    results: Path = Path("results")

    def __call__(self) -> None:
        found, cells = _cells(self.suite, self.profile)
        keys = [j.key for j in run.prepare(found.name, self.profile, cells)]
        name = _folder(found.name, self.profile)
        print(f"shipped to {ship.ship(self.results / name, name, keys)}")


@dataclass(frozen=True)
class Doctor:
    """Show the machine, the versions and what is known to be wrong with them."""

    def __call__(self) -> None:
        report = runtime.doctor()
        for name, value in report.items():
            if name == "versions":
                value = ", ".join(f"{k} {v or 'not installed'}" for k, v in value.items())
            elif name == "warnings":
                value = "\n  ".join(value) if value else "none"
            print(f"{name}: {value}")


def _cells(name: str, profile: Profile) -> tuple[suite.Suite, Sequence[Cell]]:
    found = suite.load(name)
    pick(f"profile of {found.name}", profile, found.profiles)
    return found, found.profiles[profile]


def _folder(name: str, profile: Profile) -> str:
    return name if profile == "cpu" else f"{name}.{profile}"


def _results_of(name: str, profile: Profile, results: Path) -> Path:
    """The user's own run of a suite where there is one, else the shipped one."""
    folder = _folder(name, profile)
    if not store.cells_folder(results / folder).is_dir() and (ship.shipped(folder)).is_dir():
        return ship.shipped(folder)
    return results / folder


Command = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Config, tyro.conf.subcommand("config")]
    | Annotated[cli_demos.Demos, tyro.conf.subcommand("demos")]
    | Annotated[cli_experts.Experts, tyro.conf.subcommand("experts")]
    | Annotated[TableOf, tyro.conf.subcommand("table")]
    | Annotated[Plot, tyro.conf.subcommand("plot")]
    | Annotated[Ship, tyro.conf.subcommand("ship")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Exit code 0: done; 2: a mistake in the request; 130: interrupted."""
    command = tyro.cli(Command, prog="imitbench", description=__doc__, args=argv)  # type: ignore[arg-type]
    runtime.setup()
    try:
        command()
    except UserError as error:
        print(f"imitbench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("imitbench: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0
