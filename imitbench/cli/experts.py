"""The commands about experts: `imitbench experts list`, `imitbench experts show Hopper`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from imitbench import experts
from imitbench.envs.registry import check_task
from imitbench.experts import learned, scripted
from imitbench.runs import score_policy, train_expert
from imitbench.suites.expert_recipes import RECIPES
from imitbench.training.progress import Progress
from imitbench.utils.errors import pick
from imitbench.utils.files import writable_folder


@dataclass(frozen=True)
class ListExperts:
    """Show all experts: the scripted laws and the learned policies that ship."""

    def __call__(self) -> None:
        head = ("task", "grade", "kind", "success final", "return", "method", "environment steps")
        rows = [head, *(_row(e) for e in experts.all_experts())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())


@dataclass(frozen=True)
class ShowExpert:
    """Show one expert: how it was made and how good it is."""

    task: tyro.conf.Positional[str]
    grade: str = "expert"
    """expert or medium."""
    kind: Literal["auto", "scripted", "learned"] = "auto"
    """auto takes the scripted law where there is one."""

    def __call__(self) -> None:
        expert = experts.find_expert(check_task(self.task), self.grade, self.kind)
        if expert.path is None:
            print(f"{expert.task}: scripted law, grade {expert.grade}")
            about = (scripted.LAWS[expert.task].__doc__ or "").split()
            print(" ".join(about) or "(no description)")
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
    """Train learned experts by their recipes (benchmarks/experts.py); a cut-off run goes on."""

    tasks: tyro.conf.Positional[tuple[str, ...]] = ()
    """Tasks with a recipe; all of them by default."""
    results: Path = Path("results")
    """Folder that holds `experts/`, where snapshots and files go."""
    ship: bool = False
    """Put the files among those that ship with the package."""
    dry_run: bool = False
    """Check everything and show what would run."""

    def __call__(self) -> None:
        recipes = RECIPES
        for task in self.tasks:
            pick("task with a recipe", task, recipes)
        root = self.results / "experts"
        runs = [train_expert.prepare(recipes[t], root) for t in self.tasks or recipes]
        for r in runs:
            steps = (r.algo.cost * r.recipe.updates).env_steps
            about = f"{steps:,} environment steps, seeds {r.recipe.seeds}"
            print(f"{r.recipe.task}: {r.recipe.method}, {about}")
        if self.dry_run:
            return
        out = learned.folder() if self.ship else writable_folder(root)
        with Progress(sum(r.recipe.evals for r in runs)) as progress:
            for r in runs:
                for path in train_expert.train(r, out, progress):
                    print(f"written: {path}")


@dataclass(frozen=True)
class ScoreExperts:
    """Measure the random policy and the expert of tasks: the reference scores that ship."""

    tasks: tyro.conf.Positional[tuple[str, ...]] = ()
    """By default every task that has an expert, but for the probes."""

    def __call__(self) -> None:
        tasks = self.tasks or tuple(t for t in experts.TASKS if not t.startswith("Probe"))
        for task in tasks:
            pick("task with an expert", task, experts.TASKS)
        for task in tasks:
            found = score_policy.measure_references(task)
            print(f"{task}: random {found['random']:.2f}, expert {found['expert']:.2f}")


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
    """A line of the table of experts."""
    start = (expert.task, expert.grade, expert.kind)
    if expert.path is None:
        return (*start, "-", "-", "-", "-")
    card = learned.read(expert.path)[1]
    success = "-" if card.success_final is None else f"{card.success_final:.1%}"
    score = f"{card.mean_return:.1f} ± {card.std_return:.1f}"
    return (*start, success, score, card.method, f"{card.env_steps:,}")
