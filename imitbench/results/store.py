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

from imitbench.core.types import Cost
from imitbench.experts import reference_scores
from imitbench.results import cell_schema, policies
from imitbench.suites.published.schema import Place
from imitbench.suites.registry import cell_order
from imitbench.suites.schema import SCHEMA
from imitbench.training.loop import Eval
from imitbench.utils.errors import UserError
from imitbench.utils.files import sync, write_errors
from imitbench.utils.json_schema import check_fields, one_line, read_json


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

    def score(self, measure: str) -> np.ndarray:
        """[S] `final`, where returns are normalised: 0 is a random policy's, 1 the expert's.

        Raises:
            UserError: a return of a task without reference scores.
        """
        own = self.final(measure)
        return reference_scores.normalise(self.place[0], own) if measure == "return" else own


UNFINISHED = ".writing-"  # how folders of cells that are being written begin
COSTS = ("env_steps", "expert_queries", "grad_steps")  # columns of a curve: spent so far


def cells_folder(root: Path) -> Path:
    return root / "cells"


def partial_folder(root: Path, key: str) -> Path:
    """Checkpoints of a cell that is not finished."""
    return root / "partial" / key


def write(
    root: Path,
    key: str,
    info: dict[str, Any],
    ev: Eval,
    trained: policies.Policies | None = None,
) -> Path:
    """Writes a finished cell into a temporary folder and renames it into place.

    Raises:
        UserError: it cannot be written; nothing is left of it then.
    """
    cells = cells_folder(root)
    final = cells / key
    if final.exists():  # another run of the same cell finished first: same identity, keep it
        return final
    with write_errors(cells):
        cells.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=cells, prefix=UNFINISHED))
        try:
            os.chmod(temporary, 0o755)
            seeds = info["identity"]["seeds"]
            _curve(ev, seeds, info["cost"]).to_parquet(temporary / "curve.parquet", index=False)
            _episodes(ev, seeds).to_parquet(temporary / "episodes.parquet", index=False)
            whole = info | {"sha256": cell_schema.checksum(info, temporary)}
            text = json.dumps(whole, indent=1, sort_keys=True)
            (temporary / "cell.json").write_text(text + "\n")
            if trained is not None:
                policies.write(temporary, trained)
            for written in (*temporary.rglob("*"), temporary):
                sync(written)
            os.replace(temporary, final)
            sync(cells)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return final


def tidy(root: Path) -> None:
    """Removes what runs that were killed left behind: half-written cells, and the checkpoints of
    cells that are finished. Only for the process that holds the folder."""
    for folder in cells_folder(root).glob(f"{UNFINISHED}*"):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (root / "partial").glob("*"):
        if (cells_folder(root) / folder.name).exists():
            shutil.rmtree(folder, ignore_errors=True)


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
        UserError: it is damaged, changed by hand, or of another schema.
    """
    path, remedy = folder / "cell.json", "delete the folder to run it again"
    info = read_json(path, "a finished cell's", remedy)
    check_fields(info, {"identity": dict[str, Any]}, str(path), remedy)
    schema = info["identity"].get("schema")
    if schema != SCHEMA:
        raise UserError(
            f"{folder} has results schema {schema!r}, this version reads {SCHEMA}: "
            "move the folder away, or use the version that made it"
        )
    cell_schema.check_info(info, str(path), remedy)
    try:
        if info.get("sha256") not in (None, cell_schema.checksum(info, folder)):
            raise ValueError("its files are not those that were written")
        curve, episodes = (pd.read_parquet(folder / name) for name in cell_schema.TABLES)
    except Exception as error:  # a damaged Parquet file raises OSError, ArrowException and others
        raise UserError(f"{folder} is damaged ({one_line(error)}); {remedy}") from None
    cell_schema.check_tables(info, curve, episodes, folder, remedy)
    return Result(info, curve, episodes, folder)


def read_all(root: Path) -> list[Result]:
    """All finished cells below `root`, in the order in which their suite lists them (where it is
    not at hand: in which they were run), but those of one task together, and of one place.

    Where a cell was run with several settings under one name (task, demonstrations, their expert,
    label), the one that finished last counts.
    """

    def cell(r: Result) -> tuple[Any, ...]:
        return (*r.place, r.identity["label"])

    found = [read(d) for d in sorted(cells_folder(root).glob("[!.]*")) if d.is_dir()]
    newest: dict[tuple[Any, ...], Result] = {}
    for result in sorted(found, key=lambda r: r.info["finished_at"]):
        newest[cell(result)] = result
    listed: dict[tuple[str, str], dict[tuple[str, int, str], int]] = {}
    first: dict[Any, tuple[int, int]] = {}  # of a task, of a place and of a cell
    for r in newest.values():
        i = r.identity
        own, named = (i["suite"], i["profile"]), (i["task"], i["demos"], i["label"])
        listed.setdefault(own, cell_order(*own))
        run = r.info["order"]
        # Of one name there may be cells with several sources.
        order = (listed[own][named] if named in listed[own] else run), run
        for group in (r.place[0], r.place, cell(r)):
            first[group] = min(order, first.get(group, order))

    def grouped(r: Result) -> tuple[Any, ...]:
        task, place = r.place[0], r.place
        return first[task], task, first[place], place, first[cell(r)], cell(r)

    return sorted(newest.values(), key=grouped)
