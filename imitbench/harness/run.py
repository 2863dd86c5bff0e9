"""Running suites: finished cells are skipped, cut-off ones go on from their last checkpoint."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import algos, data, envs, experts
from imitbench.core import rollout, train
from imitbench.core.host import alone
from imitbench.core.types import Algorithm, Env, Policy, UserError, pick
from imitbench.envs.digest import digest
from imitbench.harness import resumable, runtime, sources, store, streams, suite
from imitbench.harness.progress import Progress
from imitbench.harness.suite import Behaviour, Cell

VANISHED = 1e-3  # mean of weights that are around 1
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
        suite.check(cell)
        env = envs.make(cell.task, cell.engine)
        sources.check(cell, env)
        asks = "expert" in algos.needs(cell.method)
        expert = experts.load(cell.task, spec=env.spec) if asks else None
        algo = algos.build(cell.method, cell.config, env.spec, env, expert)
        num_updates = suite.updates(cell, algo.cost)
        if cell.source.growing:
            algo = streams.growing(algo, num_updates)
        identity = suite.identity(name, profile, cell, env.engine)
        jobs.append(Job(cell, identity, suite.key_of(identity), env, algo, num_updates, expert))
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


def run(jobs: Sequence[Job], root: Path) -> list[str]:
    """Runs the jobs that are not finished yet, into `root`.

    Returns:
        One line for each job that was skipped, and for what a user should know of the others.

    Raises:
        UserError: the folder cannot be written, holds results of another schema, or another
            process runs into it.
        Stopped: a signal came; what was done until then is kept.
    """
    with alone(root):
        store.read_all(root)  # rejects a foreign folder before any work
        store.tidy(root)
        return _run_all(jobs, root)


def _run_all(jobs: Sequence[Job], root: Path) -> list[str]:
    notes = []
    todo = []
    for order, job in enumerate(jobs):
        if (store.cells_folder(root) / job.key).exists():
            notes.append(f"{job.key}: finished before, skipped")
        else:
            todo.append((order, job))
    for _, job in todo:
        odd = algos.suspicions(job.cell.method, job.cell.config, job.env.spec)
        odd += sources.suspicions(job.cell, job.env)
        notes += [f"{job.key}: {line}" for line in odd]
    wanted = {stream for _, j in todo if (stream := sources.stream(j.cell, j.env))}
    with Progress(sum(j.cell.num_evals for _, j in todo)) as progress:
        for order, job in todo:
            progress.start(job.cell.task, job.cell.name, job.num_updates)
            ev = _run_one(job, order, root, progress, wanted)
            notes += [f"{job.key}: {line}" for line in _afterwards(job, ev)]
    return notes


def _run_one(
    job: Job, order: int, root: Path, progress: Progress, wanted: Set[streams.Request]
) -> train.Eval:
    """Trains a job and writes its cell.

    Args:
        wanted: learners whose steps are other cells' data; kept where this cell's learner is one.
    """
    cell, seeds = job.cell, job.identity["seeds"]
    demos, header = sources.given(cell, job.env, seeds)
    keys = jnp.stack([jax.random.key(s) for s in seeds])
    folder = store.partial_folder(root, job.key)
    state, ev = resumable.run(
        folder,
        job.algo,
        demos,
        keys,
        progress,
        env=job.env,
        num_updates=job.num_updates,
        num_evals=cell.num_evals,
        eval_episodes=cell.eval_episodes,
        eval_key=eval_key(cell.validation),
    )
    steps = job.algo.cost.env_steps * job.num_updates
    own = Behaviour(cell.method, cell.config, cell.name)
    request = streams.Request(cell.task, cell.engine, steps, own)
    if request in wanted:
        streams.keep(request, seeds, state)
    store.write(root, job.key, _info(job, order, header, ev), ev)
    shutil.rmtree(folder, ignore_errors=True)
    return ev


def _which(job: Job, marked: np.ndarray) -> list[int]:
    """The training seeds that are marked [S]."""
    return [s for s, bad in zip(job.identity["seeds"], marked, strict=True) if bad]


def _afterwards(job: Job, ev: train.Eval) -> list[str]:
    """What a user should know of a finished run: one line each."""
    found = []
    if diverged := _which(job, ev.diverged):
        names = ", ".join(map(str, diverged))
        found.append(f"seed {names} diverged; counted as failed")
    if "weight" in ev.metrics and (faded := _which(job, ev.metrics["weight"][:, -1] < VANISHED)):
        names = ", ".join(map(str, faded))
        found.append(
            f"the weights of seed {names} vanished (mean below {VANISHED:g}): hardly any action is "
            "imitated; raise temperature (lower beta), or standardise advantages"
        )
    return found


def _info(job: Job, order: int, header: data.Header | None, ev: train.Eval) -> dict[str, Any]:
    """cell.json."""
    return {
        "identity": job.identity,
        "finished": True,
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "order": order,
        "engine": job.env.engine,
        "device": runtime.device(),
        "environment_digest": digest(job.cell.task, job.cell.engine),
        "versions": runtime.versions(),
        "git_commit": runtime.git_commit(),
        "seconds": {k: round(v, 3) for k, v in ev.seconds.items()},
        "cost": dataclasses.asdict(job.algo.cost),
        "demo_steps": sources.shown_steps(job.cell, job.env),
        "has_success": rollout.has_success(job.env),
        "diverged_seeds": _which(job, ev.diverged),
        "demonstrations": dataclasses.asdict(header) if header else None,
    }


def workload(jobs: Sequence[Job]) -> str:
    """What a dry run says of the work: counts, not times."""
    steps = sum((j.algo.cost * j.num_updates).grad_steps * j.cell.seeds for j in jobs)
    episodes = sum(j.cell.num_evals * j.cell.eval_episodes * j.cell.seeds for j in jobs)
    return f"{len(jobs)} cells, {steps:,} gradient steps, {episodes:,} evaluation episodes"
