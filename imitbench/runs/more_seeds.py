"""More seeds for a finished cell: those that it has are kept, the others are trained and added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imitbench.results import cell_schema, store
from imitbench.results.cell import Result
from imitbench.runs.plan import Job


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
    for folder in store.cells_folder(root).glob(f"{job.key.rpartition('-')[0]}-*"):
        seeds = _seeds_of(folder, job.identity)
        if wanted <= seeds:
            return store.read(folder)
        if seeds and seeds < wanted and (best is None or len(seeds) > len(best[0])):
            best = seeds, folder
    return store.read(best[1]) if best else None


def _seeds_of(folder: Path, identity: Mapping[str, Any]) -> set[int]:
    """The seeds of a cell with the same identity; none of another cell, or of a damaged one."""
    stored = cell_schema.read_identity(folder)
    if stored is None or without_seeds(stored) != without_seeds(identity):
        return set()
    return set(stored["seeds"])


def without_seeds(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity without its seeds: what all runs of a cell have in common."""
    return {k: v for k, v in identity.items() if k != "seeds"}


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
        Times are sums, diverged seeds are those of both; the rest is that of the added seeds.
    """
    seconds = {
        k: round(v + base.info["seconds"].get(k, 0.0), 3) for k, v in info["seconds"].items()
    }
    diverged = sorted({*base.info["diverged_seeds"], *info["diverged_seeds"]})
    identity = info["identity"] | {"seeds": seeds}
    return {**info, "identity": identity, "seconds": seconds, "diverged_seeds": diverged}
