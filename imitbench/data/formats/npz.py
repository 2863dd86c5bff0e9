"""Data sets on disk: one npz with a JSON header and a checksum; no pickle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from imitbench.core.types import Spec
from imitbench.data.demonstrations import (
    STEP_FIELDS,
    STORED_AS,
    Demos,
    Header,
    check,
    check_kinds,
    step_arrays,
    steps_from,
)
from imitbench.utils import npz
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import build_dataclass
from imitbench.utils.npz import checksum

SCHEMA = 3
# 1 had no grade: its demonstrations are an expert's; 2 had no poses.
READABLE = (1, 2, 3)


def save(path: Path, demos: Demos) -> None:
    """Writes the data set, atomically. The same data set gives the same bytes."""
    found = step_arrays(demos.steps)
    header = dataclasses.asdict(demos.header) | {"schema": SCHEMA, "sha256": checksum(found)}
    npz.write(path, header, found)


def load(path: Path, spec: Spec | None = None) -> Demos:
    """Reads a data set and checks it: header, schema, names, checksum and, given a spec, the
    contents.

    Raises:
        UserError: whatever is wrong with the file.
    """
    header, found = npz.read(path, "data set")
    schema, expected = header.pop("schema", None), header.pop("sha256", None)
    if schema not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise UserError(f"{path} has schema {schema!r}, this version reads {known}; make it again")
    names = {STORED_AS.get(name, name) for name in STEP_FIELDS}
    if set(found) | {"pose"} != names:
        odd = sorted((set(found) | {"pose"}) ^ names)
        raise UserError(f"{path}: arrays {', '.join(odd)} are missing or unknown; make it again")
    if checksum(found) != expected:
        raise UserError(
            f"{path} is damaged: its sha256 is not the one in its header; make it again"
        )
    check_kinds(found, str(path))
    demos = Demos(
        steps_from(found), build_dataclass(Header, header, f"{path}: bad header", "make it again")
    )
    if spec is not None:
        if demos.steps.weight.ndim != 2:
            shape = demos.steps.weight.shape
            raise UserError(f"{path}: array 'weight' has shape {shape}, expected (episodes, steps)")
        check(demos.steps, spec, str(path))
    return demos
