"""Planning a run: every cell is checked and built before any work begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from imitbench import algos, envs
from imitbench.core.types import Actor, Algorithm, Env, Policy
from imitbench.data import compatibility, loading, own_data
from imitbench.data.recordings.sizes import demo_spec
from imitbench.data.sources import behaviour
from imitbench.data.sources.asked_expert import AskedExpert, find_asked_expert
from imitbench.data.sources.concurrent import make_concurrent
from imitbench.data.sources.source import Behaviour
from imitbench.envs import recorded
from imitbench.envs.digest import digest
from imitbench.runs import own_expert
from imitbench.suites.checks import check_cell
from imitbench.suites.schema import Cell, cell_identity, cell_key, count_updates
from imitbench.utils.errors import UserError, pick
from imitbench.utils.files import check_folder_name

EVAL_SEED = 20_000_000  # of the evaluations' initial states; training seeds are small numbers


class Job(NamedTuple):
    """A cell that is checked and ready to run."""

    cell: Cell
    identity: dict[str, Any]  # `suites.schema.cell_identity`
    key: str  # the name of its folder
    index: int  # its position among the cells of the run
    env: Env
    algo: Algorithm
    num_updates: int  # updates that spend its budget
    asked: AskedExpert | None  # the expert that the method asks, if it does

    @property
    def expert(self) -> Actor | Policy | None:
        """The expert that the method asks, as it acts."""
        return None if self.asked is None else self.asked.load(self.env.spec)

    @property
    def seeds(self) -> list[int]:
        """The S training seeds."""
        return self.identity["seeds"]

    def marked_seeds(self, marked: np.ndarray) -> list[int]:
        """Returns the training seeds for which `marked` [S] is true."""
        return [seed for seed, mark in zip(self.seeds, marked, strict=True) if mark]

    @property
    def environment_digest(self) -> str:
        """The digest of the environment's behaviour here (`envs.digest`)."""
        if isinstance(self.env, recorded.RecordedEpisodes):
            return self.env.digest
        return digest(self.cell.task, self.cell.engine)

    @property
    def requested_experience(self) -> behaviour.Request | None:
        """The learner whose steps are the data of this cell; None for other data."""
        return loading.behaviour_request(self.cell.data, self.env)

    @property
    def offered_experience(self) -> behaviour.Request:
        """This cell's learner, as other cells request its steps."""
        cell = self.cell
        steps = self.algo.cost.env_steps * self.num_updates
        learner = Behaviour(cell.method, cell.config, cell.name)
        return behaviour.Request(cell.task, cell.engine, steps, learner)


def eval_keys(seeds: Sequence[int], validation: bool) -> jax.Array:
    """Returns the random keys of the evaluations' initial states.

    Args:
        seeds: the S training seeds.
        validation: whether the cell is one for choosing settings; those have other initial states.

    Returns:
        [S], each of which depends on its training seed alone.
    """
    key = shared_eval_key(validation)
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, np.asarray(seeds, np.uint32))


def shared_eval_key(validation: bool) -> jax.Array:
    """Returns the one key of all seeds' initial states in cells of version 0.2.0 and older."""
    return jax.random.key(EVAL_SEED + validation)


def prepare(suite: str, profile: str, cells: Sequence[Cell]) -> list[Job]:
    """Checks and builds cells, so that mistakes show before any work.

    Args:
        suite: the suite's name.
        profile: the profile's name.
        cells: the cells, in the order in which they will run.

    Returns:
        A job for each cell. Data sets of the user are read, each once.

    Raises:
        UserError: the first mistake.
    """
    check_folder_name("suite name", suite)
    check_folder_name("profile", profile)
    check(cells)
    sources = own_data.read_all([(cell.task, cell.source) for cell in cells])
    cells = [dataclasses.replace(c, source=s) for c, s in zip(cells, sources, strict=True)]
    return [_prepare(suite, profile, cell, i) for i, cell in enumerate(cells)]


def check(cells: Sequence[Cell]) -> None:
    """Checks what needs neither the data of a cell nor its environment.

    Args:
        cells: the cells.

    Raises:
        UserError: a cell is not well formed, its data set is not there, or its method needs the
            environment of a task that is not known.
    """
    for cell in cells:
        check_cell(cell)
        own_data.check(cell.source)
        if cell.task == recorded.NO_TASK:
            _check_without_task(cell)


