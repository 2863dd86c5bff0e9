"""Columns of the Parquet files of a LeRobotDataset, checked against the shapes in its metadata.

A few bytes of Parquet can stand for any number of equal values, so the size of a file bounds
nothing. Bounds come from the totals and shapes in meta/info.json, at 8 bytes a number: `MAX_BYTES`
in all. A column may take twice as much, with its dictionary, and `OVERHEAD` a row group.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line

INFO = "meta/info.json"
STORED_NUMBERS = {"BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE"}  # physical types of Parquet
LISTS = r"(\.(list|bag)\.(element|item|array|array_element))*"  # how Parquet names nested lists
MAX_BYTES = 2**33
OVERHEAD = 2**12
REMEDY = "export the data set again"

Columns = dict[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]


def inside(folder: Path, path: Path) -> Path:
    """Returns a path, if it is a file inside of a folder.

    Args:
        folder: the data set's.
        path: the file; links to the blobs of the Hub's cache are allowed.

    Raises:
        UserError: it is no file, or a link to outside.
    """
    root, target = Path(os.path.realpath(folder)), Path(os.path.realpath(path))
    blobs = [root.parent.parent / "blobs"] if root.parent.name == "snapshots" else []
    if not any(target.is_relative_to(place) for place in (root, *blobs)):
        raise UserError(f"{path} is a link to outside of {folder}: put the file itself there")
    if not target.is_file():
        raise UserError(f"no such file: {path}; download the whole data set, or export it again")
    return path


def read_columns(folder: Path, pattern: str, shapes: Shapes, rows: int) -> Columns:
    """Reads columns of all files of a pattern; their sizes are checked before.

    Args:
        folder: the data set's.
        pattern: of the files in it.
        shapes: of one row of each column.
        rows: the number of rows of all files together.

    Returns:
        Columns [rows, *shape] by name.

    Raises:
        UserError: a file is damaged, or does not fit the shapes or the number of rows.
    """
    paths = [inside(folder, path) for path in sorted(folder.glob(pattern))]
    found, parts = 0, []
    for path in paths:
        with _damage(path):
            found += _check_file(path, shapes)
    if found != rows:
        raise UserError(
            f"{folder}: {len(paths)} files {pattern} have {found:,} rows, expected {rows:,} as in "
            f"{INFO}; download the whole data set, or export it again"
        )
    for path in paths:
        with _damage(path):
            parts.append(_read_file(path, shapes))
    return {name: np.concatenate([part[name] for part in parts]) for name in shapes}


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{path} is damaged ({one_line(error)}); {REMEDY}") from None


class _DataReached(Exception):
    pass


class _WithoutData(io.FileIO):
    """A file that cannot be read beyond its metadata."""

    def read(self, *_: Any) -> bytes:
        raise _DataReached


def _check_file(path: Path, shapes: Shapes) -> int:
    """The number of rows of a Parquet file; its metadata must fit the shapes."""
    metadata = pq.read_metadata(path)
    # pyarrow ends the process when it is asked about a column whose metadata is damaged. A reader
    # that prepares to read all columns raises an error instead.
    with suppress(_DataReached), _WithoutData(path) as file:
        reader = pq.ParquetFile(file, metadata=metadata, pre_buffer=True)
        next(reader.iter_batches(columns=list(shapes)), None)
    leaves = [metadata.schema.column(i) for i in range(metadata.num_columns)]
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    for name, shape in shapes.items():
        at = [i for i, x in enumerate(leaves) if re.fullmatch(re.escape(name) + LISTS, x.path)]
        if len(at) != 1 or leaves[at[0]].physical_type not in STORED_NUMBERS:
            raise UserError(f"{path}: expected one column {name!r} of numbers; {REMEDY}")
        chunks = [group.column(at[0]) for group in groups]
        count, expected = sum(x.num_values for x in chunks), metadata.num_rows * math.prod(shape)
        if count != expected:
            raise UserError(
                f"{path}: {name!r} has {count:,} numbers in {metadata.num_rows:,} rows, expected "
                f"{expected:,}, of shape {shape} in each; {REMEDY}"
            )
        stored, limit = sum(x.total_uncompressed_size for x in chunks), 16 * expected
        if stored > limit + OVERHEAD * (1 + len(chunks)):
            needed = f"about {limit // 2:,} for {expected:,} numbers"
            raise UserError(
                f"{path}: {name!r} unpacks to {stored:,} bytes, expected {needed}; {REMEDY}"
            )
    return int(metadata.num_rows)


def _read_file(path: Path, shapes: Shapes) -> Columns:
    options: dict[str, Any] = {"partitioning": None, "page_checksum_verification": True}
    table = pq.read_table(path, columns=list(shapes), **options)
    return {k: _to_array(table.column(k), x, f"{path}: {k!r}") for k, x in shapes.items()}


def _to_array(column: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """[n, *shape] of a column of nested lists; one number a frame may stand without a list."""
    values = column.combine_chunks()
    rows = len(values)
    for size in () if shape == (1,) and not values.type.num_fields else shape:
        sizes = pc.call_function("list_value_length", [values]) if values.type.num_fields else [0]
        other = [x for x in pc.call_function("unique", [sizes]).to_pylist() if x != size]
        if other:
            found = f"a list of {other[0]}" if other[0] else "no list"
            raise UserError(f"{where}: {found} in a frame, expected shape {shape}; {REMEDY}")
        values = values.flatten()
    kind = np.dtype(values.type.to_pandas_dtype()).kind
    if values.null_count or kind not in ("biuf" if shape else "iu"):
        expected = "numbers" if shape else "integers"
        raise UserError(
            f"{where} is of type {values.type} with {values.null_count} values missing, expected "
            f"{expected} and none missing; {REMEDY}"
        )
    return values.to_numpy(zero_copy_only=False).reshape(rows, *shape)
