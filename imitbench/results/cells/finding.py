"""Which cells a path names: the folder of a cell, or a folder of results."""

from __future__ import annotations

from pathlib import Path

from imitbench.results.cells import policy_files, store
from imitbench.utils.errors import UserError, pick


def cells_with_policies(folder: Path, name: str = "") -> list[Path]:
    """Finds the cells that store policies.

    Args:
        folder: of one cell, or of results.
        name: takes one of them: its folder's name, or its label.

    Returns:
        The folders of the cells, at least one.

    Raises:
        UserError: there is no such cell.
    """
    if (folder / policy_files.FOLDER).is_dir():
        return [folder]
    if not store.cells_folder(folder).is_dir():
        raise UserError(f"{folder} is no folder of results: expected one that holds cells/")
    results = [r for r in store.read_all(folder) if policy_files.seeds_of(r.folder)]
    if not results:
        raise UserError(
            f"no cell in {folder} stores policies (shipped cells leave them out): run "
            "`imitbench train` or `imitbench run` first"
        )
    if not name:
        return [r.folder for r in results]
    names = {r.folder.name: r.folder for r in results}
    for result in results:
        names.setdefault(result.identity["label"], result.folder)
    return [names[pick(f"cell in {folder}", name, names)]]


def one_cell(folder: Path, name: str = "") -> Path:
    """Finds the one cell that a path means.

    Args:
        folder: of the cell, or of results.
        name: which cell, where the folder has several: its folder's name, or its label.

    Returns:
        The folder of the cell.

    Raises:
        UserError: there is none, or there are several.
    """
    cells = cells_with_policies(folder, name)
    if len(cells) > 1:
        known = ", ".join(cell.name for cell in cells)
        raise UserError(
            f"{folder} has {len(cells)} cells ({known}): name one by cell=, or --cell on the "
            "command line"
        )
    return cells[0]
