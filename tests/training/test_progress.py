"""The display of a run without a terminal."""

from __future__ import annotations

import numpy as np

from imitbench.training import progress
from imitbench.training.loop import Eval


def evaluations(count: int) -> Eval:
    """Evaluations of one seed, ten updates apart."""
    scores = np.full((1, count), 0.5)
    return Eval(
        updates=np.arange(1, count + 1) * 10,
        success_any=scores,
        success_final=scores / 2,
        returns=-scores,
        episodes={},
        metrics={},
        diverged=np.zeros(1, bool),
        seconds={},
    )


def test_time_left_counts_the_evaluations_of_this_run_alone(monkeypatch, capsys):
    clock = iter([0.0, 20.0, 40.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    with progress.Progress(8) as display:
        display.start("Hopper", "ppo", 80)
        display.resume(evaluations(4))
        display.update(evaluations(5))
        display.update(evaluations(6))
    begin, first, second, third = capsys.readouterr().err.splitlines()
    assert begin.startswith("Hopper ppo  compiling, which takes up to a minute")
    assert first.startswith("Hopper ppo  40/80 updates") and first.endswith("?  resumed")
    assert "success 25% final, 50% any" in second
    assert second.endswith("time left: 60 s") and third.endswith("time left: 40 s")
