"""Cells of others: checked against a shipped suite, kept with checksums, ranked beside its cells.

A submission is a folder with `cells/`, as any results have, and `submission.json`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imitbench.results.cells import policy_files, store
from imitbench.results.cells.cell import Result
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write, check_folder_name
from imitbench.utils.json_schema import build_dataclass, read_json

FILE = "submission.json"
SCHEMA = 1
MIN_SEEDS = 5
PROTOCOL = ("task", "demos", "source", "engine", "eval_episodes", "obs_noise", "validation")
"""The parts of a cell's identity that a submitted cell has in common with a shipped one."""


@dataclass(frozen=True)
class Submission:
    """The contents of `submission.json`."""

    schema: int
    """The version of this file's format."""
    name: str
    """The name of the submission and of its folder."""
    by: str
    """Who submits it."""
    about: str
    """What the method is, and where its code is."""
    suite: str
    """The suite whose places the cells are at."""
    profile: str
    """The profile of the suite."""
    label: str
    """The label of the cells."""
    files: dict[str, str]
    """SHA-256 of each file of the cells, by its path in the folder."""


def problem(cell: Result, shipped: Sequence[Result]) -> str:
    """Says why a cell cannot stand beside the shipped ones of a suite.

    Args:
        cell: a finished cell.
        shipped: the shipped cells of the suite.

    Returns:
        The reason; empty where a shipped cell has the same task, demonstrations, engine,
        environment and evaluation.
    """
    seeds = cell.identity["seeds"]
    if len(seeds) < MIN_SEEDS:
        return f"it has {len(seeds)} seeds: expected at least {MIN_SEEDS}"
    if sorted(seeds) != list(range(len(seeds))):
        return f"its seeds are {', '.join(map(str, seeds))}: expected 0 to {len(seeds) - 1}"
    if cell.identity.get("initial_states") != "own":
        return "its seeds share their initial states: run it again with this version"
    own, *rows = map(_protocol, (cell, *shipped))
    if own in rows:
        return ""
    near = [row for row in rows if (row["task"], row["demos"]) == (own["task"], own["demos"])]
    if not near:
        return f"the suite has no cell of {own['task']} with {own['demos']} demonstrations"
    differs = [name for name in own if all(row[name] != own[name] for row in near)]
    return f"its {', '.join(differs) or 'source'} is none of the suite's"


def _protocol(r: Result) -> dict[str, Any]:
    """What a submitted cell has in common with a shipped one, by name."""
    about = {name: r.identity.get(name) for name in PROTOCOL}
    return about | {"environment_digest": r.info["environment_digest"]}


def submit(
    cells: Sequence[Result], shipped: Sequence[Result], folder: Path, **about: str
) -> Submission:
    """Checks cells and copies them, without policies, into the folder of a submission.

    Args:
        cells: finished cells with one label.
        shipped: the shipped cells of the suite.
        folder: of all submissions.
        **about: name, by, about, suite and profile.

    Returns:
        What `submission.json` says.

    Raises:
        UserError: a cell does not fit the suite, or a submission of this name is there.
    """
    check_folder_name("name", about["name"])
    target = folder / about["name"]
    if target.exists():
        raise UserError(f"{target} is there already: choose another name, or remove it")
    for cell in cells:
        if reason := problem(cell, shipped):
            raise UserError(f"{cell.folder.name} does not fit the suite {about['suite']}: {reason}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        staged = Path(temporary) / about["name"]
        for cell in cells:
            copy = store.cells_folder(staged) / cell.folder.name
            leave_out = shutil.ignore_patterns(policy_files.FOLDER)
            shutil.copytree(cell.folder, copy, ignore=leave_out)
        label = cells[0].identity["label"]
        found = Submission(SCHEMA, label=label, files=checksums(staged), **about)
        with atomic_write(staged / FILE) as path:
            path.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
        shutil.move(staged, target)
    return found


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of the cells below a folder, by its path there."""
    files = sorted(p for p in store.cells_folder(folder).rglob("*") if p.is_file())
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def read(folder: Path) -> tuple[Submission, list[Result]]:
    """Reads a submission and proves that its cells are those that were submitted.

    Args:
        folder: of the submission.

    Returns:
        What `submission.json` says, and the cells.

    Raises:
        UserError: the folder is none of a submission, or a file is damaged, missing or new.
    """
    path, remedy = folder / FILE, "submit the run again"
    if not path.is_file():
        raise UserError(f"{folder} has no {FILE}: expected the folder of a submission")
    values: dict[str, Any] = read_json(path, "a submission", remedy)
    found = build_dataclass(Submission, values, str(path), remedy)
    if found.schema != SCHEMA:
        raise UserError(f"{path} has schema {found.schema}, this version reads {SCHEMA}: {remedy}")
    now = checksums(folder)
    changed = [name for name in {**now, **found.files} if now.get(name) != found.files.get(name)]
    if changed:
        raise UserError(f"{folder / changed[0]} is not the file that was submitted: {remedy}")
    return found, store.read_all(folder)


def read_all(folder: Path) -> list[tuple[Submission, list[Result]]]:
    """Reads all submissions below a folder; none where it is missing."""
    return [read(path.parent) for path in sorted(folder.glob(f"*/{FILE}"))]


def with_name(found: Submission, cells: Sequence[Result]) -> list[Result]:
    """The cells of a submission with its name in their labels, to rank them beside others."""
    label = f"{found.label} ({found.name})"
    return [r._replace(info={**r.info, "identity": {**r.identity, "label": label}}) for r in cells]
