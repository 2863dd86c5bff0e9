"""Stale results: finished cells and checkpoints of other settings or versions than a job's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imitbench.results.cells import store
from imitbench.runs import more_seeds
from imitbench.runs.plan import Job
from imitbench.suites.schema import without_seeds
from imitbench.utils import machine
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write
from imitbench.utils.json_schema import check_fields, read_json, shorten

MAX_TEXT = 60  # characters of a value in a message
ORIGIN = "origin.json"  # beside the checkpoints of a cell: what they belong to, and who wrote them


def stale_cells(jobs: Sequence[Job], root: Path) -> list[tuple[Job, str]]:
    """Finds finished cells that have the name of a job, but another method version or settings.

    Args:
        jobs: the jobs.
        root: the folder of the results.

    Returns:
        For each its job, and a line with what differs; without jobs that are finished as they are
        now. A stale cell stays where it is; the job runs beside it, and tables show the one that
        finished last.
    """
    cells = store.read_all(root, every=True)
    by_name = {
        _name(job.identity): job
        for job in jobs
        if not any(
            without_seeds(cell.identity) == without_seeds(job.identity)
            and more_seeds.has_all(cell, job)
            for cell in cells
        )
    }
    stale = []
    for cell in cells:
        job = by_name.get(_name(cell.identity))
        changes = _changes(cell.identity, job.identity) if job else []
        if job and changes:
            stale.append((job, f"{cell.folder.name}: {'; '.join(changes)}"))
    return stale


def claim_checkpoints(job: Job, root: Path) -> list[str]:
    """Notes whose checkpoints the folder of an unfinished cell holds from now on.

    Only the process that holds the folder's lock may call it.

    Args:
        job: the job that begins or continues.
        root: the folder of the results.

    Returns:
        Lines for the user: that other code began the checkpoints from which it continues; and where
        checkpoints of other settings or of another method version are, beside which it starts anew.

    Raises:
        UserError: the folder cannot be written to.
    """
    folder = store.partial_folder(root, job.key)
    code = machine.versions() | {"commit": machine.git_commit()}
    lines = []
    begun = _read_origin(folder)
    if begun:
        changes = _changes(begun["code"], code)
        if changes:
            lines.append(
                f"{job.key}: its checkpoint was begun by other code "
                f"({'; '.join(changes)}); to start anew delete {folder}"
            )
    for other in sorted(folder.parent.glob(f"{job.key.rpartition('-')[0]}-*")):
        origin = _read_origin(other) if other != folder else None
        if origin and _name(origin["identity"]) == _name(job.identity):
            changes = _changes(origin["identity"], job.identity)
            if changes:
                lines.append(
                    f"{job.key}: starts anew; {other} holds checkpoints with other settings "
                    f"({'; '.join(changes)}): delete it if you do not need it"
                )
    if begun:
        return lines  # it stays the one of the code that began
    with atomic_write(folder / ORIGIN) as path:
        text = json.dumps({"identity": job.identity, "code": code}, indent=1, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")
    return lines


def _read_origin(folder: Path) -> dict[str, Any] | None:
    """What is noted beside checkpoints; None where there are none, or nothing readable is."""
    if not any(path.name.isdigit() for path in folder.glob("*")):
        return None
    path = folder / ORIGIN
    try:
        origin = read_json(path, "the origin of checkpoints", "")
        check_fields(origin, {"identity": dict[str, Any], "code": dict[str, Any]}, str(path), "")
        _name(origin["identity"])
    except (UserError, KeyError):
        return None
    return origin


def _name(identity: Mapping[str, Any]) -> str:
    """What a suite knows a cell by: the task, the demonstrations, their source and the label."""
    return json.dumps([identity[k] for k in ("task", "demos", "source", "label")], sort_keys=True)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two identities, beside the seeds, or between two sets of versions."""
    flat = [_flat(without_seeds(x)) for x in (old, new)]
    names = sorted(set(flat[0]) | set(flat[1]))
    return [
        f"{_plain(name)} {_value(flat[0], name)}, now {_value(flat[1], name)}"
        for name in names
        if flat[0].get(name) != flat[1].get(name)
    ]


def _value(flat: Mapping[str, Any], name: str) -> str:
    return _plain(flat[name]) if name in flat else "not set"


def _plain(value: Any) -> str:
    """A value as one short line: it may come from a file of others."""
    text = str(value)
    return text if text.isprintable() and len(text) <= MAX_TEXT else shorten(text)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their path: `config.lr`. Version 1 is the one that is not named."""
    found: dict[str, Any] = {} if prefix else {"version": 1}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found
