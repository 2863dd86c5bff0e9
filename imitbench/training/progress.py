"""The live display of a run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich import progress as bars
from rich.console import Console

from imitbench.training.loop import Eval


class Progress:
    """Task, method, updates, success so far and the time left over all cells."""

    def __init__(self, total_evals: int):
        self._total, self._done, self._given = total_evals, 0, 0
        self._begun = time.perf_counter()
        self._name, self._updates = "", 0
        # The display goes to stderr, so that stdout holds results alone.
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
        """The next cell begins (its programs are compiled first)."""
        self._name, self._updates = f"{task} {method}", updates
        self._row = self._bars.add_task(
            self._name,
            total=updates,
            updates=f"0/{updates} updates",
            score="-",
            left=self._left(),
        )

    def resumed(self, ev: Eval) -> None:
        """The cell goes on from an earlier run's checkpoint."""
        self._done += len(ev.updates)
        self._given += len(ev.updates)  # by the earlier run: they took no time in this one
        self._say(ev, "resumed")

    def evaluated(self, ev: Eval) -> None:
        """One more evaluation is in."""
        self._done += 1
        self._say(ev, "")

    def _left(self) -> str:
        if self._done == self._given:
            return "time left: ?"
        spent = time.perf_counter() - self._begun
        left = spent / (self._done - self._given) * (self._total - self._done)
        return f"time left: {left:.0f} s" if left < 120 else f"time left: {left / 60:.0f} min"

    def _say(self, ev: Eval, note: str) -> None:
        done = int(ev.updates[-1])
        final, any_ = ev.success_final[:, -1].mean(), ev.success_any[:, -1].mean()
        score = f"success {final:.0%} final, {any_:.0%} any"
        if not ev.success_any.any():
            score = f"return {ev.returns[:, -1].mean():.1f}"
        updates = f"{done}/{self._updates} updates"
        if self._live and self._row is not None:
            left = self._left()
            self._bars.update(self._row, completed=done, updates=updates, score=score, left=left)
        else:
            words = [self._name, updates, score, self._left(), note]
            print("  ".join(w for w in words if w), file=sys.stderr, flush=True)
