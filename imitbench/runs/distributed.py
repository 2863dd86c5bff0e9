"""Running cells on other processes or machines.

Workers compute; this process alone writes the results, so that the workers need not see the folder.
"""

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
from typing import NamedTuple

from imitbench.data import own_data
from imitbench.data.source import DatasetInMemory, DemoSource
from imitbench.physics.loading import ENGINES
from imitbench.results.cells import store
from imitbench.runs import finished, plan, runner, stale
from imitbench.runs.executors import Executor, FailedCell
from imitbench.runs.plan import Job
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell, Profile, cell_identity, cell_key, is_key_of
from imitbench.training.progress import Progress
from imitbench.utils import machine
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder, lock_owner


@dataclass(frozen=True)
class SuiteRef:
    """A reference to the cells of a run, which a worker can resolve."""

    suite: str
    """The name of a suite, or the path of a suite file that the workers see too."""
    profile: Profile
    """The profile's name."""
    seeds: int | None
    """The number of training seeds; None: the suite's."""


@dataclass(frozen=True)
class CellTask:
    """One cell for a worker to compute."""

    suite_ref: SuiteRef
    """The cells of the run."""
    code: tuple[str | None, ...]
    """Version and commit of imitbench in this process; a worker needs the same."""
    owner_pid: int
    """The process that runs; a worker that finds it in the lock file below `root` sees the same
    disk."""
    key: str
    """The name of the cell's folder."""
    engine: str
    """The physics engine; what `auto` stands for in this process."""
    index: int
    """The cell's position among the cells of the run."""
    root: Path
    """The folder of the results; a worker that sees it keeps its checkpoints there."""
    store_experience: bool
    """Whether the learner's steps are the data of other cells."""
    done: tuple[int, ...] = ()
    """The seeds that a finished cell has."""
    dataset: DatasetInMemory | None = None
    """The data set of the user that the cell learns from, for a worker that does not have it."""


class MissingData(NamedTuple):
    """The answer of a worker that needs `CellTask.dataset`."""


def run_distributed(
    jobs: Sequence[Job], root: Path, suite_ref: SuiteRef, executor: Executor
) -> list[str]:
    """Runs the jobs that are not finished on the workers of an executor.

    Cells that learn from the steps of another cell run after all others, so that these steps are
    not made a second time where workers share a cache.

    Args:
        jobs: the jobs.
        root: the folder of the results.
        suite_ref: the cells of the run, for the workers.
        executor: runs a function on workers.

    Returns:
        Lines for the user, as those of `runner.run`.

    Raises:
        UserError: as in `runner.run`, or there are no workers, or cells failed; then the other
            cells are finished first.
        Stopped: a signal arrived; finished cells are kept, and checkpoints where workers see
            `root`.
    """
    failures, done = [], 0
    runner.tidy_results(root)
    with lock_folder(_coordination(root)):
        unfinished, lines = finished.find_unfinished(jobs, root)
        by_key = {job.key: job for job in unfinished}
        waves = _waves(unfinished, root, suite_ref)
        while waves:
            wave, without_data = waves.pop(0), []
            with contextlib.closing(executor(work, wave)) as results:
                for i, result in results:
                    key = wave[i].key
                    if isinstance(result, MissingData):
                        dataset = by_key[key].cell.source.dataset
                        without_data.append(dataclasses.replace(wave[i], dataset=dataset))
                        continue
                    done += 1
                    if isinstance(result, FailedCell):
                        failures.append(f"{key}: {result.reason}")
                    else:
                        lines += runner.finish(by_key[key], result, root)
                    state = "failed" if isinstance(result, FailedCell) else "finished"
                    message = f"{done} of {len(unfinished)}: {key} {state}"
                    print(message, file=sys.stderr, flush=True)
            if without_data:
                names = ", ".join(task.key for task in without_data)
                print(f"workers do not see the data of {names}: sent", file=sys.stderr, flush=True)
                waves.insert(0, without_data)
    if failures:
        raise UserError("\n".join([f"{len(failures)} of {done} cells failed", *failures]))
    return lines


