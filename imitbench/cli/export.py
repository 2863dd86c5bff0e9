"""The command that writes a policy to a file: `imitbench export results/train`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from imitbench.api.evaluation import load_policy
from imitbench.cli.options import CellName, UserPath
from imitbench.results import exports
from imitbench.results.cells.finding import one_cell
from imitbench.utils.files import require_folder_of


@dataclass(frozen=True)
class Export:
    """Write a trained policy to a file that programs without imitbench can use."""

    folder: tyro.conf.Positional[UserPath]
    """Folder of results, such as results/train, or of one cell in it."""
    format: exports.Format = "stablehlo"
    """stablehlo: JAX alone loads it; for every policy that acts on observations. onnx and numpy (an
    npz file): for policies without memory that draw no random numbers."""
    seed_of_policy: int = 0
    """Training seed of the policy."""
    cell: CellName = ""
    out: UserPath | None = None
    """File to write; by default CELL-seed-SEED, with .stablehlo, .onnx or .npz, in the current
    folder."""

    def __call__(self) -> None:
        cell, seed = one_cell(self.folder, self.cell), self.seed_of_policy
        out = self.out or Path(f"{cell.name}-seed-{seed}{exports.SUFFIXES[self.format]}")
        require_folder_of(out)
        policy = load_policy(cell, seed)
        files = policy.export(out, self.format)
        print(f"{policy.method} on {policy.task}, seed {seed}, format {self.format}")
        print(f"written: {', '.join(map(str, files))}")
