"""More seeds for a finished cell: those that it has are kept, the others are trained and added."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from imitbench.results.cells import cell_schema, store
from imitbench.results.cells.cell import Result
from imitbench.runs.plan import Job
from imitbench.suites.schema import without_seeds
from imitbench.utils.errors import UserError


def finished_seeds(job: Job, root: Path) -> Result | None:
    """Finds the finished cell that differs from a job in its seeds alone.

    Args:
        job: the job.
        root: the folder of the results.

    Returns:
        A cell that has all seeds of the job, if there is one; else the one with the most of them
        and no others. None where there is no such cell.

    Raises:
        UserError: that cell is damaged.
    """
    wanted, best = set(job.seeds), None
    for folder, seeds in _same_cells(job, root):
        if wanted <= seeds:
            return store.read(folder)
        if seeds < wanted and (best is None or len(seeds) > len(best[0])):
            best = seeds, folder
    return store.read(best[1]) if best else None


def cell_with(job: Job, root: Path, seeds: Iterable[int]) -> Result:
    """Reads the finished cell that a job was extended from.

    Args:
        job: the job.
        root: the folder of the results.
        seeds: the seeds that the cell has, all of them.

    Raises:
        UserError: the cell is not there any more, or damaged.
    """
    wanted = set(seeds)
    for folder, found in _same_cells(job, root):
        if found == wanted:
            return store.read(folder)
    raise UserError(f"{job.key}: the cell with its seeds {sorted(wanted)} is gone: run it again")


def _same_cells(job: Job, root: Path) -> Iterator[tuple[Path, set[int]]]:
    """The finished cells that differ from a job in their seeds at most, with these seeds."""
    for folder in store.cells_folder(root).glob(f"{job.key.rpartition('-')[0]}-*"):
        stored = cell_schema.read_identity(folder)
        if stored is not None and without_seeds(stored) == without_seeds(job.identity):
            yield folder, set(stored["seeds"])


def has_all(found: Result | None, job: Job) -> bool:
    """Whether a finished cell has all seeds of a job."""
    return found is not None and set(job.seeds) <= set(found.identity["seeds"])


def missing_part(job: Job, found: Iterable[int]) -> Job:
    """The job of those seeds that are not finished.

    Args:
        job: the job.
        found: the finished seeds.

    Returns:
        The same job with the other seeds. Its key stays the one of the whole job.
    """
    done = set(found)
    return job._replace(identity=job.identity | {"seeds": [s for s in job.seeds if s not in done]})


def joined_info(base: Result, info: Mapping[str, Any], seeds: list[int]) -> dict[str, Any]:
    """The contents of cell.json for a finished cell and the seeds that were added to it.

    Args:
        base: the finished cell.
        info: the contents for the added seeds.
        seeds: all seeds.

    Returns:
        Times are sums, diverged seeds are those of both, and devices and versions that differ are
        all named. The commit is that of the added seeds, unless it is committed and that of the
        finished cell is not; the rest is that of the added seeds.
    """
    before, versions = base.info, info["versions"]
    is_worse = _is_uncommitted(before["git_commit"]) and not _is_uncommitted(info["git_commit"])
    seconds = {k: round(v + before["seconds"].get(k, 0.0), 3) for k, v in info["seconds"].items()}
    return {
        **info,
        "identity": info["identity"] | {"seeds": seeds},
        "seconds": seconds,
        "diverged_seeds": sorted({*before["diverged_seeds"], *info["diverged_seeds"]}),
        "device": _both(before["device"], info["device"]),
        "versions": versions
        | before["versions"]
        | {k: _both(before["versions"].get(k, v), v) for k, v in versions.items()},
        "git_commit": (before if is_worse else info)["git_commit"],
    }


def _is_uncommitted(commit: str | None) -> bool:
    """Whether nobody can read the code that ran: it had changes, or no commit."""
    return commit is None or commit.endswith("+changes")


def _both(older: str | None, newer: str | None) -> str | None:
    """Both texts where they differ, each once; None is a package that is not installed."""
    if older == newer:
        return newer
    texts = [(text or "not installed").split("; ") for text in (older, newer)]
    return "; ".join(dict.fromkeys(itertools.chain(*texts)))
