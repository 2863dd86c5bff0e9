"""Runs of the toy suite, in this process and in others."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from imitbench.results.cells import store
from imitbench.runs import executors, plan, worker
from imitbench.runs.executors import FailedCell
from imitbench.suites.registry import load_suite

LABELS = ("bc", "dagger")
TOY = str(Path(__file__).with_name("toy_suite.py"))


def jobs() -> list[plan.Job]:
    """The toy suite's."""
    return plan.prepare("toy", "cpu", load_suite(TOY).profiles["cpu"])


def command(results: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "imitbench", *(words or ("run", TOY)), "--results", str(results)]


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    yield from process.stderr


def same(root: Path, straight: Path, *labels: str) -> None:
    """Both have the same cells, those of `labels` where given, with the same numbers."""
    expected = [r for r in store.read_all(straight) if r.identity["label"] in (labels or LABELS)]
    for mine, theirs in zip(store.read_all(root), expected, strict=True):
        assert mine.identity == theirs.identity
        pd.testing.assert_frame_equal(mine.curve, theirs.curve)
        pd.testing.assert_frame_equal(mine.episodes, theirs.episodes)
    assert [p.name for p in store.cells_folder(root).iterdir() if p.name.startswith(".")] == []
    assert list((root / "partial").iterdir()) == []


def far(calls: list[list[worker.CellTask]], fail: str = "") -> executors.Executor:
    """An executor in this process that pickles what goes to and fro, and does the last first."""

    def execute(function: Any, arguments: Any) -> Any:
        calls.append(list(arguments))
        function, arguments = pickle.loads(pickle.dumps((function, arguments)))
        for i in reversed(range(len(arguments))):
            if fail and fail in arguments[i].key:
                yield i, FailedCell("its worker died 4 times")
            else:
                yield i, pickle.loads(pickle.dumps(function(arguments[i])))

    return execute
