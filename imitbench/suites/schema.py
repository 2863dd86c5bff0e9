"""What a suite is: typed lists of cells, one list for each profile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imitbench import algos
from imitbench.core.config import config_dict
from imitbench.core.types import Cost
from imitbench.data.loading import DataRequest
from imitbench.data.source import DemoSource
from imitbench.envs.registry import check_task
from imitbench.utils.errors import UserError, pick

SCHEMA = 1
VALIDATION_SEED = 1_000  # the first training seed of cells for choosing settings
PROFILES = ("smoke", "cpu", "full")
Profile = Literal["smoke", "cpu", "full"]


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

    @property
    def data(self) -> DataRequest:
        """What its seeds learn from."""
        return DataRequest(self.task, self.engine, self.demos, self.source)


@dataclass(frozen=True)
class Suite:
    name: str
    about: str
    profiles: Mapping[Profile, tuple[Cell, ...]]
    trials: Mapping[str, int] = field(default_factory=dict)
    """How many settings were tried on validation seeds, for a name of cells at each of their
    places. Names that are not here: none."""


def cell_identity(suite: str, profile: str, cell: Cell, engine: str) -> dict[str, Any]:
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
        "config": json.loads(json.dumps(config_dict(cell.config))),
        "grad_steps": cell.grad_steps,
        "seeds": list(range(first, first + cell.seeds)),
        "num_evals": cell.num_evals,
        "eval_episodes": cell.eval_episodes,
        "source": cell.source.identity(),
        "engine": engine,
    }


def cell_key(identity: dict[str, Any]) -> str:
    """Name of a cell's folder: readable, and different for different identities."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
    name = f"{identity['task']}-{identity['demos']}-{identity['label']}-{digest}"
    return name.replace("/", "_")  # of tasks such as brax/ant


def check_cell(cell: Cell) -> None:
    """Everything about a cell that can be wrong before work starts.

    Raises:
        UserError: what is wrong, with the value and what was expected.
    """
    check_task(cell.task)
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
    if cell.source.stride != 1 and whole:
        raise UserError(
            f"stride={cell.source.stride}: {cell.method} needs whole episodes; set it to 1"
        )
    if cell.source.behaviour is None and cell.demos > cell.source.pool:
        raise UserError(
            f"{cell.demos} demonstrations asked for, but the pool has {cell.source.pool} episodes: "
            "ask for fewer or raise the pool"
        )


def count_updates(cell: Cell, cost: Cost) -> int:
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
