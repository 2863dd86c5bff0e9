"""Data sets as npz files: arrays, a JSON header and a checksum, no pickle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from imitbench.core.checks import ACTIONS
from imitbench.core.types import Spec
from imitbench.data.header import Header
from imitbench.data.rows import (
    LENGTHS,
    STEP_FIELDS,
    STORED_AS,
    Demos,
    demos_from_arrays,
    stored_arrays,
)
from imitbench.data.validate import check_kinds, check_steps
from imitbench.utils import npz
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import build_dataclass
from imitbench.utils.npz import checksum

SCHEMA = 3  # of episodes [K, T, ...]
ROWS_SCHEMA = 4  # of rows [N, ...], with the lengths of the episodes
# Schema 1 had no grade: its demonstrations are an expert's. Schema 2 had no poses.
OPTIONAL_ARRAYS = {"pose", "full_obs"}  # that a data set may lack
EXPECTED = (
    "expected an npz file that `imitbench demos` or save_data wrote; other formats: --format, or "
    "format=..."
)
READABLE = (1, 2, 3, 4)


def save(path: Path, demos: Demos) -> None:
    """Writes a data set, atomically. The same data set gives the same bytes.

    Arrays are [K, T, ...] where all episodes are equally long. Else they are rows [N, ...], one
    episode after the other, and the array `episode_length` [K] has the steps of each. Data sets
    without actions have no arrays `action` and `label`.

    Args:
        path: the file.
        demos: the data set.

    Raises:
        UserError: the file cannot be written.
    """
    arrays = stored_arrays(demos)
    schema = ROWS_SCHEMA if LENGTHS in arrays else SCHEMA
    header = dataclasses.asdict(demos.header) | {"schema": schema, "sha256": checksum(arrays)}
    npz.write(path, header, arrays)


def load(path: Path, spec: Spec | None = None, limit: int | None = None) -> Demos:
    """Reads a data set and checks its header, its schema, the names of its arrays and its checksum.

    Args:
        path: the file.
        spec: the task's, to check shapes and numbers against; None: only the first axes are
            checked.
        limit: the most bytes that all arrays may have together; by default any number.

    Returns:
        The data set.

    Raises:
        UserError: the file is missing, damaged, of an unknown schema, or does not fit the task.
    """
    header, arrays = npz.read(path, "data set", limit, EXPECTED)
    schema, sha256 = header.pop("schema", None), header.pop("sha256", None)
    if schema not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise UserError(f"{path} has schema {schema!r}, this version reads {known}; make it again")
    expected = {STORED_AS.get(name, name) for name in STEP_FIELDS}
    if schema == ROWS_SCHEMA:
        expected.add(LENGTHS)
    without = OPTIONAL_ARRAYS | ({STORED_AS.get(name, name) for name in ACTIONS} - set(arrays))
    if len(without) == len(OPTIONAL_ARRAYS) + 1:  # one of the two actions alone
        without = OPTIONAL_ARRAYS
    if set(arrays) | without != expected:
        names = ", ".join(sorted((set(arrays) | without) ^ expected))
        raise UserError(f"{path}: arrays {names} are missing or unknown; make it again")
    if checksum(arrays) != sha256:
        raise UserError(
            f"{path} is damaged: its sha256 is not the one in its header; make it again"
        )
    check_kinds(arrays, str(path))
    about = build_dataclass(Header, header, f"{path}: bad header", "make it again")
    try:
        demos = demos_from_arrays(arrays, about)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if spec is not None:
        check_steps(demos, spec, str(path))
    return demos
