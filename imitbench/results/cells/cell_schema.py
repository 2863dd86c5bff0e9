"""The contents of a finished cell's files, checked before they are believed.

Names, types and sizes are checked before contents, so that a file from elsewhere can neither
lead out of its folder nor fill the memory.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet

from imitbench.suites.schema import MAX_LABEL
from imitbench.utils.errors import UserError
from imitbench.utils.files import FOLDER_NAME
from imitbench.utils.json_schema import check_fields

TABLES = ("curve.parquet", "episodes.parquet")
METRICS = "metrics.parquet"  # of training; cells of version 0.2.0 and older have them in the curve
INFO: Mapping[str, Any] = {
    "finished_at": str, "order": int, "engine": str, "device": str, "environment_digest": str,
    "diverged_seeds": list[int], "seconds": dict[str, float], "cost": dict[str, int],
    "demo_steps": int, "has_success": bool, "versions": dict[str, str | None],
    "git_commit": str | None, "demonstrations": dict[str, Any] | None,
}  # fmt: skip
IDENTITY: Mapping[str, Any] = {
    "suite": str, "profile": str, "task": str, "method": str, "label": str, "demos": int,
    "seeds": list[int], "num_evals": int, "eval_episodes": int, "source": dict[str, Any],
}  # fmt: skip
SCORES = ("success_any", "success_final", "return")
COLUMNS = {
    "curve": ("updates", "env_steps", "expert_queries", "grad_steps", "diverged", *SCORES),
    "episodes": ("length", *SCORES),
    "metrics": ("seed", "updates", "env_steps", "expert_queries", "grad_steps"),
}
COUNTERS = {"curve": "evaluation", "episodes": "episode"}  # the rows of a seed by number

TASK = re.compile(r"[\w-][\w.:-]*(/[\w-][\w.:-]*)*")  # such as brax/ant
NUMBERS = {"BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE"}  # physical types of Parquet
MAX_BYTES = 2**28  # of one table's numbers
MAX_PARTS = 1000  # rows of metrics for each evaluation and seed
OVERHEAD = 2**16  # bytes that Parquet adds to each column, at most


def has_own_states(identity: Mapping[str, Any]) -> bool:
    """Whether each training seed was evaluated on its own initial states, as since version 0.3.0.

    Only such cells have an evaluation before the first update, and `metrics.parquet`.

    Args:
        identity: of a cell.
    """
    return identity.get("initial_states") == "own"


def tables(info: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a cell's tables.

    Args:
        info: the object in cell.json.
    """
    return (*TABLES, METRICS) if has_own_states(info["identity"]) else TABLES


def _row_count(identity: Mapping[str, Any], table: str) -> int:
    """How many rows a table has for each seed."""
    if table == "episodes":
        return identity["eval_episodes"]
    return identity["num_evals"] + has_own_states(identity)


def checksum(info: Mapping[str, Any], folder: Path) -> str:
    """Computes the checksum of a cell's files.

    Args:
        info: the object in cell.json; its own `sha256` does not count.
        folder: the folder of the cell's tables.

    Returns:
        The sha256 over `info`, as JSON with sorted keys, and over the bytes of the tables.
    """
    rest = {k: v for k, v in info.items() if k != "sha256"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in tables(info):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def read_identity(folder: Path) -> dict[str, Any] | None:
    """Reads who a finished cell is, without its tables.

    Args:
        folder: of the cell.

    Returns:
        Its identity; None where the folder holds no readable one.
    """
    try:
        info = json.loads((folder / "cell.json").read_text(encoding="utf-8"))
        identity = info["identity"]
        check_fields(identity, IDENTITY, str(folder), "")
    except (OSError, ValueError, TypeError, KeyError, UserError):
        return None
    return identity


def check_info(info: Mapping[str, Any], where: str, remedy: str) -> None:
    """Checks the names, types and forms of the values in cell.json that other code uses.

    Args:
        info: the object in cell.json.
        where: the file, for messages.
        remedy: what to do about a wrong one, for messages.

    Raises:
        UserError: a value is missing, or of another type or form.
    """
    check_fields(info, INFO, where, remedy)
    check_fields(info["identity"], IDENTITY, f"{where}: identity", remedy)
    check_fields(info["seconds"], {"compile": float, "train": float}, f"{where}: seconds", remedy)
    if info["demonstrations"] is not None:
        check_fields(info["demonstrations"], {"expert": str}, f"{where}: demonstrations", remedy)
    _check_names(info["identity"], where, remedy)


def _check_names(identity: Mapping[str, Any], where: str, remedy: str) -> None:
    """Checks that the names of suite, profile and task cannot lead out of a folder."""
    forms = {
        "suite": (FOLDER_NAME, "the name of a folder"),
        "profile": (FOLDER_NAME, "the name of a folder"),
        "task": (TASK, "a name such as FetchPush or brax/ant"),
    }
    for field, (form, expected) in forms.items():
        if not form.fullmatch(identity[field]):
            raise UserError(
                f"{where}: identity: {field!r} is {identity[field][:MAX_LABEL]!r}, expected "
                f"{expected}; {remedy}"
            )
    label = identity["label"]
    if not (0 < len(label) <= MAX_LABEL and label.isprintable()):
        raise UserError(
            f"{where}: identity: 'label' is {label[:MAX_LABEL]!r}, expected 1 to {MAX_LABEL} "
            f"printable characters; {remedy}"
        )


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
        expected = set(itertools.product(identity["seeds"], range(_row_count(identity, name))))
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
    count = _row_count(identity, path.stem)
    if rows != seeds * count:
        raise UserError(
            f"{path} is damaged: expected a row for each of {seeds} seeds and {count} "
            f"{COUNTERS[path.stem]}s, found {rows} rows; {remedy}"
        )
