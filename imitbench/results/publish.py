"""Derived files of results, and the results that ship with the project."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from imitbench.results import tables
from imitbench.results.cells import ordering, policy_files, store
from imitbench.results.cells.cell import Result
from imitbench.results.figures import curves, demo_efficiency, value_estimates
from imitbench.results.figures.drawing import KINDS
from imitbench.utils.errors import UserError

MAX_BYTES = 2**20  # of a file
MAX_SUITE_BYTES = 2 * 2**20
# Stems of the files that `derive` writes.
FIGURES = ("curves", "scores", "values", "budget")
DERIVED = ("summary", "table", *FIGURES)


def derive(root: Path, kinds: Sequence[str] = KINDS) -> tuple[list[Result], list[Path]]:
    """Writes everything that is derived from the cells of a folder: summary, table and figures.

    Args:
        root: the folder, which holds `cells/`.
        kinds: of the figures' files: png, svg or pdf.

    Returns:
        The cells, and the files of the figures.

    Raises:
        UserError: there are no cells, or cells of one task and engine ran in environments that
            differ.
    """
    results = tables.derive(root)
    figures = draw_figures(results, root, kinds)
    drawn = {path.stem for path in figures}
    for stem in set(FIGURES) - drawn:  # of an older state of the cells
        for kind in (*KINDS, "pdf"):
            (root / f"{stem}.{kind}").unlink(missing_ok=True)
    return results, figures


def draw_figures(results: Sequence[Result], root: Path, kinds: Sequence[str] = KINDS) -> list[Path]:
    """Draws all figures of a suite's cells.

    Args:
        results: the cells.
        root: the folder for the figures.
        kinds: of files: png, svg or pdf.

    Returns:
        The files written.
    """
    figures = curves.draw(results, root, kinds)
    figures += value_estimates.draw(results, root / "values", kinds)
    figures += demo_efficiency.draw(results, root / "budget", kinds)
    return figures


def ship(root: Path, name: str, keys: Sequence[str], *, partial: bool = False) -> Path:
    """Checks a run and copies it into `results/shipped/`, beside the cells that are there already.

    A suite may be shipped in several runs: cells of `keys` that this run lacks and an earlier one
    shipped stay there, and so do the rows of peers. The trained policies are left out.

    Args:
        root: the folder of the run.
        name: the folder's name below `results/shipped/`.
        keys: the folder names of the suite's cells.
        partial: ship the finished cells although others are missing. Of these, the older shipped
            cells stay until they are replaced.

    Returns:
        The folder of the shipped results.

    Raises:
        UserError: cells are missing, a file or the whole suite is too large, or a cell was not run
            from a committed source tree.
    """
    target = Path("results") / "shipped" / name
    ours = {r.folder.name: r for r in derive(root)[0]}
    ours = {key: r for key, r in ours.items() if key in keys or r.peer}
    before = store.read_all(target)
    kept = {r.folder.name: r for r in before if r.folder.name in keys or r.peer}
    missing = [k for k in keys if k not in ours | kept]
    if missing and not (partial and ours):
        raise UserError(f"{root} lacks finished cells: {', '.join(missing)}; run the suite first")
    for cell in ours.values():
        _check_shippable(cell)
    chosen = [*ours.values(), *(r for key, r in kept.items() if key not in ours)]
    if missing:
        names = {r.folder.name for r in chosen}
        chosen += [r for r in before if r.folder.name not in names]
    _replace_shipped(target, ordering.first_of_each_name(chosen))
    return target


def _check_shippable(cell: Result) -> None:
    name = cell.folder.name
    commit = cell.info["git_commit"] or "+changes"
    if commit.endswith("+changes"):
        raise UserError(f"{name} was not run from a committed tree: commit, then run it again")
    large = [f for f in cell.folder.iterdir() if f.stat().st_size > MAX_BYTES]
    if large:
        raise UserError(
            f"{large[0]} has {large[0].stat().st_size:,} bytes, too large to ship: expected at "
            f"most {MAX_BYTES:,}; run the cell with fewer evaluations or episodes"
        )


def _replace_shipped(target: Path, cells: Sequence[Result]) -> None:
    """Makes a new folder of shipped results, and puts it in the place of the old one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        staged = Path(temporary) / target.name
        for cell in cells:
            leave_out = shutil.ignore_patterns(policy_files.FOLDER)
            copy = store.cells_folder(staged) / cell.folder.name
            shutil.copytree(cell.folder, copy, ignore=leave_out)
        derive(staged)
        for extra in target.glob("*"):  # figures that other commands made
            if extra.is_file() and extra.stem not in DERIVED:
                shutil.copy2(extra, staged)
        _check_size(staged)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(staged, target)


def _check_size(folder: Path) -> None:
    """Checks that a suite stays small enough for the repository."""
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    if size > MAX_SUITE_BYTES:
        raise UserError(
            f"the suite {folder.name} has {size:,} bytes, too large to ship: expected at most "
            f"{MAX_SUITE_BYTES:,}; run its cells with fewer evaluations or episodes"
        )
