"""Running cells one after the other: finished ones are skipped, interrupted ones continue."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from imitbench.core import rollout
from imitbench.data import loading
from imitbench.data.sources import behaviour
from imitbench.data.sources.source import DatasetInMemory
from imitbench.results.cells import housekeeping, policies, store
from imitbench.results.model_card import model_card
from imitbench.runs import finished, job_warnings, more_seeds, stale
from imitbench.runs.plan import Job, eval_keys
from imitbench.training import loop, resumable
from imitbench.training.loggers import OnEval
from imitbench.training.progress import Progress
from imitbench.utils import machine
from imitbench.utils.errors import plain_errors
from imitbench.utils.files import lock_folder, lock_if_free


class CellOutcome(NamedTuple):
    """The result of a job."""

    info: dict[str, Any]  # cell.json
    ev: loop.Eval
    policies: policies.Policies


MakeLoggers = Callable[[Job], Sequence[OnEval]]
"""Builds the loggers of a job, which are called after each of its evaluations."""


def run(jobs: Sequence[Job], root: Path, make_loggers: MakeLoggers = lambda job: ()) -> list[str]:
    """Runs the jobs that are not finished, one after the other.

    Several processes may run into one folder: each cell is locked while it is computed, and a cell
    that another process computes is skipped.

    Args:
        jobs: the jobs.
        root: the folder of the results.
        make_loggers: builds the loggers of a job before it starts (`imitbench.training.loggers`).

    Returns:
        Lines for the user: one for each job that was skipped, and the warnings.

    Raises:
        UserError: the folder cannot be written, or holds results of another schema.
        Stopped: a signal arrived; finished cells and checkpoints are kept.
    """
    tidy_results(root)
    unfinished, lines = finished.find_unfinished(jobs, root)
    requested = {job.requested_experience for job in unfinished}
    with Progress(sum(job.cell.num_evals for job in unfinished)) as progress:
        for job in unfinished:
            with lock_if_free(store.partial_folder(root, job.key)) as owner:
                if owner is not None:
                    lines.append(f"{job.key}: process {owner} works on it, skipped")
                    continue
                is_requested = job.offered_experience in requested
                lines += _run_locked(job, root, progress, is_requested, make_loggers)
    return lines


def _run_locked(
    job: Job, root: Path, progress: Progress, store_experience: bool, make_loggers: MakeLoggers
) -> list[str]:
    """Computes a cell that this process has locked, and writes it."""
    checkpoints = store.partial_folder(root, job.key)
    if (store.cells_folder(root) / job.key).exists():
        shutil.rmtree(checkpoints, ignore_errors=True)
        return [f"{job.key}: another process finished it, skipped"]
    done = finished.seeds_done(job, root)
    if set(job.seeds) <= set(done):
        shutil.rmtree(checkpoints, ignore_errors=True)
        return [f"{job.key}: another process finished it with more seeds, skipped"]
    lines = stale.claim_checkpoints(job, root)
    for line in lines:
        print(line, file=sys.stderr, flush=True)
    progress.start(job.cell.task, job.cell.name, job.num_updates, job.cell.num_evals)
    outcome = compute(
        job,
        checkpoints,
        progress,
        done=done,
        store_experience=store_experience,
        loggers=make_loggers(job),
    )
    return lines + finish(job, outcome, root)


def results_lock(root: Path) -> AbstractContextManager[None]:
    """Holds a folder of results while its cells are written or moved, which takes moments.

    Args:
        root: the folder; other processes that write into it are waited for.

    Raises:
        UserError: the folder cannot be locked or written to.
    """
    return lock_folder(root, wait=True)


def tidy_results(root: Path) -> None:
    """Removes the leftovers of killed runs.

    Args:
        root: the folder of the results.

    Raises:
        UserError: the folder cannot be written.
    """
    with results_lock(root):
        housekeeping.tidy(root)


def compute(
    job: Job,
    checkpoints: Path,
    progress: Progress,
    *,
    done: Sequence[int] = (),
    store_experience: bool,
    loggers: Sequence[OnEval] = (),
) -> CellOutcome:
    """Trains and evaluates a job.

    Args:
        job: the job.
        checkpoints: the folder of its checkpoints; training continues from the last one.
        progress: the display, in which the job has started.
        done: seeds that are finished; the others are trained.
        store_experience: whether the learner's steps are the data of other cells; they go into the
            user's cache.
        loggers: called after each evaluation.

    Returns:
        The results of the job.

    Raises:
        Stopped: a signal arrived; the checkpoints are kept.
        UserError: a checkpoint cannot be written.
    """
    cell, first_seed = job.cell, job.seeds[0]
    job = more_seeds.missing_part(job, done)
    data = loading.load_demonstrations(
        cell.data, job.env, job.seeds, configs=[cell.config], first_seed=first_seed
    )

    def log(state: loop.TrainState, ev: loop.Eval) -> None:
        for logger in loggers:
            logger(state, ev)

    with plain_errors():
        state, ev = resumable.train_resumable(
            checkpoints,
            job.algo,
            data.rows,
            jnp.stack([jax.random.key(s) for s in job.seeds]),
            progress,
            before_checkpoint=log,
            env=job.env,
            num_updates=job.num_updates,
            num_evals=cell.num_evals,
            evaluate_first=cell.evaluated_first,
            eval_episodes=cell.eval_episodes,
            eval_keys=eval_keys(job.seeds, cell.validation),
            obs_noise=cell.obs_noise,
        )
    if store_experience and not ev.diverged.any():  # else a cell that needs it says so
        behaviour.store_experience(job.offered_experience, job.seeds, state)
    trained = policies.extract(
        job.algo,
        state.algo,
        data.rows,
        job.env,
        job.seeds,
        method=cell.method,
        config=cell.config,
        concurrent=cell.source.concurrent,
    )
    return CellOutcome(cell_info(job, data, ev), ev, trained)


def finish(job: Job, outcome: CellOutcome, root: Path) -> list[str]:
    """Writes the cell of a job and removes its checkpoints.

    Args:
        job: the job.
        outcome: its results.
        root: the folder of the results.

    Returns:
        One line for each warning about the results.

    Raises:
        UserError: the cell cannot be written.
    """
    info, base = outcome.info, None
    part = job._replace(identity=info["identity"])
    if done := set(job.seeds) - set(part.seeds):
        base = more_seeds.cell_with(job, root, done)
        info = more_seeds.joined_info(base, info, job.seeds)
    with results_lock(root):
        info |= {"finished_at": housekeeping.finishing_time(root)}
        store.write(
            root, job.key, info, outcome.ev, outcome.policies, base=base, model_card=model_card
        )
    shutil.rmtree(store.partial_folder(root, job.key), ignore_errors=True)
    return job_warnings.result_warnings(part, outcome.ev)


def cell_info(job: Job, data: loading.Loaded, ev: loop.Eval) -> dict[str, Any]:
    """The contents of cell.json, without the time at which it is written.

    Args:
        job: the job.
        data: its data.
        ev: its evaluations.
    """
    return {
        "identity": job.identity,
        "finished": True,
        "order": job.index,
        "engine": job.env.engine,
        "device": machine.device(),
        "environment_digest": job.environment_digest,
        "versions": machine.versions(),
        "git_commit": machine.git_commit(),
        "seconds": {k: round(v, 3) for k, v in ev.seconds.items()},
        "cost": {k: v for k, v in dataclasses.asdict(job.algo.cost).items() if v is not None},
        "demo_steps": data.demonstrated_steps,
        "has_success": rollout.has_success(job.env),
        **({"modes": job.env.spec.modes.count} if job.env.spec.modes else {}),
        "diverged_seeds": job.marked_seeds(ev.diverged),
        "demonstrations": dataclasses.asdict(data.header) if data.header else None,
        **_dataset_info(job.cell.source.dataset),
        **_network_calls(job.algo.network_calls),
        "asked_expert": None if job.asked is None else job.asked.label,
    }


def _network_calls(calls: float | None) -> dict[str, float]:
    return {} if calls is None else {"network_calls": float(calls)}


def _dataset_info(dataset: DatasetInMemory | None) -> dict[str, Any]:
    """Name and format of a user's data set that has them."""
    if dataset is None or not dataset.name:
        return {}
    return {"dataset": {"name": dataset.name, "format": dataset.format}}
