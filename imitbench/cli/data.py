"""The command that makes data sets: `imitbench demos Hopper --grade medium`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from imitbench import data, envs, experts
from imitbench.data.source import DemoSource
from imitbench.envs.registry import check_task
from imitbench.physics import EngineChoice
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Demos:
    """Collect demonstrations with the task's experts and write them to a file."""

    task: tyro.conf.Positional[str]
    grade: str = "expert"
    """expert, medium (a half-trained policy), noisy (the expert with noise 0.2), imperfect (with
    noise 0.3 and three uniform actions in ten, as labels too), mixed (half expert, half medium
    episodes), still (actions of 0) or replay (what a learner sees from its start on)."""
    episodes: int = 100
    """Of a replay: the budget, in episodes that last until the time limit."""
    seed: int = 0
    noise: float | None = None
    """Standard deviation of Gaussian noise on the executed actions, by default the grade's own;
    labels stay un-noised."""
    all: bool = False
    """Keep episodes that fail, too; medium and mixed do so anyway."""
    kind: experts.Kind = "auto"
    """Scripted or learned experts; auto takes the scripted one where there is one."""
    expert: Path | None = None
    """File of a learned expert (`imitbench experts train`), in place of the task's own."""
    engine: EngineChoice = "auto"
    format: Literal["npz", "minari"] = "npz"
    """npz: one file. minari: a data set that the package minari opens."""
    out: Path | None = None
    """File to write; by default TASK-EPISODES-SEED.npz here, with a grade other than expert and a
    kind other than auto after TASK. For minari its folder of data sets (MINARI_DATASETS_PATH), by
    default ./minari."""

    def __call__(self) -> None:
        check_task(self.task)
        if self.expert is None:
            # Rejects a grade before it is a file name.
            data.demonstrators(self.task, self.grade, self.kind)
        grade = "" if self.grade == "expert" else f"-{self.grade}"
        grade += "" if self.kind == "auto" else f"-{self.kind}"
        name = f"{self.task}{grade}-{self.episodes}-{self.seed}.npz".replace("/", "_")
        out = self.out or Path(name if self.format == "npz" else "minari")
        if self.format == "minari":
            data.minari.library()  # missed before any work
        if not out.parent.is_dir():
            raise UserError(f"cannot write {out}: there is no folder {out.parent}")
        demos = self._collect()
        if self.format == "minari":
            out = data.minari.save(out, demos, envs.make(self.task, self.engine).spec)
        else:
            data.save(out, demos)
        print(f"{data.describe(demos.header)}\nwritten to {out}")

    def _collect(self) -> data.Demos:
        if self.expert is None:
            source = DemoSource(
                pool=self.episodes,
                grade=self.grade,
                expert=self.kind,
                seed=self.seed,
                noise=self.noise,
                only_success=False if self.all else None,
            )
            return data.load_pool(self.task, self.engine, source)
        for name, plain in (("grade", "expert"), ("kind", "auto")):
            if getattr(self, name) != plain:
                given = f"{name} {getattr(self, name)!r}"
                raise UserError(f"{given} beside --expert {self.expert}: give one of them")
        env = envs.make(self.task, self.engine)
        return data.collect(
            env,
            experts.load(self.task, expert=self.expert, spec=env.spec),
            self.episodes,
            seed=self.seed,
            noise=self.noise or 0.0,
            only_success=not self.all,
            expert_name=self.expert.name,
        )
