"""Checks of a finished cell's tables: their sizes before they are read, their rows after it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet

from imitbench.results.cells.cell_schema import METRICS, has_own_states, tables
from imitbench.utils.errors import UserError

SCORES = ("success_any", "success_final", "return")
COLUMNS = {
    "curve": ("updates", "env_steps", "expert_queries", "grad_steps", "diverged", *SCORES),
    "episodes": ("length", *SCORES),
    "metrics": ("seed", "updates", "env_steps", "expert_queries", "grad_steps"),
}
COUNTERS = {"curve": "evaluation", "episodes": "episode"}  # the rows of a seed by number
NUMBERS = {"BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE"}  # physical types of Parquet
MAX_BYTES = 2**28  # of one table's numbers
MAX_PARTS = 1000  # rows of metrics for each evaluation and seed
OVERHEAD = 2**16  # bytes that Parquet adds to each column, at most


def check_sizes(info: Mapping[str, Any], folder: Path, remedy: str) -> None:
    """Checks the metadata of a cell's tables before they are read into memory.

    Args:
        info: a checked cell.json.
        folder: the folder of the cell's tables.
        remedy: what to do about a wrong one, for messages.

    Raises:
        UserError: the number of rows is not the one that the identity gives, a column holds no
            numbers, or the table is too large.
        OSError, pyarrow.ArrowException: the metadata cannot be read.
    """
    for name in tables(info):
        path = folder / name
        metadata = pyarrow.parquet.read_metadata(path)
        _check_rows(info, path, metadata.num_rows, remedy)
        columns = [metadata.schema.column(i) for i in range(metadata.num_columns)]
        for column in columns:
            if column.physical_type not in NUMBERS or column.max_repetition_level:
                raise UserError(
                    f"{path} is damaged: expected numbers in column {column.path!r}, found "
                    f"{column.physical_type}; {remedy}"
                )
        groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
        stored = sum(group.total_byte_size for group in groups)
        needed = 8 * metadata.num_rows * len(columns)
        limit = min(2 * needed + OVERHEAD * len(columns), MAX_BYTES)
        if max(stored, needed) > limit:
            raise UserError(
                f"{path} is too large: it unpacks to {max(stored, needed):,} bytes, expected at "
                f"most {limit:,}; {remedy}"
            )


def check_tables(
    info: Mapping[str, Any],
    curve: pd.DataFrame,
    episodes: pd.DataFrame,
    metrics: pd.DataFrame | None,
    folder: Path,
    remedy: str,
) -> None:
    """Checks that a cell's tables hold numbers in every column, and the rows that they must have.

    Args:
        info: a checked cell.json.
        curve: the table with a row for each seed and evaluation.
        episodes: the table with a row for each seed and episode.
        metrics: the table with a row for each seed and part of training; None in older cells.
        folder: the folder of the cell's tables, for messages.
        remedy: what to do about a wrong one, for messages.

    Raises:
        UserError: a table is not as expected; it names the file.
    """
    identity = info["identity"]
    for name, frame in (("curve", curve), ("episodes", episodes)):
        path = folder / f"{name}.parquet"
        counter = COUNTERS[name]
        _check_columns(frame, ("seed", counter, *COLUMNS[name]), path, remedy)
        _check_rows(info, path, len(frame), remedy)
        count = len(frame) // max(1, len(identity["seeds"]))
        expected = set(itertools.product(identity["seeds"], range(count)))
        rows = set(zip(frame["seed"].tolist(), frame[counter].tolist(), strict=True))
        if rows != expected or len(rows) != len(frame):
            raise UserError(
                f"{path} is damaged: expected a row for each seed and {counter}, found others; "
                f"{remedy}"
            )

    if metrics is not None:
        path = folder / METRICS
        _check_columns(metrics, COLUMNS["metrics"], path, remedy)
        _check_rows(info, path, len(metrics), remedy)
        if not set(metrics["seed"]) <= set(identity["seeds"]):
            raise UserError(f"{path} is damaged: expected rows of its own seeds alone; {remedy}")


def _check_columns(frame: pd.DataFrame, names: Iterable[str], path: Path, remedy: str) -> None:
    for column in names:
        if list(frame.columns).count(column) != 1 or frame[column].dtype.kind not in "biuf":
            raise UserError(
                f"{path} is damaged: expected one column {column!r} of numbers; {remedy}"
            )


def _check_rows(info: Mapping[str, Any], path: Path, rows: int, remedy: str) -> None:
    identity = info["identity"]
    seeds = len(identity["seeds"])
    if path.name == METRICS:
        most = seeds * identity["num_evals"] * MAX_PARTS
        if rows > most or (seeds and rows % seeds):
            raise UserError(
                f"{path} is damaged: expected equally many rows for each of {seeds} seeds and at "
                f"most {most:,}, found {rows:,} rows; {remedy}"
            )
        return
    counts = _row_counts(identity, path.stem)
    if rows not in [seeds * count for count in counts]:
        raise UserError(
            f"{path} is damaged: expected a row for each of {seeds} seeds and {counts[0]} "
            f"{COUNTERS[path.stem]}s, found {rows} rows; {remedy}"
        )


def _row_counts(identity: Mapping[str, Any], table: str) -> tuple[int, ...]:
    """How many rows a table may have for each seed."""
    if table == "episodes":
        return (identity["eval_episodes"],)
    evals = identity["num_evals"]
    if not has_own_states(identity):
        return (evals,)
    # Older cells with one evaluation after training have one before it, too.
    return (1, 2) if evals == 1 else (evals + 1,)
