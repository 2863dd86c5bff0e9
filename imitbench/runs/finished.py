"""What of a run is finished: cells that are skipped, extended, or set aside."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from imitbench.envs.recorded import NO_TASK
from imitbench.results.cells import housekeeping, store
from imitbench.results.cells.cell import Result
from imitbench.runs import job_warnings, more_seeds
from imitbench.runs.plan import Job
from imitbench.suites.schema import without_seeds
from imitbench.utils.files import lock_folder


def find_unfinished(jobs: Sequence[Job], root: Path) -> tuple[list[Job], list[str]]:
    """Finds the jobs that are not finished, and prints their warnings before any training.

    The demonstrations of these jobs are collected on the way.

    Args:
        jobs: the jobs.
        root: the folder of the results.

    Returns:
        The unfinished jobs, and lines for the user: one for each finished job, and the warnings.

    Raises:
        UserError: the folder holds results of another schema, or the demonstrations of a job lack
            what its method needs.
    """
    unfinished, lines = [], _set_aside_other_physics(jobs, root)
    for job in jobs:
        if (store.cells_folder(root) / job.key).exists():
            lines.append(f"{job.key}: finished before, skipped")
        elif more_seeds.has_all(found := more_seeds.finished_seeds(job, root), job):
            lines.append(f"{job.key}: finished before with more seeds, skipped")
        else:
            if found is not None:
                kept = ", ".join(map(str, found.identity["seeds"]))
                lines.append(f"{job.key}: seeds {kept} are finished, the others are added")
            unfinished.append(job)
    # Warnings about data come second, because the data may have to be collected.
    for warnings_of in (job_warnings.settings_warnings, job_warnings.data_warnings):
        for job in unfinished:
            for line in warnings_of(job):
                print(line, file=sys.stderr, flush=True)
                lines.append(line)
    return unfinished, lines


def _set_aside_other_physics(jobs: Sequence[Job], root: Path) -> list[str]:
    """Moves cells away whose environment behaved differently from the one that the jobs use.

    They cannot stand in one table with the new cells. Returns a line for each.
    """
    digests = {
        (job.cell.task, job.env.engine): job.environment_digest
        for job in jobs
        if job.cell.task != NO_TASK  # data sets differ, and each is a part of its cell's identity
    }
    lines = []
    with lock_folder(root, wait=True):  # else another process may move the cells that are read
        for cell in store.read_all(root, every=True):
            here = digests.get((cell.identity["task"], cell.info["engine"]))
            stored = cell.info["environment_digest"]
            if here is not None and here != stored:
                moved = housekeeping.set_aside(root, cell.folder)
                lines.append(
                    f"{cell.folder.name}: its environment behaved differently (digest {stored}, "
                    f"here {here}); set aside in {moved.parent}"
                )
    for line in lines:
        print(line, file=sys.stderr, flush=True)
    return lines


def set_aside_finished(jobs: Sequence[Job], root: Path) -> list[Path]:
    """Moves the finished cells of jobs away, so that they run again.

    Only the process that holds the folder's lock may call it.

    Args:
        jobs: the jobs.
        root: the folder of the results.

    Returns:
        The new folders, below `aside/`.

    Raises:
        UserError: a cell cannot be moved.
    """
    identities = [without_seeds(job.identity) for job in jobs]
    return [
        housekeeping.set_aside(root, cell.folder)
        for cell in store.read_all(root, every=True)
        if without_seeds(cell.identity) in identities
    ]


def results_of(jobs: Sequence[Job], root: Path) -> list[Result]:
    """Reads the finished cells of jobs.

    Args:
        jobs: the jobs.
        root: the folder of the results.

    Returns:
        The cell of each job, perhaps with other seeds; without those that are not finished, which
        another process may compute.

    Raises:
        UserError: a cell is damaged.
    """
    found = []
    for job in jobs:
        folder = store.cells_folder(root) / job.key
        cell = store.read(folder) if folder.exists() else more_seeds.finished_seeds(job, root)
        found += [] if cell is None else [cell]
    return found


def seeds_done(job: Job, root: Path) -> list[int]:
    """The seeds of a job that a finished cell with the same settings has."""
    found = more_seeds.finished_seeds(job, root)
    return found.identity["seeds"] if found else []
