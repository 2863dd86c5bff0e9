"""What a run has to do: cells that are checked and ready, before any work begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from imitbench import algos, envs, experts
from imitbench.core.types import Algorithm, Env, Policy
from imitbench.data import loading
from imitbench.data.concurrent import make_concurrent
from imitbench.suites.schema import Cell, cell_identity, cell_key, check_cell, count_updates
from imitbench.utils.errors import UserError, pick

EVAL_SEED = 20_000_000  # of the evaluations' initial states; training seeds are small numbers


class Job(NamedTuple):
    """A cell, checked and ready to run."""

    cell: Cell
    identity: dict[str, Any]
    key: str
    env: Env
    algo: Algorithm
    num_updates: int
    expert: Policy | None  # where the method asks one


def eval_key(validation: bool) -> jax.Array:
    """Of the evaluations' initial states: cells for choosing settings have their own."""
    return jax.random.key(EVAL_SEED + validation)


def prepare(name: str, profile: str, cells: Sequence[Cell]) -> list[Job]:
    """Builds every environment and method, so that mistakes show before any work.

    Raises:
        UserError: the first mistake found.
    """
    jobs = []
    for cell in cells:
        check_cell(cell)
        env = envs.make(cell.task, cell.engine)
        loading.check(cell.data, cell.config, env)
        asks = "expert" in algos.needs(cell.method)
        expert = experts.load(cell.task, spec=env.spec) if asks else None
        algo = algos.build(cell.method, cell.config, env.spec, env, expert)
        num_updates = count_updates(cell, algo.cost)
        if cell.source.concurrent:
            algo = make_concurrent(algo, num_updates)
        identity = cell_identity(name, profile, cell, env.engine)
        jobs.append(Job(cell, identity, cell_key(identity), env, algo, num_updates, expert))
    return jobs


def select(cells: Sequence[Cell], only: Sequence[str], seeds: int | None) -> list[Cell]:
    """The cells whose task or name is among `only` (all where it is empty), with another seed
    count.

    Raises:
        UserError: a word in `only` that names nothing, or no cell left.
    """
    known = {c.task for c in cells} | {c.name for c in cells}
    for word in only:
        pick("task or method in this suite", word, sorted(known))
    tasks = [w for w in only if w in {c.task for c in cells}]
    methods = [w for w in only if w in {c.name for c in cells}]
    kept = [
        c for c in cells if (not tasks or c.task in tasks) and (not methods or c.name in methods)
    ]
    if not kept:
        raise UserError(f"no cell of this suite is both of {tasks} and of {methods}")
    if seeds is not None and seeds < 1:
        raise UserError(f"seeds={seeds}: expected 1 or more")
    return [c if seeds is None else dataclasses.replace(c, seeds=seeds) for c in kept]


def workload(jobs: Sequence[Job]) -> str:
    """What a dry run says of the work: counts, not times."""
    steps = sum((j.algo.cost * j.num_updates).grad_steps * j.cell.seeds for j in jobs)
    episodes = sum(j.cell.num_evals * j.cell.eval_episodes * j.cell.seeds for j in jobs)
    return f"{len(jobs)} cells, {steps:,} gradient steps, {episodes:,} evaluation episodes"
