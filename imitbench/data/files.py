"""Data sets on disk: one npz with a JSON header and a checksum; no pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.core.host import atomic
from imitbench.core.types import Spec, Transition, UserError
from imitbench.data.demos import Demos, Header, check

SCHEMA = 1


def checksum(arrays: dict[str, np.ndarray]) -> str:
    """sha256 over names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        x = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {x.dtype.str} {x.shape};".encode())
        digest.update(x.tobytes())
    return digest.hexdigest()


def save(path: Path, demos: Demos) -> None:
    """Writes the data set, atomically. The same data set gives the same bytes."""
    arrays = {k: np.asarray(v) for k, v in vars(demos.steps).items()}
    header = dataclasses.asdict(demos.header) | {"schema": SCHEMA, "sha256": checksum(arrays)}
    text = np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8)
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, header=text, **arrays)


def load(path: Path, spec: Spec | None = None) -> Demos:
    """Reads a data set and checks it: header, schema, names, checksum and, given a spec, the
    contents.

    Raises:
        UserError: whatever is wrong with the file.
    """
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {k: file[k] for k in file.files}
        header: dict[str, Any] = json.loads(arrays.pop("header").tobytes())
        assert isinstance(header, dict)
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except (OSError, ValueError, KeyError, EOFError, AssertionError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is not a readable data set ({error}); make it again") from None
    except Exception as error:  # a damaged deflate stream raises zlib.error, among others
        raise UserError(f"{path} is damaged ({error}); make it again") from None
    schema, expected = header.pop("schema", None), header.pop("sha256", None)
    if schema != SCHEMA:
        raise UserError(f"{path} has schema {schema!r}, this version reads {SCHEMA}; make it again")
    names = {f.name for f in dataclasses.fields(Transition)}
    if set(arrays) != names:
        odd = sorted(set(arrays) ^ names)
        raise UserError(f"{path}: arrays {', '.join(odd)} are missing or unknown; make it again")
    if checksum(arrays) != expected:
        raise UserError(
            f"{path} is damaged: its sha256 is not the one in its header; make it again"
        )
    try:
        demos = Demos(Transition(**arrays), Header(**header))
    except TypeError as error:
        raise UserError(f"{path}: bad header ({error}); make it again") from None
    if spec is not None:
        if demos.steps.weight.ndim != 2:
            shape = demos.steps.weight.shape
            raise UserError(f"{path}: array 'weight' has shape {shape}, expected (episodes, steps)")
        check(demos.steps, spec, str(path))
    return demos
