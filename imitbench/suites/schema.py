"""The types of suites and cells, and the identity of a cell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imitbench import algos
from imitbench.core import unrolling
from imitbench.core.config import config_dict
from imitbench.core.types import Cost
from imitbench.data.sources.asked_expert import find_asked_expert
from imitbench.data.sources.source import DataRequest, DemoSource
from imitbench.utils.errors import UserError

SCHEMA = 1
VALIDATION_SEED = 1_000  # the first training seed of cells for choosing settings
PROFILES = ("smoke", "cpu", "full")
Profile = Literal["smoke", "cpu", "full"]
MAX_KEY_BYTES = 199
"""File systems allow 255 bytes; names of temporary folders and files are longer than the key."""


@dataclass(frozen=True)
class Cell:
    """An entry of a table: a method with its settings on a task, over training seeds."""

    task: str
    """The task's name."""
    demos: int
    """Demonstrated episodes for each training seed; 0 for methods without demonstrations."""
    method: str
    """The method's name."""
    config: Any
    """The settings of the method, its `Config`."""
    grad_steps: int = 0
    """The budget in gradient steps, a multiple of `num_evals` times the steps of an update."""
    env_steps: int = 0
    """The budget in environment steps, in place of gradient steps; one of the two is 0."""
    seeds: int = 5
    """Training seeds 0, 1, ..., seeds - 1."""
    num_evals: int = 5
    """Evaluations at equal distances, and one before training if they are several; the last one
    counts."""
    eval_episodes: int = 50
    """Episodes of each training seed and evaluation."""
    label: str = ""
    """The name of the cell in tables; the method by default."""
    source: DemoSource = field(default_factory=DemoSource)
    """The source of the demonstrations."""
    engine: str = "auto"
    """The physics engine: auto, native or mjx."""
    obs_noise: float = 0.0
    """Gaussian noise on what the policies see in evaluations, in standard deviations of the
    demonstrated observations, 0 or more. Demonstrations and training have none."""
    validation: bool = False
    """Use validation seeds and validation initial states, for choosing settings."""

    @property
    def name(self) -> str:
        """The name of the cell in tables."""
        return self.label or self.method

    @property
    def evaluated_first(self) -> bool:
        """Whether policies are evaluated before training, too: where there is a curve to begin."""
        return self.num_evals > 1

    @property
    def data(self) -> DataRequest:
        """The data that the training seeds learn from."""
        return DataRequest(self.task, self.engine, self.demos, self.source)


@dataclass(frozen=True)
class Suite:
    """A named list of cells, one list for each profile."""

    name: str
    """The name of the suite and of its results folder."""
    about: str
    """One sentence for `imitbench list suites`."""
    profiles: Mapping[Profile, tuple[Cell, ...]]
    """smoke: seconds; cpu: what two cores do in reasonable time; full: the literature's
    protocol."""
    trials: Mapping[str, int] = field(default_factory=dict)
    """How many settings were tried on validation seeds, by the name of the cells; 0 for names that
    are left out."""


def cell_identity(suite: str, profile: str, cell: Cell, engine: str) -> dict[str, Any]:
    """Collects everything that decides the numbers of a cell.

    Args:
        suite: the suite's name.
        profile: the profile's name.
        cell: the cell.
        engine: the physics engine that `auto` stands for.

    Returns:
        JSON data. Version 1 of a method is left out, as in cells that are older than versions;
        `initial_states` is missing in cells whose seeds share the initial states of evaluation;
        `asked_expert` is missing where it is the task's, the scripted one if there is one;
        `obs_noise` is missing where it is 0, and `resets_version` where no episode begins at a
        demonstrated state.
    """
    version = algos.traits(cell.method).version
    optional = {"env_steps": cell.env_steps} if cell.env_steps else {}
    optional |= {"validation": True} if cell.validation else {}
    optional |= {"obs_noise": cell.obs_noise} if cell.obs_noise else {}
    optional |= {"version": version} if version != 1 else {}
    if algos.reset_share(cell.config):
        optional |= {"resets_version": unrolling.RESETS_VERSION}
    if "expert" in algos.needs(cell.method):
        asked = find_asked_expert(cell.task, cell.source).identity
        optional |= {"asked_expert": asked} if asked else {}
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
        "initial_states": "own",
        "source": cell.source.identity(),
        "engine": engine,
    }


def without_seeds(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity without its seeds: what all runs of a cell have in common.

    Args:
        identity: the identity of a cell (`cell_identity`).
    """
    return {k: v for k, v in identity.items() if k != "seeds"}


def cell_key(identity: Mapping[str, Any]) -> str:
    """Names the folder of a cell: readable, and different for different identities.

    Args:
        identity: the identity of the cell (`cell_identity`).

    Returns:
        TASK-DEMOS-LABEL-HASH in at most 199 bytes; a long label is cut.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
    head, tail = f"{identity['task']}-{identity['demos']}-", f"-{digest}"
    room = max(MAX_KEY_BYTES - len((head + tail).encode()), 0)
    label = identity["label"].encode()[:room].decode(errors="ignore")
    return (head + label + tail).replace("/", "_")  # of tasks such as brax/ant


def count_updates(cell: Cell, cost: Cost) -> int:
    """Counts the updates that spend the budget of a cell.

    Args:
        cell: the cell.
        cost: the cost of one update.

    Returns:
        Updates, a multiple of `cell.num_evals`.

    Raises:
        UserError: the budget is no multiple of the cost of an update times the evaluations.
    """
    name = "env_steps" if cell.env_steps else "grad_steps"
    budget, per_update = getattr(cell, name), getattr(cost, name)
    if not per_update:
        other = "grad_steps" if cell.env_steps else "env_steps"
        raise UserError(f"{name}={budget}: {cell.name} spends no {name}; set {other} instead")
    unit = per_update * cell.num_evals
    if budget % unit:
        nearest = max(1, round(budget / unit)) * unit
        online = name == "grad_steps" and cost.env_steps
        other = f"; or a budget of environment steps, {cost.env_steps} an update" if online else ""
        raise UserError(
            f"{name}={budget} of {cell.name}: expected a multiple of {unit} "
            f"({per_update} an update x {cell.num_evals} evaluations), such as {nearest}{other}"
        )
    return budget // per_update
