"""What a worker does: it finds a cell in its own copy of the suite, and computes it."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from imitbench.data import own_data
from imitbench.data.sources.source import DatasetInMemory, DemoSource
from imitbench.physics.loading import ENGINES
from imitbench.results.cells import store
from imitbench.runs import finished, plan, runner, stale
from imitbench.runs.executors import FailedCell
from imitbench.runs.plan import Job
from imitbench.suites.registry import load_suite
from imitbench.suites.schema import Cell, Profile, cell_identity, cell_key
from imitbench.training.progress import Progress
from imitbench.utils import machine, runtime
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


class FinishedElsewhere(NamedTuple):
    """The answer of a worker whose cell another run has finished meanwhile, perhaps with more
    seeds."""


def work(task: CellTask) -> runner.CellOutcome | FailedCell | MissingData | FinishedElsewhere:
    """Computes one cell; executors call it on a worker.

    The user's data sets stay where they are if the worker finds the same contents there. A data set
    may be large, so it is sent along only where the worker asks for it.

    Args:
        task: the cell.

    Returns:
        The results of the cell, or why there are none: an error, missing data, or another run that
        has finished it.
    """
    runtime.setup()
    try:
        job = _find_job(task)
        if job is None:
            return MissingData()
        if set(job.seeds) <= set(task.done):
            return FinishedElsewhere()
        with contextlib.ExitStack() as stack:
            if _sees_results(task):
                checkpoints = store.partial_folder(task.root, task.key)
                # A worker of an earlier run may still compute the same cell.
                stack.enter_context(lock_folder(checkpoints, wait=True))
                if set(job.seeds) <= set(finished.seeds_done(job, task.root)):
                    shutil.rmtree(checkpoints, ignore_errors=True)
                    return FinishedElsewhere()
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


def coordination(root: Path) -> Path:
    """The folder that one distributed run holds; workers look there.

    Args:
        root: the folder of the results.
    """
    return root / "distributed"


def code_version() -> tuple[str | None, ...]:
    """Version and commit of imitbench in this process."""
    return machine.version("imitbench"), machine.git_commit()


def _sees_results(task: CellTask) -> bool:
    """Whether the folder of the results is on a disk that this worker shares."""
    try:
        return lock_owner(coordination(task.root)) == str(task.owner_pid)
    except OSError:
        return False


def _find_job(task: CellTask) -> Job | None:
    """Finds the cell of a task in this worker's suite, and prepares it.

    Returns:
        The job; None where only its data set is missing here.
    """
    if code_version() != task.code:
        raise UserError(
            f"the worker has imitbench {code_version()}, this run is of {task.code} (version, "
            "commit): install the same"
        )
    ref = task.suite_ref
    suite = load_suite(ref.suite)
    lacks_data = False
    for cell in plan.select(suite.profiles[ref.profile], (), ref.seeds):
        if not _may_be(task.key, cell):
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


def _may_be(key: str, cell: Cell) -> bool:
    """Whether a key names a cell with this task, demonstrations and label; the data that the rest
    of a key depends on need not be in memory."""
    named = {"task": cell.task, "demos": cell.demos, "label": cell.name}
    return cell_key(named).rpartition("-")[0] == key.rpartition("-")[0]
