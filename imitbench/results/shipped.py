"""The results that ship with the project, and how a new run agrees with them."""

from __future__ import annotations

import functools
import hashlib
import math
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import imitbench
from imitbench.results import scores, stats
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.comparability import physics_differences
from imitbench.utils import files, machine
from imitbench.utils.errors import UserError

INSTALLED = "shipped_cells"  # where the archive of an installed package is unpacked
ARCHIVE = f"{INSTALLED}.tar.xz"  # below imitbench/results/ of an installed package
LEVEL = 0.05  # the probability of a false alarm, over all cells


def shipped_folder(name: str) -> Path:
    """The folder of a suite's shipped results.

    Args:
        name: the suite; empty for the folder of all suites.

    Returns:
        `results/shipped/<name>` below the current folder where it is there, else in the source
        tree, else the cells that an installed package brings along, unpacked into the user's cache.
        It need not exist.
    """
    package = Path(imitbench.__file__).parent
    local = Path("results") / "shipped"
    tree = package.parent / "results" / "shipped"
    for folder in (local, tree):
        if (folder / name).is_dir():
            return folder / name
    archive = package / "results" / ARCHIVE
    return unpacked(archive) / name if archive.is_file() else tree / name


@functools.cache
def unpacked(archive: Path) -> Path:
    """The folder with an archive's files, below the user's cache.

    It is unpacked once: the folder is named after the archive's checksum, and is there when it is
    whole.

    Raises:
        UserError: the cache cannot be written, or this Python cannot read the archive.
    """
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    folder = machine.cache_dir(INSTALLED) / checksum[:16]
    if folder.is_dir():
        return folder
    with files.write_errors(folder), tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        whole = Path(temporary) / "whole"
        try:
            with tarfile.open(archive) as tar:
                tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
                tar.extractall(whole)
        except tarfile.CompressionError:
            raise UserError(
                "the shipped results are an archive of the format xz, and this Python has no "
                "module lzma: install a Python that has it, or work in the source tree"
            ) from None
        try:
            whole.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    return folder


def is_shipped(folder: Path) -> bool:
    """Whether a suite's folder is that of its shipped results, by whatever path or link."""
    real = folder.resolve()
    return INSTALLED in real.parts or real == shipped_folder(folder.name).resolve()


def compare_with_shipped(results: Sequence[Result], folder: Path) -> str:
    """Says in one line whether a run agrees with the shipped one.

    Cells of the same name, engine and profile are compared by final success (by return, where the
    task does not say when it is solved): seed by seed where both have the same seeds and initial
    states, else by Welch's test. The p values are adjusted over the cells (Holm), so that a run
    that agrees raises an alarm with a probability of 5%.

    Args:
        results: the cells of the run.
        folder: of the shipped results.

    Returns:
        The line: in how many cells no difference was found, and how large one could be; which
        differ, where it is not known, and where environments behave differently.
    """
    if not store.cells_folder(folder).is_dir():
        return f"beside the shipped run: there is none in {folder}"
    shipped = {_cell_name(r): r for r in store.read_all(folder)}
    pairs = [(r, shipped[_cell_name(r)]) for r in results if _cell_name(r) in shipped]
    if not pairs:
        return "beside the shipped run: no cell of the same task, method, engine and profile"
    leads = [scores.lead(a, b, scores.main_measure(a)) for a, b in pairs]
    adjusted = stats.holm([lead.p for lead in leads])
    differing = [
        _describe(a, lead)
        for (a, _), lead, p in zip(pairs, leads, adjusted, strict=True)
        if p <= LEVEL
    ]
    unknown = [a for (a, _), lead in zip(pairs, leads, strict=True) if math.isnan(lead.value)]
    agreeing = len(pairs) - len(differing) - len(unknown)
    line = f"beside the shipped run: no difference found in {agreeing} of {len(pairs)} cells"
    line += _largest_difference([(a, lead) for (a, _), lead in zip(pairs, leads, strict=True)])
    if differing:
        line += "; different in " + "; ".join(differing)
    if unknown:
        names = ("-".join(_cell_name(r)[:3]) for r in unknown)
        line += f"; not known, because seeds diverged, in {', '.join(names)}"
    tasks = {a.identity["task"] for a, b in pairs if physics_differences(a, b)}
    return line + "".join(
        f"; note: {task} behaves differently here (environment digest)" for task in sorted(tasks)
    )


def _largest_difference(leads: Sequence[tuple[Result, stats.Mean]]) -> str:
    """How large a difference in success the 90% intervals leave open, in parentheses."""
    intervals = [lead.interval(0.9) for r, lead in leads if r.info["has_success"]]
    known = [abs(end) for e in intervals for end in (e.low, e.high) if not math.isnan(end)]
    return f" (90% intervals within ±{100 * max(known):.0f} points)" if known else ""


def _describe(r: Result, lead: stats.Mean) -> str:
    """The cell's name and its lead over the shipped one."""
    scale, unit = (100, " points") if r.info["has_success"] else (1, "")
    value, low, high = (x * scale for x in lead.interval())
    return f"{'-'.join(_cell_name(r)[:3])} {value:+.1f}{unit} [{low:+.1f}, {high:+.1f}]"


def _cell_name(r: Result) -> tuple[str, ...]:
    i = r.identity
    return (i["task"], str(i["demos"]), i["label"], r.expert, r.info["engine"], i["profile"])
