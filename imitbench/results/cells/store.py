"""Finished cells on disk: written whole or not at all, read back with checks."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from imitbench.results.cells import cell_schema, cell_tables, ordering, policy_files, table_checks
from imitbench.results.cells.cell import Result
from imitbench.suites.schema import SCHEMA
from imitbench.training.loop import Eval
from imitbench.utils.errors import UserError
from imitbench.utils.files import sync, write_errors
from imitbench.utils.json_schema import check_fields, one_line, read_json

UNFINISHED = ".writing-"  # how folders of cells that are being written begin
REMEDY = "delete the folder to run it again"


def cells_folder(root: Path) -> Path:
    """The folder of the finished cells below a folder of results."""
    return root / "cells"


def partial_folder(root: Path, key: str) -> Path:
    """The folder of the checkpoints of a cell that is not finished.

    Args:
        root: the folder of results.
        key: the folder name of the cell.
    """
    return root / "partial" / key


def write(
    root: Path,
    key: str,
    info: dict[str, Any],
    ev: Eval,
    trained: policy_files.Policies | None = None,
    *,
    base: Result | None = None,
    model_card: Callable[[Result, policy_files.PolicyCard], str] | None = None,
) -> Path:
    """Writes a finished cell into a temporary folder and renames it into place.

    Args:
        root: the folder of results.
        key: the folder name of the cell. A cell of this name that is there is kept: it has the
            same identity.
        info: the object for cell.json, without its checksum.
        ev: the evaluations [S, E], of the seeds in `info` that `base` does not have.
        trained: the trained policies of these seeds; None to store none.
        base: a finished cell whose seeds are taken over.
        model_card: makes the text of the README beside the policies; by default there is none.

    Returns:
        The folder of the cell.

    Raises:
        UserError: it cannot be written; nothing is left of it then.
    """
    final = cells_folder(root) / key
    if final.exists():  # another run of the same cell finished first
        return final
    kept = base.identity["seeds"] if base else []
    seeds = [s for s in info["identity"]["seeds"] if s not in kept]
    curve = cell_tables.curve_table(ev, seeds, info["cost"])
    episodes = cell_tables.episodes_table(ev, seeds)
    metrics = cell_tables.metrics_table(ev, seeds, info["cost"])
    if base:
        curve = cell_tables.join_curves(base.curve, curve)
        episodes = cell_tables.join(base.episodes, episodes, "episode")
        assert base.metrics is not None  # it has the same identity, so the same tables
        metrics = cell_tables.join(base.metrics, metrics, "updates")
        trained = policy_files.with_stored(base.folder, trained)
    with _whole_folder(final) as folder:
        cell_tables.save(curve, folder / "curve.parquet")
        cell_tables.save(episodes, folder / "episodes.parquet")
        cell_tables.save(metrics, folder / cell_schema.METRICS)
        whole = info | {"sha256": cell_schema.checksum(info, folder)}
        text = json.dumps(whole, indent=1, sort_keys=True)
        (folder / "cell.json").write_text(text + "\n", encoding="utf-8")
        if trained is not None:
            card = policy_files.write(folder, trained)
            if model_card is not None:
                text = model_card(Result(whole, curve, episodes, final, metrics), card)
                readme = folder / policy_files.FOLDER / policy_files.MODEL_CARD
                readme.write_text(text, encoding="utf-8")
    return final


def copy(cell: Path, cells: Path) -> Path:
    """Copies a finished cell into another folder of cells, whole or not at all.

    Args:
        cell: the folder of the cell.
        cells: the folder of cells; made if need be. A cell of the same name there is kept: it has
            the same identity.

    Raises:
        UserError: it cannot be written.
    """
    final = cells / cell.name
    if not final.exists():
        with _whole_folder(final) as folder:
            shutil.copytree(cell, folder, dirs_exist_ok=True)
    return final


@contextmanager
def _whole_folder(final: Path) -> Iterator[Path]:
    """A temporary folder that is renamed to `final` when the block ends without an error.

    Raises:
        UserError: it cannot be written; nothing is left of it then.
    """
    cells = final.parent
    with write_errors(cells):
        cells.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=cells, prefix=UNFINISHED))
        try:
            yield temporary
            os.chmod(temporary, 0o755)
            for path in (*temporary.rglob("*"), temporary):
                sync(path)
            os.replace(temporary, final)
            sync(cells)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def read_info(folder: Path) -> dict[str, Any]:
    """Reads what a finished cell says of itself, without its tables, whose checksum is not checked.

    Args:
        folder: the folder of the cell.

    Returns:
        The object in cell.json.

    Raises:
        UserError: it is damaged, or has another schema.
    """
    path = folder / "cell.json"
    info = read_json(path, "a finished cell's", REMEDY)
    check_fields(info, {"identity": dict[str, Any]}, str(path), REMEDY)
    schema = info["identity"].get("schema")
    if schema != SCHEMA:
        raise UserError(
            f"{folder} has results schema {schema!r}, this version reads {SCHEMA}: "
            "move the folder away, or use the version that made it"
        )
    cell_schema.check_info(info, str(path), REMEDY)
    return info


def read(folder: Path) -> Result:
    """Reads one finished cell.

    Args:
        folder: the folder of the cell.

    Returns:
        The cell, checked.

    Raises:
        UserError: the cell is damaged, was changed by hand, or has another schema.
    """
    info = read_info(folder)
    try:
        if info.get("sha256") not in (None, cell_schema.checksum(info, folder)):
            raise ValueError("its files are not those that were written")
        table_checks.check_sizes(info, folder, REMEDY)
        frames = [pd.read_parquet(folder / name) for name in cell_schema.tables(info)]
    except UserError:
        raise
    except Exception as error:  # a damaged Parquet file raises OSError, ArrowException and others
        raise UserError(f"{folder} is damaged ({one_line(error)}); {REMEDY}") from None
    curve, episodes, metrics = (*frames, None)[:3]
    assert curve is not None and episodes is not None
    table_checks.check_tables(info, curve, episodes, metrics, folder, REMEDY)
    return Result(info, curve, episodes, folder, metrics)


def folders(root: Path) -> list[Path]:
    """The folders of the finished cells below a folder of results, which need not exist."""
    return [d for d in sorted(cells_folder(root).glob("[!.]*")) if d.is_dir()]


def read_infos(root: Path) -> list[dict[str, Any]]:
    """Reads what the finished cells of a folder say of themselves.

    Args:
        root: the folder, which need not exist.

    Returns:
        The objects of `read_info`, in the order in which the cells finished.

    Raises:
        UserError: a cell is damaged, or has another schema.
    """
    return sorted(map(read_info, folders(root)), key=lambda info: info["finished_at"])


def read_all(root: Path, *, every: bool = False) -> list[Result]:
    """Reads all finished cells of a folder.

    Args:
        root: the folder, which holds `cells/`. It need not exist.
        every: return the older cells of a name, too.

    Returns:
        The cells in the order in which their suite lists them, those of one task and of one place
        together. Where a cell was run with several settings under one name (task, demonstrations,
        demonstrator, label), the one that finished last.

    Raises:
        UserError: a cell is damaged, was changed by hand, or has another schema.
    """
    cells = [read(folder) for folder in folders(root)]
    return cells if every else ordering.in_suite_order(ordering.newest_cells(cells))
