"""What a finished cell's files must hold, and the checksum that says they are what was written."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import check_fields

TABLES = ("curve.parquet", "episodes.parquet")
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
}


def checksum(info: Mapping[str, Any], folder: Path) -> str:
    """sha256 over cell.json, without its own `sha256`, and over the tables beside it."""
    plain = {k: v for k, v in info.items() if k != "sha256"}
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name in TABLES:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def check_info(info: Mapping[str, Any], where: str, remedy: str) -> None:
    """Names and types of what other code takes out of cell.json.

    Raises:
        UserError: naming what is missing or of another kind.
    """
    check_fields(info, INFO, where, remedy)
    check_fields(info["identity"], IDENTITY, f"{where}: identity", remedy)
    check_fields(info["seconds"], {"compile": float, "train": float}, f"{where}: seconds", remedy)
    if info["demonstrations"] is not None:
        check_fields(info["demonstrations"], {"expert": str}, f"{where}: demonstrations", remedy)


def check_tables(
    info: Mapping[str, Any], curve: Any, episodes: Any, folder: Path, remedy: str
) -> None:
    """Numbers in every column, and one row for each seed and evaluation, or seed and episode.

    Raises:
        UserError: naming the file and what is wrong with it.
    """
    i = info["identity"]
    frames = {"curve": (curve, "evaluation", "num_evals")}
    frames["episodes"] = (episodes, "episode", "eval_episodes")
    for name, (frame, second, count) in frames.items():
        where = folder / f"{name}.parquet"
        for column in ("seed", second, *COLUMNS[name]):
            if list(frame.columns).count(column) != 1 or not _numbers(frame[column]):
                raise UserError(
                    f"{where} is damaged: expected one column {column!r} of numbers; {remedy}"
                )
        wanted = set(itertools.product(i["seeds"], range(i[count])))
        rows = list(zip(frame["seed"].tolist(), frame[second].tolist(), strict=True))
        if len(rows) != len(wanted) or set(rows) != wanted:
            raise UserError(
                f"{where} is damaged: expected a row for each of {len(i['seeds'])} seeds and "
                f"{i[count]} {second}s, found {len(rows)} rows; {remedy}"
            )


def _numbers(column: pd.Series) -> bool:
    return getattr(column.dtype, "kind", "O") in "biuf"
