"""A suite's cells on other processes or machines. Workers compute; this process alone writes
results, so the folder needs to be seen by nobody else."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imitbench.data import behaviour
from imitbench.physics.loading import ENGINES
from imitbench.results import store
from imitbench.runs import plan, runner
from imitbench.runs.executors import Executor, FailedCell
from imitbench.runs.plan import Job
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Profile, cell_identity, cell_key
from imitbench.training.progress import Progress
from imitbench.utils import machine
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder, lock_owner


@dataclass(frozen=True)
class SuiteRef:
    """Where jobs come from, in words that another machine understands."""

    suite: str  # a name, or the path of a file that the workers see, too
    profile: Profile
    seeds: int | None


@dataclass(frozen=True)
class CellTask:
    """One cell for a worker."""

    origin: SuiteRef
    code: tuple[str | None, ...]  # version and commit of this machine's imitbench
    held_by: int  # the process that holds `root`
    key: str
    engine: str  # what "auto" means where the run began
    place: int  # among the cells of this run
    root: Path  # where checkpoints are kept, if the worker sees it
    keep: bool  # the learner's steps are other cells' data


def run_distributed(
    jobs: Sequence[Job], root: Path, origin: SuiteRef, executor: Executor
) -> list[str]:
    """As `run.run`, on the workers of an executor. Cells whose data are another cell's steps come
    after the others, so that these steps need not be made twice where workers share a cache.

    Raises:
        UserError: as `run.run` does, or there are no workers, or cells failed (the others are
            finished first).
        Stopped: a signal came; finished cells are kept, and checkpoints where workers see `root`.
    """
    with runner.locked_results(root):
        todo, notes = runner.pending(jobs, root)
        wanted = runner.needed_streams(job for _, job in todo)
        makers = {key for _, job in todo if (key := runner.own_stream(job)) in wanted}
        here = origin, _code(), os.getpid()
        waves: list[list[CellTask]] = [[], []]
        for place, job in todo:
            keep, waits = runner.own_stream(job) in makers, makers & runner.needed_streams([job])
            order = CellTask(*here, job.key, job.env.engine, place, root.absolute(), keep)
            waves[bool(waits)].append(order)
        by_key, failed, count = {job.key: job for _, job in todo}, [], 0
        for wave in filter(None, waves):
            with contextlib.closing(executor(work, wave)) as results:
                for i, result in results:
                    key, count = wave[i].key, count + 1
                    if isinstance(result, FailedCell):
                        failed.append(f"{key}: {result.reason}")
                    else:
                        notes += runner.finish(by_key[key], result, root)
                    word = "failed" if isinstance(result, FailedCell) else "finished"
                    print(f"{count} of {len(todo)}: {key} {word}", file=sys.stderr, flush=True)
    if failed:
        raise UserError("\n".join([f"{len(failed)} of {len(todo)} cells failed", *failed]))
    return notes


def work(order: CellTask) -> Any:
    """On a worker: the `run.Done` of the cell, or why there is none."""
    machine.setup()
    try:
        job = _job(order)
        wanted: set[behaviour.Request] = {runner.own_stream(job)} if order.keep else set()
        with contextlib.ExitStack() as stack:
            if _sees(order):
                folder = store.partial_folder(order.root, order.key)
                # A worker of an earlier run may still be at it.
                stack.enter_context(lock_folder(folder, wait=True))
            else:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            progress = stack.enter_context(Progress(job.cell.num_evals))
            progress.start(job.cell.task, job.cell.name, job.num_updates)
            return runner.compute(job, order.place, folder, progress, wanted)
    except UserError as error:
        return FailedCell(str(error))
    except Exception:
        return FailedCell(traceback.format_exc())


def _code() -> tuple[str | None, ...]:
    return machine.version("imitbench"), machine.git_commit()


def _sees(order: CellTask) -> bool:
    """Whether the folder of results is on a disk that this worker shares."""
    try:
        return lock_owner(order.root) == str(order.held_by)
    except OSError:
        return False


def _job(order: CellTask) -> Job:
    origin = order.origin
    if _code() != order.code:
        raise UserError(
            f"the worker has imitbench {_code()}, this run is of {order.code} (version, commit): "
            "install the same"
        )
    found = load_suite(origin.suite)
    for cell in plan.select(found.profiles[origin.profile], (), origin.seeds):
        own = cell_identity(found.name, origin.profile, cell, order.engine)
        if cell_key(own) == order.key:
            # A task without physics has an engine that nobody can ask for.
            known = order.engine in ENGINES
            here = dataclasses.replace(cell, engine=order.engine) if known else cell
            return plan.prepare(found.name, origin.profile, [here])[0]
    raise UserError("the worker's suite has no such cell: it needs the same as this machine")
