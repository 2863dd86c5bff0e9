"""Running cells on other processes or machines.

Workers compute; this process alone writes the results, so that the workers need not see the folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from imitbench.runs import finished, runner
from imitbench.runs.executors import Executor, FailedCell
from imitbench.runs.plan import Job
from imitbench.runs.worker import (
    CellTask,
    FinishedElsewhere,
    MissingData,
    SuiteRef,
    code_version,
    coordination,
    work,
)
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder


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
    with lock_folder(coordination(root)):
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
                    elif isinstance(result, FinishedElsewhere):
                        lines.append(f"{key}: another process finished it, skipped")
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
            code=code_version(),
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
