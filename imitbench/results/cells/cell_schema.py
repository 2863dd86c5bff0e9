"""The contents of a finished cell's files, checked before they are believed.

Names, types and sizes are checked before contents, so that a file from elsewhere can neither
lead out of its folder nor fill the memory.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imitbench.suites.checks import MAX_LABEL
from imitbench.utils.errors import UserError
from imitbench.utils.files import FOLDER_NAME
from imitbench.utils.json_schema import check_fields, read_json

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

TASK = re.compile(r"[\w-][\w.:-]*(/[\w-][\w.:-]*)*")  # such as brax/ant


def has_own_states(identity: Mapping[str, Any]) -> bool:
    """Whether each training seed was evaluated on its own initial states, as since version 0.3.0.

    Only such cells have `metrics.parquet`, and an evaluation before the first update.

    Args:
        identity: of a cell.
    """
    return identity.get("initial_states") == "own"


def tables(info: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a cell's tables.

    Args:
        info: the object in cell.json, which need not be checked yet.
    """
    identity = info.get("identity")
    own = isinstance(identity, Mapping) and has_own_states(identity)
    return (*TABLES, METRICS) if own else TABLES


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
        info = read_json(folder / "cell.json", "a finished cell's", "")
        check_fields(info, {"identity": dict[str, Any]}, str(folder), "")
        check_fields(info["identity"], IDENTITY, str(folder), "")
    except UserError:
        return None
    return info["identity"]


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
    if "network_calls" in info:
        check_fields(info, {"network_calls": float}, where, remedy)
    if "modes" in info:  # of a task that tells its episodes apart
        check_fields(info, {"modes": int}, where, remedy)
    if "dataset" in info:  # of a user, with a name
        check_fields(info, {"dataset": dict[str, Any]}, where, remedy)
        check_fields(info["dataset"], {"name": str, "format": str}, f"{where}: dataset", remedy)
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
