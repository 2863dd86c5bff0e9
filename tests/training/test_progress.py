"""The display of a run where there is no terminal."""

from __future__ import annotations

import numpy as np

from imitbench.training import progress
from imitbench.training.loop import Eval


def evaluated(count: int) -> Eval:
    """Of one seed, after so many evaluations of ten updates each."""
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


def test_time_left_counts_what_this_run_has_done(monkeypatch, capsys):
    clock = iter([0.0, 20.0, 40.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    with progress.Progress(8) as shown:
        shown.start("Hopper", "ppo", 80)
        shown.resumed(evaluated(4))
        shown.evaluated(evaluated(5))
        shown.evaluated(evaluated(6))
    first, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith("Hopper ppo  40/80 updates") and first.endswith("?  resumed")
    assert "success 25% final, 50% any" in second
    assert second.endswith("time left: 60 s") and third.endswith("time left: 40 s")
