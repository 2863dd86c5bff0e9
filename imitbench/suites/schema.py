"""The types of suites and cells, the identity of a cell, and the checks of both."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imitbench import algos
from imitbench.core.config import check_values, config_dict
from imitbench.core.types import Cost
from imitbench.data.sources.asked_expert import find_asked_expert
from imitbench.data.sources.source import DataRequest, DemoSource
from imitbench.envs.registry import check_task
from imitbench.utils.errors import UserError, pick, whole_number
from imitbench.utils.files import check_folder_name

SCHEMA = 1
VALIDATION_SEED = 1_000  # the first training seed of cells for choosing settings
PROFILES = ("smoke", "cpu", "full")
Profile = Literal["smoke", "cpu", "full"]
MAX_LABEL = 1000  # characters
LABEL = re.compile(rf"(?![. ])[\w.+,=:()' -]{{1,{MAX_LABEL}}}")
"""Labels of cells, a part of the names of their folders; `=` and `,` stand in changed settings."""
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
        `obs_noise` is missing where it is 0.
    """
    version = algos.traits(cell.method).version
    optional = {"env_steps": cell.env_steps} if cell.env_steps else {}
    optional |= {"validation": True} if cell.validation else {}
    optional |= {"obs_noise": cell.obs_noise} if cell.obs_noise else {}
    optional |= {"version": version} if version != 1 else {}
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


def check_suite(suite: Suite) -> Suite:
    """Checks the names in a suite, which become names of folders.

    Args:
        suite: the suite.

    Returns:
        The suite.

    Raises:
        UserError: its name, the name of a profile, or the label of a cell is not allowed.
    """
    check_folder_name("suite name", suite.name)
    for profile, cells in suite.profiles.items():
        check_folder_name("profile", profile)
        for cell in cells:
            _check_label(cell)
    return suite


def check_config(method: str, config: Any) -> None:
    """Checks that settings are those of a method.

    Args:
        method: one of `algos.ALGOS`.
        config: the settings.

    Raises:
        UserError: they are of another type, or a value of a setting is not allowed.
    """
    kind = algos.ALGOS[method].Config
    if not isinstance(config, kind):
        raise UserError(
            f"config is of type {type(config).__module__}.{type(config).__qualname__}, expected "
            f"the settings of {method}, {kind.__module__}.{kind.__qualname__}"
        )
    check_values(config)


def _check_label(cell: Cell) -> None:
    if not isinstance(cell.name, str):
        raise UserError(f"label {cell.name!r:.60}: expected text")
    if not LABEL.fullmatch(cell.name):
        raise UserError(
            f"label {cell.name[:MAX_LABEL]!r}: expected 1 to {MAX_LABEL} letters, digits, spaces "
            "or _.+,=:()'- without a leading dot or space, because it is a part of a folder's "
            "name; rename it"
        )


def check_cell(cell: Cell) -> None:
    """Checks a cell before any work.

    Args:
        cell: the cell.

    Raises:
        UserError: the task or the method is unknown, a number is out of range, the label is not
            allowed, or the demonstrations do not fit the method.
    """
    for task in filter(None, (cell.task, cell.source.task)):
        check_task(task)
    pick("method", cell.method, algos.ALGOS)
    check_config(cell.method, cell.config)
    _check_label(cell)
    for name in ("seeds", "num_evals", "eval_episodes"):
        whole_number(name, getattr(cell, name))
    for name in ("demos", "grad_steps", "env_steps"):
        whole_number(name, getattr(cell, name), 0)
    if (cell.grad_steps > 0) == (cell.env_steps > 0):
        raise UserError(
            f"grad_steps={cell.grad_steps}, env_steps={cell.env_steps}: expected one of them above "
            "0, the other 0"
        )
    noise = cell.obs_noise
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < math.inf:
        raise UserError(f"obs_noise={noise!r}: expected a number, 0 or more")
    if noise and not cell.demos:
        raise UserError(
            f"obs_noise={noise}: it is measured by the demonstrations, and {cell.name} has none; "
            "set 0"
        )
    _check_demos(cell)


def _check_demos(cell: Cell) -> None:
    """Checks the demonstrations of a cell against the traits of its method."""
    traits, source = algos.traits(cell.method), cell.source
    if not traits.needs_demos:
        if source.is_own:
            raise UserError(
                f"{cell.method} learns without demonstrations: leave the data set out, or use a "
                "method that learns from one, such as bc"
            )
        if cell.demos:
            raise UserError(
                f"demos={cell.demos}: {cell.method} learns without demonstrations; set demos=0"
            )
        return
    if cell.demos < 1:
        raise UserError(f"demos={cell.demos}: {cell.method} needs 1 or more")
    if (source.extra is not None) != traits.uses_extra:
        if traits.uses_extra:
            raise UserError(
                f"{cell.method} learns from extra data beside the demonstrations, and there are "
                "none: set extra and extra_episodes of the source (--extra-grade and --extra-demos)"
            )
        raise UserError(
            f"{cell.method} would take extra data for demonstrations: leave extra out, or use a "
            "method that tells them apart, such as smodice"
        )
    if source.stride != 1 and (traits.needs_rewards or traits.needs_goals_reached):
        raise UserError(f"stride={source.stride}: {cell.method} needs whole episodes; set stride=1")
    if source.stride != 1 and algos.remembers(cell.config):
        raise UserError(
            f"stride={source.stride}: a policy with a memory needs whole episodes; set stride=1"
        )
    if source.dataset is not None and cell.demos > source.pool:
        held_out = " beside those for evaluation" if source.dataset.held_out else ""
        raise UserError(
            f"{cell.demos} demonstrations asked for, but the data set has {source.pool} "
            f"episodes{held_out}: ask for fewer"
        )
    if source.behaviour is None and not source.is_own and cell.demos > source.pool:
        raise UserError(
            f"{cell.demos} demonstrations asked for, but the pool has {source.pool} episodes: "
            "ask for fewer or raise the pool"
        )


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
        raise UserError(
            f"{name}={budget} of {cell.name}: expected a multiple of {unit} "
            f"({per_update} an update x {cell.num_evals} evaluations), such as {nearest}"
        )
    return budget // per_update
