"""The command that evaluates stored policies: `imitbench evaluate results/train`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro

from imitbench.api.evaluation import evaluate
from imitbench.api.policy import Policy
from imitbench.results.cells import policies, policy_files, store
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Evaluate:
    """Evaluate the stored policies of finished cells on new episodes.

    All policies of a task start from the same initial states, which depend on --seed and
    --episodes.
    """

    folder: tyro.conf.Positional[Path]
    """Folder of results, such as results/train, or of one cell in it."""
    episodes: int = 100
    """Episodes of each policy."""
    seed: int = 0
    """Seed of the initial states."""
    out: Path | None = None
    """CSV file for the single episodes."""

    def __call__(self) -> None:
        folder = self.folder.expanduser()
        out = self.out.expanduser() if self.out else None
        if out is not None and not out.parent.is_dir():
            raise UserError(f"cannot write {out}: there is no folder {out.parent}; make it first")
        cells = [folder] if (folder / policy_files.FOLDER).is_dir() else _cells(folder)
        frames = []
        for cell in cells:
            for seed in policy_files.seeds_of(cell):
                policy = Policy(policies.load(cell, seed))
                scores = evaluate(policy, episodes=self.episodes, seed=self.seed)
                names = {"cell": cell.name, "policy": seed}
                frames.append(scores.assign(**names))
                print(_line(cell.name, seed, scores), flush=True)
        if out is not None:
            everything = pd.concat(frames, ignore_index=True)
            everything.to_csv(out, index=False, float_format="%.6g")
            print(f"written: {out}")


def _cells(folder: Path) -> list[Path]:
    """The cells that store policies."""
    if not store.cells_folder(folder).is_dir():
        raise UserError(f"{folder} is no folder of results: expected one that holds cells/")
    cells = [r.folder for r in store.read_all(folder)]
    kept = [cell for cell in cells if policy_files.seeds_of(cell)]
    if not kept:
        raise UserError(
            f"no cell in {folder} stores policies (shipped cells leave them out): run "
            "`imitbench train` or `imitbench run` first"
        )
    return kept


def _line(cell: str, seed: int, scores: pd.DataFrame) -> str:
    """Means over the episodes, in one line."""
    words = [f"return {scores['return'].mean():.2f}"]
    for name in ("success_any", "success_final"):
        if name in scores:
            words.append(f"{name.replace('_', ' ')} {scores[name].mean():.1%}")
    return f"{cell}, seed {seed}: {', '.join(words)} ({len(scores)} episodes)"
