"""Data sets as npz files: arrays, a JSON header and a checksum, no pickle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from imitbench.core.types import Spec, Transition
from imitbench.data.demonstrations import (
    STEP_FIELDS,
    STORED_AS,
    Demos,
    step_arrays,
    steps_from_arrays,
)
from imitbench.data.header import Header
from imitbench.data.validate import check_kinds, check_steps
from imitbench.utils import npz
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import build_dataclass
from imitbench.utils.npz import checksum

SCHEMA = 3
# Schema 1 had no grade: its demonstrations are an expert's. Schema 2 had no poses.
READABLE = (1, 2, 3)


def save(path: Path, demos: Demos) -> None:
    """Writes a data set, atomically. The same data set gives the same bytes.

    Args:
        path: the file.
        demos: the data set, episodes [K, T, ...].

    Raises:
        UserError: the file cannot be written.
    """
    arrays = step_arrays(demos.steps)
    header = dataclasses.asdict(demos.header) | {"schema": SCHEMA, "sha256": checksum(arrays)}
    npz.write(path, header, arrays)


def load(path: Path, spec: Spec | None = None, limit: int | None = None) -> Demos:
    """Reads a data set and checks its header, its schema, the names of its arrays and its checksum.

    Args:
        path: the file.
        spec: the task's, to check shapes and numbers against; None: only the axes of episodes and
            steps are checked.
        limit: the most bytes that all arrays may have together; by default any number.

    Returns:
        Episodes [K, T, ...] and their header.

    Raises:
        UserError: the file is missing, damaged, of an unknown schema, or does not fit the task.
    """
    header, arrays = npz.read(path, "data set", limit)
    schema, sha256 = header.pop("schema", None), header.pop("sha256", None)
    if schema not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise UserError(f"{path} has schema {schema!r}, this version reads {known}; make it again")
    expected = {STORED_AS.get(name, name) for name in STEP_FIELDS}
    if set(arrays) | {"pose"} != expected:
        names = ", ".join(sorted((set(arrays) | {"pose"}) ^ expected))
        raise UserError(f"{path}: arrays {names} are missing or unknown; make it again")
    if checksum(arrays) != sha256:
        raise UserError(
            f"{path} is damaged: its sha256 is not the one in its header; make it again"
        )
    check_kinds(arrays, str(path))
    steps = steps_from_arrays(arrays)
    demos = Demos(steps, build_dataclass(Header, header, f"{path}: bad header", "make it again"))
    if spec is None:
        _check_axes(path, steps)
    else:
        check_fit(path, demos, spec)
    return demos


def check_fit(path: Path, demos: Demos, spec: Spec) -> None:
    """Checks a data set of a file against a task.

    Args:
        path: the file, for messages.
        demos: the data set.
        spec: the task's.

    Raises:
        UserError: a shape or a number does not fit the task.
    """
    if demos.steps.weight.ndim != 2:
        raise UserError(
            f"{path}: array 'weight' has shape {demos.steps.weight.shape}, expected "
            "(episodes, steps)"
        )
    check_steps(demos.steps, spec, str(path))


def _check_axes(path: Path, steps: Transition) -> None:
    """Checks that all arrays share the axes [K, T], which are not empty."""
    lead = steps.weight.shape
    for name, x in step_arrays(steps).items():
        if len(lead) != 2 or 0 in lead or x.shape[:2] != lead:
            raise UserError(
                f"{path}: array {name!r} has shape {x.shape} and the weights have {lead}: expected "
                "(episodes, steps, ...) in both"
            )
