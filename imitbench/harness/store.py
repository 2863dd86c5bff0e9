"""Finished cells on disk: written whole or not at all, read back with checks."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from imitbench.core.train import Eval
from imitbench.core.types import Cost, UserError
from imitbench.harness.suite import SCHEMA

Place = tuple[str, int, str]  # task, demonstrations, who showed them


class Result(NamedTuple):
    """One finished cell. See `results/README.md` for the columns."""

    info: dict[str, Any]  # cell.json
    curve: pd.DataFrame  # one row for each seed and evaluation
    episodes: pd.DataFrame  # one row for each episode of the last evaluation
    folder: Path

    @property
    def identity(self) -> dict[str, Any]:
        return self.info["identity"]

    @property
    def expert(self) -> str:
        """Who demonstrated, and how; empty where nobody did."""
        header = self.info["demonstrations"]
        if not header:
            return ""
        grade = header.get("grade", "expert")
        how = "" if grade in ("expert", "stream") else f", {grade}"
        growing = self.identity.get("source", {}).get("growing")
        return header["expert"] + how + (", as it learns" if growing else "")

    @property
    def place(self) -> Place:
        """Where methods are compared with each other."""
        return self.identity["task"], self.identity["demos"], self.expert

    def final(self, column: str) -> np.ndarray:
        """[S] the column's values at the last evaluation, in the order of the seeds."""
        last = self.curve.loc[self.curve["evaluation"] == self.curve["evaluation"].max()]
        return last.sort_values(by=["seed"])[column].to_numpy(float)


COSTS = ("env_steps", "expert_queries", "grad_steps")  # columns of a curve: spent so far


def cells_folder(root: Path) -> Path:
    return root / "cells"


def partial_folder(root: Path, key: str) -> Path:
    """Checkpoints of a cell that is not finished."""
    return root / "partial" / key


def write(root: Path, key: str, info: dict[str, Any], ev: Eval) -> Path:
    """Writes a finished cell into a temporary folder and renames it into place."""
    cells = cells_folder(root)
    cells.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=cells, prefix=".writing-"))
    try:
        os.chmod(temporary, 0o755)
        (temporary / "cell.json").write_text(json.dumps(info, indent=1, sort_keys=True) + "\n")
        seeds = info["identity"]["seeds"]
        _curve(ev, seeds, info["cost"]).to_parquet(temporary / "curve.parquet", index=False)
        _episodes(ev, seeds).to_parquet(temporary / "episodes.parquet", index=False)
        final = cells / key
        if final.exists():  # another run of the same cell finished first: same identity, keep it
            return final
        os.replace(temporary, final)
        return final
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _curve(ev: Eval, seeds: list[int], cost: dict[str, int]) -> pd.DataFrame:
    rows = []
    for s, seed in enumerate(seeds):
        for e, done in enumerate(ev.updates.tolist()):
            row = {"seed": seed, "evaluation": e, "updates": done}
            spent = Cost(**cost) * done
            row |= {k: getattr(spent, k) for k in COSTS}
            row |= {
                "success_any": ev.success_any[s, e],
                "success_final": ev.success_final[s, e],
                "return": ev.returns[s, e],
                "diverged": bool(ev.diverged[s]),
            }
            rows.append(row | {f"metric/{k}": float(v[s, e]) for k, v in ev.metrics.items()})
    return pd.DataFrame(rows)


def _episodes(ev: Eval, seeds: list[int]) -> pd.DataFrame:
    count = ev.episodes["return"].shape[1]
    frame = {"seed": np.repeat(seeds, count), "episode": np.tile(np.arange(count), len(seeds))}
    return pd.DataFrame(frame | {k: v.ravel() for k, v in ev.episodes.items()})


def read(folder: Path) -> Result:
    """One finished cell.

    Raises:
        UserError: it is damaged or of another schema.
    """
    try:
        info = json.loads((folder / "cell.json").read_text())
        schema = info["identity"]["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder / 'cell.json'} cannot be read ({error}); delete the folder to run it again"
        ) from None
    if schema != SCHEMA:
        raise UserError(
            f"{folder} has results schema {schema}, this version reads {SCHEMA}: "
            "move the folder away, or use the version that made it"
        )
    try:
        curve = pd.read_parquet(folder / "curve.parquet")
        episodes = pd.read_parquet(folder / "episodes.parquet")
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} is damaged ({error}); delete it to run it again") from None
    return Result(info, curve, episodes, folder)


def read_all(root: Path) -> list[Result]:
    """All finished cells below `root`, in the order in which their suite lists them.

    Where a cell was run with several settings under one name (task, demonstrations, their expert,
    label), the one that finished last counts.
    """
    found = [read(d) for d in sorted(cells_folder(root).glob("[!.]*")) if d.is_dir()]
    newest: dict[tuple[Any, ...], Result] = {}
    for result in sorted(found, key=lambda r: r.info["finished_at"]):
        newest[(*result.place, result.identity["label"])] = result
    return sorted(newest.values(), key=lambda r: (r.info["order"], r.info["finished_at"]))
