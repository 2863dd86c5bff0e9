"""The commands that train one method: `imitbench train bc --task FetchReach`, `imitbench tune`."""

from __future__ import annotations

import dataclasses
import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from imitbench import algos, envs
from imitbench.cli import console, locations
from imitbench.cli.datasets import FilterKey, FormatName
from imitbench.cli.options import (
    Engine,
    ExpertName,
    Grade,
    MethodFile,
    MethodName,
    ResultsFolder,
    TaskName,
    TensorBoard,
    Wandb,
    Words,
)
from imitbench.data import compatibility, own_data
from imitbench.data.recordings.task_checks import OtherTaskError
from imitbench.data.sources.source import DataRequest, DemoSource
from imitbench.envs.recorded import NO_TASK
from imitbench.envs.registry import check_task
from imitbench.runs import plan, runner, search_space, tune
from imitbench.suites import overrides
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError, whole_number

DEFAULT_DEMOS = 25
DEFAULT_GRAD_STEPS = 10_000


@dataclass(frozen=True)
class Train:
    """Train one method on one task, and print the table of its scores."""

    method: tyro.conf.Positional[MethodName]
    task: TaskName
    demos: int | None = None
    """Number of demonstrations for each seed; by default 25, all episodes of --data, and 0 for a
    method that learns without demonstrations."""
    seeds: int = 5
    """Number of training seeds: 0, 1, ..., SEEDS - 1."""
    grad_steps: int = 0
    """Budget of each seed in gradient steps; 10,000 if no budget is given."""
    env_steps: int = 0
    """Budget of each seed in environment steps, in place of gradient steps."""
    evals: int = 5
    """Number of evaluations, at equal distances."""
    eval_episodes: int = 50
    """Number of episodes of each evaluation and seed."""
    obs_noise: float = 0.0
    """Gaussian noise on what the policies see in evaluations, in standard deviations of the
    demonstrated observations; demonstrations and training have none."""
    data: str | None = None
    """Data set of your own to learn from, in place of one that is collected: a file, a folder or a
    Minari identifier (npz, Minari, LeRobot, robomimic, D4RL, OGBench)."""
    format: FormatName = "auto"
    filter_key: FilterKey = None
    source_task: TaskName | None = None
    """Task that is demonstrated, by its expert or by --data, if it is not TASK: one with the same
    observation, such as HalfCheetah for HalfCheetah-short. Where its actions have another size,
    they are left out."""
    grade: Grade = "expert"
    expert: ExpertName = "auto"
    noise: float | None = None
    """Standard deviation of Gaussian noise on the demonstrator's actions; by default the grade's.
    The recorded expert actions have no noise, except in the grades imperfect and stochastic
    (-medium, -mixed), which record the executed actions."""
    pool: int | None = None
    """Number of episodes to collect, from which each seed draws its demonstrations; by default 100,
    or DEMOS if that is more."""
    extra_demos: int = 0
    """Number of extra episodes that are collected for each seed, for methods that learn from
    demonstrations and from further data of unknown quality (demodice, smodice)."""
    extra_grade: Grade = "mixed"
    shared: bool = False
    """Give the same demonstrations to all seeds."""
    stride: int = 1
    """Keep every STRIDE-th step of each demonstration; for methods that learn from single steps."""
    stream: bool = False
    """Leave the demonstrations in files, from which minibatches are read: for data that are larger
    than the device's memory."""
    engine: Engine = "auto"
    code: MethodFile = None
    set: Words[tuple[str, ...]] = ()
    """A setting of the method as NAME=VALUE; `imitbench config METHOD` lists them. Names have
    underscores and groups a dot, lists have commas: lr=1e-3, hidden=256,256, early_stopping=true,
    clone.lr=1e-3."""
    label: str = ""
    """Name of the cell in tables and of its folder; by default the method and the changed settings,
    such as bc-lr=1e-3."""
    results: ResultsFolder = Path("results")
    tensorboard: TensorBoard = None
    wandb: Wandb = None

    def cell(self) -> Cell:
        """The cell that the options describe.

        Raises:
            UserError: an unknown method or setting.
        """
        whole_number("--evals", self.evals)
        locations.check_method(self.method, self.code)
        config = overrides.apply(algos.ALGOS[self.method].Config(), self.set)
        source, demos = self._own_source() if self.data else self._collected_source()
        cell = Cell(
            task=self.task,
            demos=1 if demos is None else demos,
            method=self.method,
            config=config,
            grad_steps=self.grad_steps or (0 if self.env_steps else DEFAULT_GRAD_STEPS),
            env_steps=self.env_steps,
            seeds=self.seeds,
            num_evals=self.evals,
            eval_episodes=self.eval_episodes,
            obs_noise=self.obs_noise,
            source=source,
            engine=self.engine,
            label=self.label or overrides.label(self.method, self.set, self.obs_noise),
        )
        if not self.data:
            return cell
        plan.check([cell])
        source = self._read(source, config)
        print(f"data: {own_data.describe(source)}", file=sys.stderr)
        return dataclasses.replace(cell, source=source, demos=demos or source.pool)

    def _read(self, source: DemoSource, config: Any) -> DemoSource:
        """The user's own data set in memory.

        Raises:
            UserError: it is not there, is damaged, or does not fit its task; it is of another task
                than --source-task or, without that, than --task; or the observations, the method or
                its settings do not allow demonstrations of another task.
        """
        other = self.source_task
        if other is None or other == self.task:
            try:
                (source,) = own_data.read_all([(self.task, source)])
            except OtherTaskError as error:
                raise UserError(
                    f"{error}; to learn {self.task} from it on purpose: --source-task {error.task}"
                ) from None
            return source
        if self.task == NO_TASK:
            raise UserError(f"--source-task {other}: task none takes any data; leave it out")
        check_task(other)
        env = envs.make(self.task, self.engine)
        request = DataRequest(self.task, self.engine, 1, DemoSource(task=other))
        compatibility.check(request, self.method, config, env)
        for line in compatibility.warnings(request, self.method):
            print(f"warning: {line}", file=sys.stderr)
        has_actions = compatibility.same_actions(envs.make(other, self.engine).spec, env.spec)
        return own_data.read_of_task(source, other, actions=has_actions)

    def _collected_source(self) -> tuple[DemoSource, int]:
        """Demonstrations of the task's experts, and how many each seed gets."""
        for name, option in (("format", "auto"), ("filter_key", None)):
            if getattr(self, name) != option:
                raise UserError(f"--{name.replace('_', '-')} is for --data: give a data set")
        demos = self.demos
        if demos is None:
            demos = DEFAULT_DEMOS if algos.traits(self.method).needs_demos else 0
        source = DemoSource(
            pool=self._pool(demos),
            noise=self.noise,
            same_subset=self.shared,
            stride=self.stride,
            stream=self.stream,
            task=self.source_task or "",
            grade=self.grade,
            expert=self.expert,
            **self._extra(),
        )
        return source, demos

    def _extra(self) -> dict[str, Any]:
        """The settings of a source about extra data."""
        if not self.extra_demos:
            return {}
        pool = max(DemoSource().pool, self.extra_demos)
        extra = DemoSource(pool=pool, grade=self.extra_grade)
        return {"extra": extra, "extra_episodes": self.extra_demos}

    def _own_source(self) -> tuple[DemoSource, int | None]:
        """The user's own data set, and how many of its episodes each seed gets; None: all."""
        for name, default in (("grade", "expert"), ("noise", None)):
            if getattr(self, name) != default:
                raise UserError(
                    f"--{name.replace('_', '-')} {getattr(self, name)} is about data that are "
                    f"collected, not about --data {self.data}: leave it out"
                )
        if self.pool is not None:
            raise UserError(f"--pool {self.pool}: --data is the pool; leave it out")
        source = DemoSource(
            path=self.data,
            format=self.format,
            filter_key=self.filter_key,
            same_subset=self.shared,
            stride=self.stride,
            stream=self.stream,
            expert=self.expert,
            **self._extra(),
        )
        return source, self.demos

    def _pool(self, demos: int) -> int:
        if self.pool is None:
            default = DemoSource().pool
            if demos > default:
                print(f"pool: {demos} episodes, as many as --demos", file=sys.stderr)
            return max(default, demos)
        if self.pool < demos:
            raise UserError(
                f"--pool {self.pool}: expected at least --demos {demos}; raise --pool or leave it "
                "out"
            )
        return self.pool

    def __call__(self) -> None:
        execute = functools.partial(
            runner.run, make_loggers=console.live_loggers(self.tensorboard, self.wandb)
        )
        root = self.results / "train"
        locations.require_own_folder(root)
        jobs = plan.prepare("train", "cpu", [self.cell()])
        console.run(jobs, root, None, execute)


@dataclass(frozen=True)
class Tune(Train):
    """Search for settings of a method on validation seeds. Other options as for `train`."""

    range: Words[tuple[str, ...]] = ()
    """Values of a setting, such as lr=log:1e-4:1e-2, alpha=uniform:0.01:0.2, or the choices
    batch=64/256."""
    trials: int = 10
    """Number of random settings; the first one is without any change. 0: all combinations of the
    choices."""
    seed: int = 0
    """Seed of the random settings."""

    def __call__(self) -> None:
        if not self.range:
            raise UserError("nothing to search: give --range, such as lr=log:1e-4:1e-2")
        if self.tensorboard or self.wandb:
            raise UserError("--tensorboard and --wandb are for `imitbench train`: leave them out")
        root = self.results / "tune"
        locations.require_own_folder(root)
        cell = self.cell()
        ranges = [search_space.parse(word) for word in self.range]
        settings = search_space.trials(ranges, self.trials, self.seed)
        path, trials = tune.search(cell, settings, root)
        console.print_trials(trials, cell)
        print(f"written: {path}")
