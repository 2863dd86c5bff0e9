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
from imitbench import algos, envs
from imitbench.core.types import UserError
from imitbench.envs.registry import pick

SCHEMA = 1
PROFILES = ("smoke", "cpu", "full")
Profile = Literal["smoke", "cpu", "full"]


@dataclass(frozen=True)
class DemoSource:
    """Where a cell's demonstrations come from; see `imitbench.data.collect`."""

    pool: int = 100
    """Episodes collected, out of which each training seed draws its own."""
    noise: float = 0.0
    """Standard deviation of the noise on the expert's actions; labels stay un-noised."""
    seed: int = 0
    """Of the collection."""
    only_success: bool = True
    """Keep episodes that succeed at their last step."""
    shared: bool = False
    """All training seeds learn from one and the same subset."""


@dataclass(frozen=True)
class Cell:
    """One entry of a table: a method with its settings on a task, over seeds."""

    task: str
    demos: int  # demonstrations given to each seed
    method: str
    config: Any  # the method's Config
    grad_steps: int  # budget, a multiple of what one update takes times num_evals
    seeds: int = 5  # training seeds 0, 1, ..., seeds - 1
    num_evals: int = 5
    eval_episodes: int = 50  # of each seed and evaluation
    label: str = ""  # what tables call it; by default the method
    source: DemoSource = field(default_factory=DemoSource)
    engine: str = "auto"

    @property
    def name(self) -> str:
        return self.label or self.method


@dataclass(frozen=True)
class Suite:
    name: str
    about: str
    profiles: Mapping[Profile, tuple[Cell, ...]]


def identity(suite: str, profile: str, cell: Cell, engine: str) -> dict[str, Any]:
    """All that decides a cell's numbers, as JSON data. `engine` is the one that `auto` means."""
    return {
        "schema": SCHEMA,
        "suite": suite,
        "profile": profile,
        "task": cell.task,
        "demos": cell.demos,
        "method": cell.method,
        "label": cell.name,
        "config": json.loads(json.dumps(dataclasses.asdict(cell.config))),
        "grad_steps": cell.grad_steps,
        "seeds": list(range(cell.seeds)),
        "num_evals": cell.num_evals,
        "eval_episodes": cell.eval_episodes,
        "source": dataclasses.asdict(cell.source),
        "engine": engine,
    }


def key_of(identity: dict[str, Any]) -> str:
    """Name of a cell's folder: readable, and different for different identities."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
    return f"{identity['task']}-{identity['demos']}-{identity['label']}-{digest}"


def check(cell: Cell) -> None:
    """Everything about a cell that can be wrong before work starts.

    Raises:
        UserError: what is wrong, with the value and what was expected.
    """
    pick("task", cell.task, envs.TASKS)
    pick("method", cell.method, algos.ALGOS)
    for name in ("demos", "grad_steps", "seeds", "num_evals", "eval_episodes"):
        if getattr(cell, name) < 1:
            raise UserError(f"{name}={getattr(cell, name)}: expected 1 or more")
    if cell.demos > cell.source.pool:
        raise UserError(
            f"{cell.demos} demonstrations asked for, but the pool has {cell.source.pool} episodes: "
            "ask for fewer or raise the pool"
        )


def updates(cell: Cell, grad_steps_per_update: int) -> int:
    """Updates that spend the cell's gradient steps.

    Raises:
        UserError: the budget cannot be cut into that many equal evaluations.
    """
    unit = grad_steps_per_update * cell.num_evals
    if cell.grad_steps % unit:
        near = max(1, round(cell.grad_steps / unit)) * unit
        raise UserError(
            f"grad_steps={cell.grad_steps} of {cell.name}: expected a multiple of {unit} "
            f"({grad_steps_per_update} an update x {cell.num_evals} evaluations), such as {near}"
        )
    return cell.grad_steps // grad_steps_per_update


def folders() -> list[Path]:
    """Where suites are looked for: the current project, the source tree, the installed package."""
    package = Path(imitbench.__file__).parent
    options = [Path("benchmarks"), package.parent / "benchmarks", package / "_benchmarks"]
    return [p for p in options if p.is_dir()]


def names() -> list[str]:
    found = {p.stem for d in folders() for p in d.glob("*.py") if not p.stem.startswith("_")}
    return sorted(found)


def load(name: str) -> Suite:
    """A suite by name, or from a Python file that defines `SUITE`.

    Raises:
        UserError: there is none of that name, or the file does not define one.
    """
    path = Path(name)
    if path.suffix != ".py":
        pick("suite", name, names())
        path = next(d / f"{name}.py" for d in folders() if (d / f"{name}.py").exists())
    if not path.exists():
        raise UserError(f"no such suite file: {path}")
    spec = importlib.util.spec_from_file_location(f"imitbench_suite_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    suite = getattr(module, "SUITE", None)
    if not isinstance(suite, Suite):
        raise UserError(f"{path} defines no SUITE of type imitbench.harness.suite.Suite")
    return suite
