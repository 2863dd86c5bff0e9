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
        estimates={},
        metric_updates=np.zeros(0, int),
        metrics={},
        diverged=np.zeros(1, bool),
        seconds={},
    )


def at(monkeypatch) -> list[float]:
    """A clock that stands at the list's number."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def test_a_long_chunk_shows_that_it_goes_on(monkeypatch, capsys):
    now = at(monkeypatch)
    with progress.Progress(2) as display:
        display.start("Hopper", "ppo", 200, 2)
        untrained = evaluations(1)._replace(updates=np.array([0]))
        display.update(untrained)
        now[0] = 10.0
        display.advance(0.25)  # too soon for another line
        now[0] = 40.0
        display.advance(0.25)
        now[0] = 80.0
        display.update(evaluations(1)._replace(updates=np.array([100])))
    _, first, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith("Hopper ppo  0/200 updates") and first.endswith("time left: ?")
    # Half of the first of two evaluations took 40 s: one and a half are left.
    assert second.startswith("Hopper ppo  50/200 updates") and second.endswith("time left: 2 min")
    assert third.startswith("Hopper ppo  100/200 updates") and third.endswith("time left: 80 s")


def test_time_left_counts_the_evaluations_of_this_run_alone(monkeypatch, capsys):
    now = at(monkeypatch)
    with progress.Progress(8) as display:
        display.start("Hopper", "ppo", 80, 8)
        display.resume(evaluations(4))
        now[0] = 20.0
        display.update(evaluations(5))
        now[0] = 40.0
        display.update(evaluations(6))
    begin, first, second, third = capsys.readouterr().err.splitlines()
    assert begin.startswith("Hopper ppo  compiling, which takes up to a minute")
    assert first.startswith("Hopper ppo  40/80 updates") and first.endswith("?  resumed")
    assert "success 25% final, 50% any" in second
    assert second.endswith("time left: 60 s") and third.endswith("time left: 40 s")