def _check_without_task(cell: Cell) -> None:
    if not cell.source.is_own:
        raise UserError(
            "task none: expected a data set of your own to learn from and to evaluate on; give one "
            "with --data, or name a task"
        )
    if touched := algos.needs(cell.method):
        words = [{"env": "environment"}.get(x, x) for x in touched]
        verb = "are" if len(words) > 1 else "is"
        raise UserError(
            f"{cell.method} needs the task's {' and '.join(words)}, which {verb} not known: use a "
            "method that learns from data alone, such as bc or marwil"
        )


def _prepare(suite: str, profile: str, cell: Cell, index: int) -> Job:
    check_cell(cell)  # again, for the data set is known now
    own_expert.check_asks(cell.method, cell.source)
    cell, env = with_own_expert(cell), _environment(cell)
    compatibility.check(cell.data, cell.method, cell.config, env)
    loading.check(cell.data, cell.config, env)
    loading.check_stream(cell.data, cell.method)
    loading.check_image_memory(cell.data, cell.config, env, cell.seeds)
    asks = "expert" in algos.needs(cell.method)
    asked = find_asked_expert(cell.task, cell.source) if asks else None
    expert = None if asked is None else asked.load(env.spec)
    algo = algos.build(cell.method, cell.config, env.spec, env, expert)
    num_updates = count_updates(cell, algo.cost)
    if cell.source.concurrent:
        assert cell.source.behaviour is not None
        warmup = cell.source.behaviour.config.replay.warmup  # of one environment
        algo = make_concurrent(algo, num_updates, warmup)
    identity = cell_identity(suite, profile, cell, env.engine)
    return Job(cell, identity, cell_key(identity), index, env, algo, num_updates, asked)


def with_own_expert(cell: Cell) -> Cell:
    """Loads the expert that a user has named for a cell; a cell without one stays as it is.

    Raises:
        UserError: there is no such expert, or its actions are not those of the task.
    """
    if not own_expert.is_named(cell.source, cell.task):
        return cell
    source = own_expert.with_expert(cell.source, _environment(cell))
    return dataclasses.replace(cell, source=source)


def _environment(cell: Cell) -> Env:
    """The environment of a cell; recorded episodes where the task is not known."""
    if cell.task != recorded.NO_TASK:
        return envs.make(cell.task, cell.engine)
    dataset = cell.source.dataset
    if dataset is None or dataset.held_out is None:
        raise UserError("task none: expected a data set with held-out episodes to evaluate on")
    held = dataset.held_out
    return recorded.RecordedEpisodes(held.rows, held.lengths, demo_spec(dataset.demos, held))


def select(cells: Sequence[Cell], only: Sequence[str], seeds: int | None) -> list[Cell]:
    """Selects cells by task and by name.

    Args:
        cells: the cells of a suite.
        only: tasks and names of cells. Tasks among them select cells of these tasks, names select
            cells of these names; empty: all cells.
        seeds: the number of training seeds; None: the suite's.

    Returns:
        The selected cells, with this number of seeds.

    Raises:
        UserError: a word in `only` is no task and no name, no cell is left, or `seeds` is below 1.
    """
    tasks, names = {c.task for c in cells}, {c.name for c in cells}
    for word in only:
        pick("task or method in this suite", word, sorted(tasks | names))
    only_tasks = [word for word in only if word in tasks]
    only_names = [word for word in only if word in names]
    selected = [
        c
        for c in cells
        if (not only_tasks or c.task in only_tasks) and (not only_names or c.name in only_names)
    ]
    if not selected:
        raise UserError(
            f"no cell of this suite is both of {', '.join(only_tasks)} and of "
            f"{', '.join(only_names)}: select other tasks or methods"
        )
    if seeds is not None and seeds < 1:
        raise UserError(f"seeds={seeds}: expected 1 or more")
    return [c if seeds is None else dataclasses.replace(c, seeds=seeds) for c in selected]


def workload(jobs: Sequence[Job]) -> str:
    """Counts the work of a run, for a dry run.

    Args:
        jobs: the jobs of the run.

    Returns:
        One line with the numbers of cells, gradient steps, environment steps and evaluation
        episodes.
    """
    costs = [(j.algo.cost * j.num_updates, j.cell.seeds) for j in jobs]
    grad_steps = sum(cost.grad_steps * seeds for cost, seeds in costs)
    env_steps = sum(cost.env_steps * seeds for cost, seeds in costs)
    episodes = sum(
        (j.cell.num_evals + j.cell.evaluated_first) * j.cell.eval_episodes * j.cell.seeds
        for j in jobs
    )
    return (
        f"{len(jobs)} cells, {grad_steps:,} gradient steps, {env_steps:,} environment steps, "
        f"{episodes:,} evaluation episodes"
    )