def _waves(jobs: Sequence[Job], root: Path, suite_ref: SuiteRef) -> list[list[CellTask]]:
    """The tasks in the order of their waves; those of a wave do not depend on each other."""
    requested = {job.requested_experience for job in jobs}
    offered = {job.offered_experience for job in jobs} & requested
    waves: list[list[CellTask]] = [[], []]
    for job in jobs:
        task = CellTask(
            suite_ref=suite_ref,
            code=_code_version(),
            owner_pid=os.getpid(),
            key=job.key,
            engine=job.env.engine,
            index=job.index,
            root=root.absolute(),
            done=tuple(finished.seeds_done(job, root)),
            store_experience=job.offered_experience in offered,
        )
        waves[job.requested_experience in offered].append(task)
    return [wave for wave in waves if wave]


def work(task: CellTask) -> runner.CellOutcome | FailedCell | MissingData:
    """Computes one cell; executors call it on a worker.

    The user's data sets stay where they are if the worker finds the same contents there. A data set
    may be large, so it is sent along only where the worker asks for it.

    Args:
        task: the cell.

    Returns:
        The results of the cell, the reason why there are none, or that its data are missing.
    """
    machine.setup()
    try:
        job = _find_job(task)
        if job is None:
            return MissingData()
        with contextlib.ExitStack() as stack:
            if _sees_results(task):
                checkpoints = store.partial_folder(task.root, task.key)
                # A worker of an earlier run may still compute the same cell.
                stack.enter_context(lock_folder(checkpoints, wait=True))
                for line in stale.claim_checkpoints(job, task.root):
                    print(line, file=sys.stderr, flush=True)
            else:
                checkpoints = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            progress = stack.enter_context(Progress(job.cell.num_evals))
            progress.start(job.cell.task, job.cell.name, job.num_updates, job.cell.num_evals)
            return runner.compute(
                job,
                checkpoints,
                progress,
                done=task.done,
                store_experience=task.store_experience,
            )
    except UserError as error:
        return FailedCell(str(error))
    except Exception:
        return FailedCell(traceback.format_exc())


def _coordination(root: Path) -> Path:
    """The folder that one distributed run into a folder of results holds; workers look there."""
    return root / "distributed"


def _code_version() -> tuple[str | None, ...]:
    return machine.version("imitbench"), machine.git_commit()


def _sees_results(task: CellTask) -> bool:
    """Whether the folder of the results is on a disk that this worker shares."""
    try:
        return lock_owner(_coordination(task.root)) == str(task.owner_pid)
    except OSError:
        return False


def _find_job(task: CellTask) -> Job | None:
    """Finds the cell of a task in this worker's suite, and prepares it.

    Returns:
        The job; None where only its data set is missing here.
    """
    if _code_version() != task.code:
        raise UserError(
            f"the worker has imitbench {_code_version()}, this run is of {task.code} (version, "
            "commit): install the same"
        )
    ref = task.suite_ref
    suite = load_suite(ref.suite)
    lacks_data = False
    for cell in plan.select(suite.profiles[ref.profile], (), ref.seeds):
        if not is_key_of(task.key, cell):
            continue
        if cell.source.is_own:
            source = _with_data(cell, task.dataset)
            if source is None:
                lacks_data = True
                continue
            cell = dataclasses.replace(cell, source=source)
        # The engine of a task without physics cannot be asked for by name.
        if task.engine in ENGINES:
            cell = dataclasses.replace(cell, engine=task.engine)
        cell = plan.with_own_expert(cell)
        identity = cell_identity(suite.name, ref.profile, cell, task.engine)
        if cell_key(identity) == task.key:
            (job,) = plan.prepare(suite.name, ref.profile, [cell])
            return job._replace(index=task.index)
        lacks_data |= cell.source.is_own and task.dataset is None
    if lacks_data:
        return None
    raise UserError("the worker's suite has no such cell: it needs the same suite as this machine")


def _with_data(cell: Cell, sent: DatasetInMemory | None) -> DemoSource | None:
    """The source of a cell with the data set that was sent, or else the one that is here; None
    where there is none."""
    if sent is not None:
        return own_data.with_dataset(cell.source, sent)
    try:
        return own_data.read_all([(cell.task, cell.source)])[0]
    except UserError:
        return None
