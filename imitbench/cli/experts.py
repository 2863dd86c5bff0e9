"""The commands about experts: `imitbench experts list`, `imitbench experts show Hopper`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from imitbench import experts
from imitbench.cli.options import ExpertKind, ResultsFolder, TaskName
from imitbench.envs.motion.tasks import TASKS as MOTION_TASKS
from imitbench.envs.registry import check_task
from imitbench.experts import learned, scripted
from imitbench.runs import score_policy, train_expert
from imitbench.suites.expert_recipes import RECIPES
from imitbench.training.progress import Progress
from imitbench.utils.errors import pick
from imitbench.utils.files import writable_folder


@dataclass(frozen=True)
class ListExperts:
    """List all experts: the scripted ones, and the learned ones that come with the package."""

    def __call__(self) -> None:
        head = ("task", "grade", "kind", "success final", "return", "method", "environment steps")
        rows = [head, *(_row(e) for e in experts.all_experts())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())


@dataclass(frozen=True)
class ShowExpert:
    """Show how an expert was made, and how good it is."""

    task: tyro.conf.Positional[TaskName]
    grade: str = "expert"
    """Grade of the expert: expert or medium."""
    kind: ExpertKind = "auto"

    def __call__(self) -> None:
        expert = experts.find_expert(check_task(self.task), self.grade, self.kind)
        if expert.path is None:
            print(f"{expert.task}: {expert.kind} expert, grade {expert.grade}")
            about = scripted.description(expert.task, expert.kind)  # type: ignore[arg-type]
            print(about or "(no description)")
            return
        print(expert.path)
        for name, value in dataclasses.asdict(learned.read(expert.path)[1]).items():
            if isinstance(value, dict):
                value = ", ".join(f"{k}={v}" for k, v in value.items())
            elif isinstance(value, list):
                value = ", ".join(f"{v:g}" for v in value)
            print(f"{name}: {'-' if value is None else value}")


@dataclass(frozen=True)
class TrainExperts:
    """Train learned experts by their recipes (imitbench/suites/expert_recipes.py).

    A run that was cut off continues.
    """

    tasks: tyro.conf.Positional[tuple[str, ...]] = ()
    """Tasks; by default all that have a recipe."""
    results: ResultsFolder = Path("results")
    ship: bool = False
    """Put the experts among those of the package, not into `experts/` below the results folder."""
    dry_run: bool = False
    """Check everything, show the budgets, and train nothing."""

    def __call__(self) -> None:
        for task in self.tasks:
            pick("task with a recipe", task, RECIPES)
        root = self.results / "experts"
        runs = [train_expert.prepare(RECIPES[task], root) for task in self.tasks or RECIPES]
        for run in runs:
            steps = (run.algo.cost * run.recipe.updates).env_steps
            budget = f"{steps:,} environment steps, seeds {run.recipe.seeds}"
            print(f"{run.recipe.task}: {run.recipe.method}, {budget}")
        if self.dry_run:
            return
        out = learned.folder() if self.ship else writable_folder(root)
        with Progress(sum(run.recipe.evals for run in runs)) as progress:
            for run in runs:
                for path in train_expert.train(run, out, progress):
                    print(f"written: {path}")


@dataclass(frozen=True)
class ScoreExperts:
    """Measure the reference scores of tasks: those of the random policy and of the expert.

    They are written into the package.
    """

    tasks: tyro.conf.Positional[tuple[str, ...]] = ()
    """Tasks; by default all that have an expert or a clip, except the probes."""

    def __call__(self) -> None:
        known = (*(t for t in experts.TASKS if not t.startswith("Probe")), *MOTION_TASKS)
        tasks = self.tasks or known
        for task in tasks:
            pick("task with an expert", task, (*experts.TASKS, *MOTION_TASKS))
        for task in tasks:
            scores = score_policy.measure_references(task)
            print(f"{task}: random {scores['random']:.2f}, expert {scores['expert']:.2f}")


@dataclass(frozen=True)
class Experts:
    """List, show, train and score the experts."""

    command: tyro.conf.OmitSubcommandPrefixes[
        Annotated[ListExperts, tyro.conf.subcommand("list")]
        | Annotated[ShowExpert, tyro.conf.subcommand("show")]
        | Annotated[TrainExperts, tyro.conf.subcommand("train")]
        | Annotated[ScoreExperts, tyro.conf.subcommand("score")]
    ]

    def __call__(self) -> None:
        self.command()


def _row(expert: experts.Expert) -> tuple[str, ...]:
    """A row of the table of experts."""
    start = (expert.task, expert.grade, expert.kind)
    if expert.path is None:
        return (*start, "-", "-", "-", "-")
    card = learned.read(expert.path)[1]
    success = "-" if card.success_final is None else f"{card.success_final:.1%}"
    score = f"{card.mean_return:.1f} ± {card.std_return:.1f}"
    return (*start, success, score, card.method, f"{card.env_steps:,}")
