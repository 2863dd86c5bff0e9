"""Suites: typed lists of cells, one list for each profile. The lists live in `benchmarks/`."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import imitbench
from imitbench import algos, experts
from imitbench.core.types import LATER, Cost, UserError, pick, said
from imitbench.data import grades
from imitbench.envs.registry import known

SCHEMA = 1
VALIDATION_SEED = 1_000  # the first training seed of cells for choosing settings
PROFILES = ("smoke", "cpu", "full")
Profile = Literal["smoke", "cpu", "full"]


@dataclass(frozen=True)
class Behaviour:
    """An online learner whose every step is data for others (`imitbench.harness.streams`)."""

    method: str
    config: Any
    name: str = field(compare=False)  # what tables call it


@dataclass(frozen=True)
class DemoSource:
    """Where a cell's demonstrations come from; see `imitbench.data.collect`."""

    pool: int = 100
    """Episodes collected, out of which each training seed draws its own."""
    noise: float | None = None
    """Standard deviation of the noise on the expert's actions; labels stay un-noised. None: the
    grade's own."""
    seed: int = 0
    """Of the collection."""
    only_success: bool | None = None
    """Keep episodes that succeed at their last step. None: as the grade does."""
    shared: bool = False
    """All training seeds learn from one and the same subset."""
    grade: str = field(default="expert", metadata=LATER)
    """How good the demonstrator is; see `imitbench.data.GRADES`."""
    expert: experts.Kind = field(default="auto", metadata=LATER)
    """A scripted or a learned one; auto takes the scripted one where there is one."""
    every: int = field(default=1, metadata=LATER)
    """Keep one step in so many of each episode, as Ho and Ermon 2016 do; for methods that look at
    single steps alone."""
    behaviour: Behaviour | None = field(default=None, metadata=LATER)
    """In place of all that: for each training seed the steps of an online learner with the same
    seed, as many as the cell's number of demonstrations times the time limit."""
    growing: bool = field(default=False, metadata=LATER)
    """The cell's method learns while the behaviour does, from what is there at the time."""

    def identity(self) -> dict[str, Any]:
        """The source as JSON data, with the numbers that None stands for.

        Raises:
            UserError: an unknown grade, or settings that contradict it or each other.
        """
        own = self.behaviour
        if own is not None:
            if dataclasses.replace(self, behaviour=None, growing=False) != DemoSource():
                raise UserError("a source with a behaviour has no other settings: leave them out")
            config = json.loads(json.dumps(said(own.config)))
            behaviour = {"method": own.method, "config": config, "name": own.name}
            return {"behaviour": behaviour, "growing": self.growing}
        if self.growing:
            raise UserError("growing=True: expected a behaviour, whose steps are growing")
        noise, only_success = grades.settled(self.grade, self.noise, self.only_success)
        return said(self) | {"noise": noise, "only_success": only_success}


@dataclass(frozen=True)
class Cell:
    """One entry of a table: a method with its settings on a task, over seeds."""

    task: str
    demos: int  # demonstrations given to each seed; 0 for methods that learn without
    method: str
    config: Any  # the method's Config
    grad_steps: int = 0  # budget, a multiple of what one update takes times num_evals
    env_steps: int = 0  # or the budget in these; one of the two is given
    seeds: int = 5  # training seeds 0, 1, ..., seeds - 1
    num_evals: int = 5
    eval_episodes: int = 50  # of each seed and evaluation
    label: str = ""  # what tables call it; by default the method
    source: DemoSource = field(default_factory=DemoSource)
    engine: str = "auto"
    validation: bool = False  # for choosing settings: other training seeds and initial states

    @property
    def name(self) -> str:
        return self.label or self.method


@dataclass(frozen=True)
class Suite:
    name: str
    about: str
    profiles: Mapping[Profile, tuple[Cell, ...]]
    trials: Mapping[str, int] = field(default_factory=dict)
    """How many settings were tried on validation seeds, for a name of cells at each of their
    places. Names that are not here: none."""


def identity(suite: str, profile: str, cell: Cell, engine: str) -> dict[str, Any]:
    """All that decides a cell's numbers, as JSON data. `engine` is the one that `auto` means.

    Cells from before methods had versions name none, and have version 1.
    """
    version = algos.traits(cell.method).version
    optional = {"env_steps": cell.env_steps} if cell.env_steps else {}
    optional |= {"validation": True} if cell.validation else {}
    optional |= {"version": version} if version != 1 else {}
    first = VALIDATION_SEED if cell.validation else 0
    return optional | {
        "schema": SCHEMA,
        "suite": suite,
        "profile": profile,
        "task": cell.task,
        "demos": cell.demos,
        "method": cell.method,
        "label": cell.name,
        "config": json.loads(json.dumps(said(cell.config))),
        "grad_steps": cell.grad_steps,
        "seeds": list(range(first, first + cell.seeds)),
        "num_evals": cell.num_evals,
        "eval_episodes": cell.eval_episodes,
        "source": cell.source.identity(),
        "engine": engine,
    }


