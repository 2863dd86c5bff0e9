"""Running suites: finished cells are skipped, cut-off ones go on from their last checkpoint."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import algos, data
from imitbench.core import rollout
from imitbench.data import behaviour, loading
from imitbench.data.behaviour import Behaviour
from imitbench.envs.digest import digest
from imitbench.results import policies, policy_files, store
from imitbench.runs.plan import Job, eval_key
from imitbench.training import loop, resumable
from imitbench.training.progress import Progress
from imitbench.utils import machine
from imitbench.utils.files import lock_folder

VANISHED = 1e-3  # mean of weights that are around 1


class CellOutcome(NamedTuple):
    """What a job leaves."""

    info: dict[str, Any]  # cell.json
    ev: loop.Eval
    policies: policy_files.Policies


def run(jobs: Sequence[Job], root: Path) -> list[str]:
    """Runs the jobs that are not finished yet, one after the other, into `root`.

    Returns:
        One line for each job that was skipped, and for what a user should know of the others.

    Raises:
        UserError: the folder cannot be written, holds results of another schema, or another
            process runs into it.
        Stopped: a signal came; what was done until then is kept.
    """
    with locked_results(root):
        todo, notes = pending(jobs, root)
        wanted = needed_streams(job for _, job in todo)
        with Progress(sum(j.cell.num_evals for _, j in todo)) as progress:
            for order, job in todo:
                progress.start(job.cell.task, job.cell.name, job.num_updates)
                done = compute(job, order, store.partial_folder(root, job.key), progress, wanted)
                notes += finish(job, done, root)
    return notes


@contextmanager
def locked_results(root: Path) -> Iterator[None]:
    """The folder of results, for this process alone, rid of what killed runs left behind.

    Raises:
        UserError: as in `run`.
    """
    with lock_folder(root):
        store.read_all(root)  # rejects a foreign folder before any work
        store.tidy(root)
        yield


def pending(jobs: Sequence[Job], root: Path) -> tuple[list[tuple[int, Job]], list[str]]:
    """The jobs that are not finished, each with its place among all, and a line for each of the
    others and for what is odd about these: said on stderr at once, before any training, and
    returned to stand beside the results."""
    todo, notes = [], []
    for order, job in enumerate(jobs):
        if (store.cells_folder(root) / job.key).exists():
            notes.append(f"{job.key}: finished before, skipped")
        else:
            todo.append((order, job))
    for look in (settings_warnings, _data_warnings):  # which collects what there is not yet
        for _, job in todo:
            odd = look(job)
            for line in odd:
                print(line, file=sys.stderr, flush=True)
            notes += odd
    return todo, notes


def _data_warnings(job: Job) -> list[str]:
    return [
        f"{job.key}: {line}" for line in loading.warnings(job.cell.data, job.cell.method, job.env)
    ]


def settings_warnings(job: Job) -> list[str]:
    """What is odd about the job's settings on its task: one line each."""
    found = algos.settings_warnings(job.cell.method, job.cell.config, job.env.spec)
    return [f"{job.key}: {line}" for line in found]


def needed_streams(jobs: Iterable[Job]) -> set[behaviour.Request]:
    """The learners whose steps these jobs learn from."""
    return {stream for job in jobs if (stream := loading.behaviour_request(job.cell.data, job.env))}


def own_stream(job: Job) -> behaviour.Request:
    """The job's learner, as others may ask for its steps."""
    cell = job.cell
    steps = job.algo.cost.env_steps * job.num_updates
    own = Behaviour(cell.method, cell.config, cell.name)
    return behaviour.Request(cell.task, cell.engine, steps, own)


def compute(
    job: Job, order: int, folder: Path, progress: Progress, wanted: Set[behaviour.Request]
) -> CellOutcome:
    """Trains a job.

    Args:
        order: its place in the run.
        folder: of its checkpoints; training goes on from the last one there.
        wanted: learners whose steps are other cells' data; kept where this cell's learner is one.

    Raises:
        Stopped: a signal came; the checkpoints are kept.
        UserError: a checkpoint cannot be written.
    """
    cell, seeds = job.cell, job.identity["seeds"]
    demos, header = loading.load_demonstrations(cell.data, job.env, seeds, configs=[cell.config])
    state, ev = resumable.train_resumable(
        folder,
        job.algo,
        demos,
        jnp.stack([jax.random.key(s) for s in seeds]),
        progress,
        env=job.env,
        num_updates=job.num_updates,
        num_evals=cell.num_evals,
        eval_episodes=cell.eval_episodes,
        eval_key=eval_key(cell.validation),
    )
    if (request := own_stream(job)) in wanted:
        behaviour.store_experience(request, seeds, state)
    trained = policies.extract(
        job.algo,
        state.algo,
        demos,
        job.env,
        seeds,
        method=cell.method,
        config=cell.config,
        concurrent=cell.source.concurrent,
    )
    return CellOutcome(_info(job, order, header, ev), ev, trained)


def finish(job: Job, done: CellOutcome, root: Path) -> list[str]:
    """Writes a job's cell, removes its checkpoints, and says what a user should know of it: one
    line each."""
    store.write(root, job.key, done.info, done.ev, done.policies)
    shutil.rmtree(store.partial_folder(root, job.key), ignore_errors=True)
    return [f"{job.key}: {line}" for line in _afterwards(job, done.ev)]


def _which(job: Job, marked: np.ndarray) -> list[int]:
    """The training seeds that are marked [S]."""
    return [s for s, bad in zip(job.identity["seeds"], marked, strict=True) if bad]


def _afterwards(job: Job, ev: loop.Eval) -> list[str]:
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


def _info(job: Job, order: int, header: data.Header | None, ev: loop.Eval) -> dict[str, Any]:
    """cell.json."""
    return {
        "identity": job.identity,
        "finished": True,
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "order": order,
        "engine": job.env.engine,
        "device": machine.device(),
        "environment_digest": digest(job.cell.task, job.cell.engine),
        "versions": machine.versions(),
        "git_commit": machine.git_commit(),
        "seconds": {k: round(v, 3) for k, v in ev.seconds.items()},
        "cost": dataclasses.asdict(job.algo.cost),
        "demo_steps": loading.demonstrated_steps(job.cell.data, job.env),
        "has_success": rollout.has_success(job.env),
        "diverged_seeds": _which(job, ev.diverged),
        "demonstrations": dataclasses.asdict(header) if header else None,
    }
