"""The command that makes data sets: `imitbench demos Hopper --grade medium`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from imitbench import data, envs
from imitbench.cli.options import Engine, ExpertKind, ExpertName, Grade, TaskName, UserPath
from imitbench.data.sources.source import DemoSource
from imitbench.envs.registry import check_task
from imitbench.runs import own_expert
from imitbench.utils.errors import UserError, whole_number
from imitbench.utils.files import require_folder_of


@dataclass(frozen=True)
class Demos:
    """Collect demonstrations with the experts of a task, and write them to a file."""

    task: tyro.conf.Positional[TaskName]
    grade: Grade = "expert"
    episodes: int = 100
    """Number of episodes. For the grade replay: the learner's budget, in episodes of the full time
    limit."""
    seed: int = 0
    """Seed of the collection."""
    noise: float | None = None
    """Standard deviation of Gaussian noise on the executed actions; by default the grade's. The
    recorded expert actions have no noise, except in the grades imperfect and stochastic (-medium,
    -mixed), which record the executed actions."""
    all: bool = False
    """Keep episodes that fail, too; all grades but expert and noisy always do."""
    kind: ExpertKind = "auto"
    """The same as --expert, for the experts of imitbench."""
    expert: ExpertName = "auto"
    engine: Engine = "auto"
    format: Literal["npz", "minari"] = "npz"
    """Format of the data set. npz: one file; minari: a folder that the package minari opens."""
    out: UserPath | None = None
    """File to write; by default TASK-EPISODES-SEED.npz in the current folder, with a grade other
    than expert and a kind other than auto after TASK. For minari the folder of data sets
    (MINARI_DATASETS_PATH); by default ./minari."""

    def __call__(self) -> None:
        check_task(self.task)
        whole_number("episodes", self.episodes)
        source = self._source()
        data.demonstrators(self.task, self.grade, source.expert)  # the grade names a file below
        out = self.out or self._default_out()
        if self.format == "minari":
            data.minari.library()  # an error before any work where it is not installed
        require_folder_of(out)
        demos = data.load_pool(self.task, self.engine, source)
        if self.format == "minari":
            out = data.minari.save(out, demos, envs.make(self.task, self.engine).spec)
        else:
            data.save(out, demos)
        print(f"{data.describe(demos.header)}\nwritten to {out}")

    def _default_out(self) -> Path:
        if self.format == "minari":
            return Path("minari")
        grade = "" if self.grade == "expert" else f"-{self.grade}"
        kind = "" if self._kind() == "auto" else f"-{self._kind()}"
        return Path(f"{self.task}{grade}{kind}-{self.episodes}-{self.seed}.npz".replace("/", "_"))

    def _kind(self) -> str:
        """The kind of imitbench's experts, or `own`."""
        return (self.kind if self.expert == "auto" else self.expert) if self._is_ours() else "own"

    def _is_ours(self) -> bool:
        return self.expert in own_expert.KINDS

    def _source(self) -> DemoSource:
        """The source that the options describe, with its expert."""
        if "auto" not in (self.kind, self.expert):
            raise UserError(f"kind {self.kind!r} beside --expert {self.expert}: give one of them")
        source = DemoSource(
            pool=self.episodes,
            grade=self.grade,
            expert=self.kind if self.expert == "auto" else self.expert,
            seed=self.seed,
            noise=self.noise,
            only_success=False if self.all else None,
        )
        return own_expert.with_expert(source, envs.make(self.task, self.engine))
