"""All suites in one command: the estimate, the order, and what happens after a failure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import run_all
from imitbench.runs import duration, more_seeds
from imitbench.suites.registry import suite_names

FAKE: Any = SimpleNamespace


def finished(method: str, task: str, seconds: float, env_steps: int, grad_steps: int) -> Any:
    """A cell of two seeds and ten updates, each third of whose seconds is compiling, training and
    evaluating. The budget is in environment steps where there are some."""
    parts = dict.fromkeys(("compile", "train", "evaluate"), seconds / 3)
    budget = {"env_steps": env_steps, "grad_steps": 0 if env_steps else grad_steps}
    identity = {"method": method, "task": task, "seeds": [0, 1], **budget}
    cost = {"env_steps": env_steps // 10, "grad_steps": grad_steps // 10}
    return {"identity": identity, "seconds": parts, "cost": cost}


def job(method: str, task: str, env_steps: int, grad_steps: int, seeds: int) -> Any:
    """A job of one update."""

    class Cost(int):
        def __mul__(self, n: int) -> Any:
            return FAKE(env_steps=env_steps * n, grad_steps=grad_steps * n)

    cell = FAKE(method=method, task=task, seeds=seeds)
    return FAKE(cell=cell, seeds=tuple(range(seeds)), algo=FAKE(cost=Cost()), num_updates=1)


RATES = duration.measure(
    [
        finished("bc", "Hopper", 60.0, 0, 300),  # .1 s for a step of a seed
        finished("bc", "Ant", 180.0, 0, 300),
        finished("ppo", "Hopper", 20.0, 1000, 100),
        finished("ppo", "Walker2d", 20.0, 100, 1000),
    ]
)


def test_rates_are_seconds_of_a_step_and_a_seed():
    assert RATES.by_task == pytest.approx(
        {
            ("bc", "Hopper"): 0.1,
            ("bc", "Ant"): 0.3,
            ("ppo", "Hopper"): 0.01,
            ("ppo", "Walker2d"): 0.01,
        }
    )
    assert RATES.of("bc", "Ant") == pytest.approx(0.3)
    assert RATES.of("bc", "Reacher") == pytest.approx(0.2)  # the median of both tasks
    assert RATES.of("sac", "Hopper") is None


def test_a_later_cell_replaces_the_rate():
    first = finished("bc", "Hopper", 60.0, 0, 300)
    again = duration.measure([first, finished("bc", "Hopper", 6.0, 0, 300)])
    assert again.of("bc", "Hopper") == pytest.approx(0.01)


def test_missing_seeds_alone_are_counted(monkeypatch):
    jobs = [
        job("bc", "Hopper", 0, 3600, 3), job("ppo", "Hopper", 7200, 10, 5),
        job("sac", "Hopper", 10, 10, 5), job("bc", "Ant", 0, 10, 2),
    ]  # fmt: skip
    have = {"bc Hopper": [0], "bc Ant": [0, 1]}

    def found(j: Any, root: Path) -> Any:
        seeds = have.get(f"{j.cell.method} {j.cell.task}")
        return seeds and FAKE(identity={"seeds": seeds})

    monkeypatch.setattr(more_seeds, "finished_seeds", found)
    e = duration.estimate("one", jobs, Path("none"), RATES)
    seconds = 0.1 * 2 * 3600 + 0.01 * 5 * 7200
    assert (e.cells, e.unknown) == (3, 1)
    assert e.hours == pytest.approx(seconds / 3600)
    assert duration.sentence(e) == (
        "about 18 minutes for 2 of 3 cells, as finished cells took on their machines; the methods "
        "of the others have never run"
    )
    assert duration.sentence(e._replace(hours=2.51, unknown=0)) == (
        "about 2.5 hours, as finished cells took on their machines"
    )
    assert duration.sentence(e._replace(unknown=3)) == (
        "no estimate of the time: the methods have never run"
    )
    assert duration.sentence(e._replace(cells=0, unknown=0)) == "nothing to run"


@pytest.mark.slow
def test_every_suite_runs_and_a_failure_stops_none(monkeypatch, capsys):
    assert sorted(run_all.names()) == sorted(suite_names())
    assert run_all.names()[0] == "quickstart"
    ran = []
    monkeypatch.setattr(run_all, "names", lambda: ["a", "b", "c"])
    monkeypatch.setattr(run_all, "prepared", lambda name, profile: [])

    def command(words: list[str]) -> int:
        ran.append(words[1])
        return int(words[1] == "b")

    monkeypatch.setattr(run_all.main, "main", command)
    assert run_all.RunAll(dry_run=True)() == 0 and ran == []
    assert run_all.RunAll()() == 1 and ran == ["a", "b", "c"]
    assert "failed: b. The same command goes on" in capsys.readouterr().out
    monkeypatch.setattr(run_all.main, "main", lambda words: 130)
    assert run_all.RunAll()() == 130
