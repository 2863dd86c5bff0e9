"""The commands that train one method: `imitbench train bc --task FetchReach`, `imitbench tune`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from imitbench import algos, experts
from imitbench.cli import console
from imitbench.data.source import DemoSource
from imitbench.physics import EngineChoice
from imitbench.runs import plan, search_space, tune
from imitbench.suites import overrides
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError, pick

Words = tyro.conf.UseAppendAction


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
    expert: experts.Kind = "auto"
    """A scripted or a learned demonstrator; auto takes the scripted one where there is one."""
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

    def cell(self) -> Cell:
        """What the options ask for."""
        pick("method", self.method, algos.ALGOS)
        config = overrides.apply(algos.ALGOS[self.method].Config(), self.set)
        demos = self.demos
        if demos is None:
            demos = 25 if algos.traits(self.method).needs_demos else 0
        source = DemoSource(
            pool=max(self.pool, demos),
            noise=self.noise,
            same_subset=self.shared,
            grade=self.grade,
            expert=self.expert,
        )
        return Cell(
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

    def __call__(self) -> None:
        console.run(plan.prepare("train", "cpu", [self.cell()]), self.results / "train", None)


@dataclass(frozen=True)
class Tune(Train):
    """Search for a method's settings on validation seeds; options as of `train`."""

    range: Words[tuple[str, ...]] = ()
    """What a setting may be: lr=log:1e-4:1e-2, alpha=uniform:0.01:0.2, or choices batch=64/256."""
    trials: int = 10
    """Random settings, the first without any change; 0 for the whole grid of choices."""
    seed: int = 0
    """Of the random settings."""

    def __call__(self) -> None:
        cell = self.cell()
        if not self.range:
            raise UserError("nothing to search: give --range, such as lr=log:1e-4:1e-2")
        ranges = [search_space.parse(word) for word in self.range]
        words = search_space.trials(ranges, self.trials, self.seed)
        path, found = tune.search(cell, words, self.results / "tune")
        console.print_trials(found, cell)
        print(f"written: {path}")
