"""What a run shows on the console."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from imitbench.harness import run as runner
from imitbench.harness import ship, store, tables


def run(jobs: Sequence[runner.Job], root: Path, shipped: Path | None) -> None:
    """Runs the jobs into `root`, derives table and picture, and compares with what ships."""
    begun = time.perf_counter()
    notes = runner.run(jobs, root)
    _, pictures = ship.derive(root)
    mine = [store.read(store.cells_folder(root) / job.key) for job in jobs]
    print_table(mine)
    for note in notes:
        print(note)
    names = ("cells", "summary.csv", "table.md", *(p.name for p in pictures))
    print(f"written to {root}: {', '.join(names)}")
    if shipped is not None:
        print(ship.beside(mine, shipped))
    print(f"took {time.perf_counter() - begun:.0f} s")


def print_table(results: Sequence[store.Result]) -> None:
    """The table for people, on stdout."""
    lines = tables.cells(results)
    wide = Table(box=None, pad_edge=False)
    for name in lines[0]:
        wide.add_column(name, overflow="fold")
    for line in lines:
        wide.add_row(*line.values())
    # A table is not cut to the width of a pipe.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(wide)
    devices = sorted({r.info["device"] for r in results})
    print(f"mean over seeds [95% bootstrap interval]; device: {'; '.join(devices)}")
