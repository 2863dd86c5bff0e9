"""The live display of a run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from rich import progress as bars
from rich.console import Console

from imitbench.training.loop import Eval

REFRESH = {True: 0.5, False: 30.0}  # seconds between two displays, on a terminal and elsewhere


class Progress:
    """A display of task, method, updates, scores so far, and the time left over all cells.

    It writes to stderr, so that stdout holds results alone.

    Args:
        total_evals: the number of evaluations of all cells together.
    """

    def __init__(self, total_evals: int):
        self._total, self._done = total_evals, 0
        self._resumed = 0  # evaluations of earlier runs, which took no time in this one
        self._part = 0.0  # the share of the next evaluation's updates that has been done
        self._cell_done, self._score = 0, ""  # updates and scores at the cell's last evaluation
        self._start_time = self._shown_at = time.perf_counter()
        self._name, self._updates, self._chunk = "", 0, 0
        self._lock = threading.Lock()  # seeds report their parts from several threads
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

    def start(self, task: str, method: str, updates: int, evals: int) -> None:
        """Starts the next cell, before its programs are compiled.

        Args:
            task: the task's name.
            method: the method's name.
            updates: the number of updates of the whole cell.
            evals: the number of its evaluations after updates.
        """
        self._name, self._updates, self._chunk = f"{task} {method}", updates, updates // evals
        self._part, self._cell_done, self._score = 0.0, 0, ""
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
        self._done += _after_updates(ev)
        self._resumed += _after_updates(ev)
        self._show(ev, "resumed")

    def advance(self, share: float) -> None:
        """Shows that training goes on between two evaluations.

        Args:
            share: of the updates until the next evaluation, done since the last call.
        """
        with self._lock:
            self._part = min(self._part + share, 1.0)
            now = time.perf_counter()
            if now - self._shown_at < REFRESH[self._live]:
                return
            self._shown_at = now
            self._write(int(self._cell_done + self._part * self._chunk))

    def update(self, ev: Eval) -> None:
        """Shows one more evaluation.

        Args:
            ev: all evaluations of the cell so far.
        """
        self._done += int(ev.updates[-1] > 0)
        self._show(ev, "")

    def _time_left(self) -> str:
        done = self._done - self._resumed + self._part
        if not done:
            return "time left: ?"
        elapsed = time.perf_counter() - self._start_time
        left = elapsed / done * (self._total - self._done - self._part)
        return f"time left: {left:.0f} s" if left < 120 else f"time left: {left / 60:.0f} min"

    def _show(self, ev: Eval, note: str) -> None:
        final, any_ = ev.success_final[:, -1].mean(), ev.success_any[:, -1].mean()
        self._score = f"success {final:.0%} final, {any_:.0%} any"
        if not ev.success_any.any():
            self._score = f"return {ev.returns[:, -1].mean():.1f}"
        with self._lock:
            self._cell_done, self._part = int(ev.updates[-1]), 0.0
            self._shown_at = time.perf_counter()
            self._write(self._cell_done, note)

    def _write(self, done: int, note: str = "") -> None:
        """Writes one state of the cell: the updates done, the last score and the time left."""
        updates, left = f"{done}/{self._updates} updates", self._time_left()
        if self._live and self._row is not None:
            self._bars.update(
                self._row, completed=done, updates=updates, score=self._score, left=left
            )
        else:
            words = [self._name, updates, self._score, left, note]
            print("  ".join(w for w in words if w), file=sys.stderr, flush=True)


def _after_updates(ev: Eval) -> int:
    """The number of evaluations, without the one before the first update."""
    return int((ev.updates > 0).sum())
