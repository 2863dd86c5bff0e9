"""What a run shows on the console."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from imitbench.results import compare, publish, rank, store, tables
from imitbench.results.captions import engines_sentence
from imitbench.results.formatting import format_estimate
from imitbench.results.shipped import compare_with_shipped
from imitbench.runs import plan, runner, tune
from imitbench.suites.schema import Cell


def run(
    jobs: Sequence[plan.Job],
    root: Path,
    shipped: Path | None,
    how: Callable[[Sequence[plan.Job], Path], list[str]] = runner.run,
) -> None:
    """Runs the jobs into `root`, derives table and picture, and compares with what ships.

    Args:
        how: runs them, and says what a user should know.
    """
    begun = time.perf_counter()
    notes = how(jobs, root)
    _, pictures = publish.derive(root)
    mine = [store.read(store.cells_folder(root) / job.key) for job in jobs]
    print_table(mine)
    for note in notes:
        print(note)
    names = ("cells", "summary.csv", "table.md", *(p.name for p in pictures))
    print(f"written to {root}: {', '.join(names)}")
    if shipped is not None:
        print(compare_with_shipped(mine, shipped))
    print(f"took {time.perf_counter() - begun:.0f} s")


def print_table(results: Sequence[store.Result]) -> None:
    """The table for people, on stdout."""
    lines = tables.table_rows(results)
    _print_grid(lines)
    devices = sorted({r.info["device"] for r in results})
    where = f"device: {'; '.join(devices)}.{engines_sentence(results)}"
    print(f"mean over seeds [95% bootstrap interval]; {where}")


def print_pairs(pairs: Sequence[compare.Pair], a: str, b: str) -> None:
    """Two sides' cells, a line each, and below them a sentence and the warnings for each."""
    lines = []
    for p in pairs:
        scale, digits = (100, 1) if p.measure.startswith("success") else (1, 1)
        unit = ", %" if scale == 100 else ""
        lines.append(
            {
                "Where": p.name,
                "Measure": p.measure.replace("_", " ") + unit,
                a: format_estimate(p.a, scale, digits),
                b: format_estimate(p.b, scale, digits),
                "Difference": format_estimate(p.lead, scale, digits, sign="+"),
                "P(improvement)": f"{p.improvement:.2f}",
            }
        )
    _print_grid(lines)
    for p in pairs:
        print(f"{p.name}: {compare.verdict(p, a, b)}")
    for text in dict.fromkeys(f"warning: {p.name}: {w}" for p in pairs for w in p.warnings):
        print(text)


def print_rank(scores: rank.Scores, found: Sequence[rank.RankedMethod]) -> None:
    """Methods over all places, the best first."""
    lines = []
    for row in found:
        values = (
            format_estimate(x, 1, 3) for x in (row.iqm, row.mean, row.median, row.optimality_gap)
        )
        names = ("IQM", "Mean", "Median", "Optimality gap")
        line = {"Method": row.method} | dict(zip(names, values, strict=True))
        lines.append(line | {"P(improvement)": f"{row.improvement:.2f}"})
    _print_grid(lines)
    where = ", ".join(f"{task} {demos}" if demos else task for task, demos, _ in scores.places)
    print(f"normalised {scores.measure.replace('_', ' ')} over {where} [95% bootstrap interval]")
    if scores.left_out:
        print(f"not at all of these places, so left out: {', '.join(scores.left_out)}")


def print_trials(found: Sequence[tune.Trial], cell: Cell) -> None:
    """The best first, and how to train it."""
    ranked = sorted(found, key=lambda t: -t.estimate.value)
    lines = [
        {
            "Settings": " ".join(t.words) or "as given",
            "Score": format_estimate(t.estimate, 1, 3),
            "Diverged": str(len(t.diverged)) if t.diverged else "-",
        }
        for t in ranked
    ]
    _print_grid(lines)
    number = f"{len(found)} trial" + "s" * (len(found) > 1)
    print(
        f"{number} of {cell.method} on {cell.task}, {cell.seeds} validation seeds x "
        f"{cell.eval_episodes} episodes; score: mean of success any and final, or the return"
    )
    best = " ".join(f"--set {w}" for w in ranked[0].words)
    print(f"best: {best or 'as given'}")


def _print_grid(lines: Sequence[dict[str, str]]) -> None:
    wide = Table(box=None, pad_edge=False)
    for name in lines[0]:
        wide.add_column(name, overflow="fold")
    for line in lines:
        wide.add_row(*line.values())
    # A table is not cut to the width of a pipe.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(wide)