def key_of(identity: dict[str, Any]) -> str:
    """Name of a cell's folder: readable, and different for different identities."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
    name = f"{identity['task']}-{identity['demos']}-{identity['label']}-{digest}"
    return name.replace("/", "_")  # of tasks such as brax/ant


def check(cell: Cell) -> None:
    """Everything about a cell that can be wrong before work starts.

    Raises:
        UserError: what is wrong, with the value and what was expected.
    """
    known(cell.task)
    pick("method", cell.method, algos.ALGOS)
    for name in ("seeds", "num_evals", "eval_episodes"):
        if getattr(cell, name) < 1:
            raise UserError(f"{name}={getattr(cell, name)}: expected 1 or more")
    if (cell.grad_steps > 0) == (cell.env_steps > 0):
        raise UserError(
            f"grad_steps={cell.grad_steps}, env_steps={cell.env_steps}: expected one of them above "
            "0, the other 0"
        )
    if not algos.traits(cell.method).needs_demos:
        if cell.demos:
            raise UserError(f"demos={cell.demos}: {cell.method} learns without; set demos to 0")
        return
    if cell.demos < 1:
        raise UserError(f"demos={cell.demos}: {cell.method} needs 1 or more")
    wants = algos.traits(cell.method)
    whole = wants.needs_rewards or wants.needs_goals_reached
    if cell.source.every != 1 and whole:
        raise UserError(
            f"every={cell.source.every}: {cell.method} needs whole episodes; set it to 1"
        )
    if cell.source.behaviour is None and cell.demos > cell.source.pool:
        raise UserError(
            f"{cell.demos} demonstrations asked for, but the pool has {cell.source.pool} episodes: "
            "ask for fewer or raise the pool"
        )


def updates(cell: Cell, cost: Cost) -> int:
    """Updates that spend the cell's budget, where one update takes `cost`.

    Raises:
        UserError: the budget cannot be cut into that many equal evaluations.
    """
    name = "env_steps" if cell.env_steps else "grad_steps"
    budget, each = getattr(cell, name), getattr(cost, name)
    if not each:
        raise UserError(f"{name}={budget}: {cell.name} takes none; give its budget in grad_steps")
    unit = each * cell.num_evals
    if budget % unit:
        near = max(1, round(budget / unit)) * unit
        raise UserError(
            f"{name}={budget} of {cell.name}: expected a multiple of {unit} "
            f"({each} an update x {cell.num_evals} evaluations), such as {near}"
        )
    return budget // each


def folders() -> list[Path]:
    """Where suites are looked for: the current project, the source tree, the installed package."""
    package = Path(imitbench.__file__).parent
    options = [Path("benchmarks"), package.parent / "benchmarks", package / "_benchmarks"]
    return [p for p in options if p.is_dir()]


def names() -> list[str]:
    """The suites that there are: files of `benchmarks/` that define one."""
    found = {p for d in folders() for p in d.glob("*.py") if "\nSUITE = " in p.read_text()}
    return sorted({p.stem for p in found})


def load(name: str) -> Suite:
    """A suite by name, or from a Python file that defines `SUITE`.

    Raises:
        UserError: there is none of that name, or the file does not define one.
    """
    path = Path(name)
    if path.suffix != ".py":
        pick("suite", name, names())
        path = _find(name)
    if not path.exists():
        raise UserError(f"no such suite file: {path}")
    suite = getattr(_module(path), "SUITE", None)
    if not isinstance(suite, Suite):
        raise UserError(f"{path} defines no SUITE of type imitbench.harness.suite.Suite")
    return suite


def places(name: str, profile: str) -> dict[tuple[str, int, str], int]:
    """Where a suite lists the cell of a task, demonstrations and name; empty without the suite."""
    profiles = load(name).profiles if name in names() else {}
    found: dict[tuple[str, int, str], int] = {}
    for i, cell in enumerate(c for key in profiles if key == profile for c in profiles[key]):
        found.setdefault((cell.task, cell.demos, cell.name), i)
    return found


def attribute(name: str, what: str) -> Any:
    """Typed data beside the suites: what a file of `benchmarks/` calls `what`."""
    return getattr(module(name), what)


def module(name: str) -> Any:
    """The file `benchmarks/<name>.py` as a module."""
    return _module(_find(name))


def target(name: str, what: str, default: Any) -> Any:
    """What `benchmarks/targets/<suite>.py` calls `what`, where there is such a file and it does."""
    path = f"targets/{name}"
    return getattr(module(path), what, default) if exists(path) else default


def exists(name: str) -> bool:
    """Whether `benchmarks/<name>.py` is there."""
    return any((d / f"{name}.py").exists() for d in folders())


def _find(name: str) -> Path:
    return next(d / f"{name}.py" for d in folders() if (d / f"{name}.py").exists())


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"imitbench_suite_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
