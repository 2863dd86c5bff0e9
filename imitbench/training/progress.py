"""The live display of a run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich import progress as bars
from rich.console import Console

from imitbench.training.loop import Eval


class Progress:
    """A display of task, method, updates, scores so far, and the time left over all cells.

    It writes to stderr, so that stdout holds results alone.

    Args:
        total_evals: the number of evaluations of all cells together.
    """

    def __init__(self, total_evals: int):
        self._total, self._done = total_evals, 0
        self._resumed = 0  # evaluations of earlier runs, which took no time in this one
        self._start_time = time.perf_counter()
        self._name, self._updates = "", 0
        console = Console(stderr=True)
        self._live = console.is_terminal
        self._bars = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(bar_width=20),
            bars.TextColumn("{task.fields[updates]}"),
            bars.TextColumn("{task.fields[score]}"),
            bars.TextColumn("{task.fields[left]}"),
            bars.TimeElapsedColumn(),
            console=console,
            disable=not self._live,
        )
        self._row: bars.TaskID | None = None

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def start(self, task: str, method: str, updates: int) -> None:
        """Starts the next cell, before its programs are compiled.

        Args:
            task: the task's name.
            method: the method's name.
            updates: the number of updates of the whole cell.
        """
        self._name, self._updates = f"{task} {method}", updates
        left = self._time_left()
        self._row = self._bars.add_task(
            self._name, total=updates, updates="compiling", score="-", left=left
        )
        if not self._live:
            text = f"{self._name}  compiling, which takes up to a minute  {left}"
            print(text, file=sys.stderr, flush=True)

    def compiled(self) -> None:
        """Shows that the programs of the cell are compiled, and that training begins."""
        if self._live and self._row is not None:
            self._bars.update(self._row, updates=f"0/{self._updates} updates")

    def resume(self, ev: Eval) -> None:
        """Shows that the cell continues from the checkpoint of an earlier run.

        Args:
            ev: the evaluations of the earlier run.
        """
        self._done += len(ev.updates)
        self._resumed += len(ev.updates)
        self._show(ev, "resumed")

    def update(self, ev: Eval) -> None:
        """Shows one more evaluation.

        Args:
            ev: all evaluations of the cell so far.
        """
        self._done += 1
        self._show(ev, "")

    def _time_left(self) -> str:
        if self._done == self._resumed:
            return "time left: ?"
        elapsed = time.perf_counter() - self._start_time
        left = elapsed / (self._done - self._resumed) * (self._total - self._done)
        return f"time left: {left:.0f} s" if left < 120 else f"time left: {left / 60:.0f} min"

    def _show(self, ev: Eval, note: str) -> None:
        done = int(ev.updates[-1])
        final, any_ = ev.success_final[:, -1].mean(), ev.success_any[:, -1].mean()
        score = f"success {final:.0%} final, {any_:.0%} any"
        if not ev.success_any.any():
            score = f"return {ev.returns[:, -1].mean():.1f}"
        updates = f"{done}/{self._updates} updates"
        if self._live and self._row is not None:
            left = self._time_left()
            self._bars.update(self._row, completed=done, updates=updates, score=score, left=left)
        else:
            words = [self._name, updates, score, self._time_left(), note]
            print("  ".join(w for w in words if w), file=sys.stderr, flush=True)
