"""Disks that are full or slow, clocks that jump, cells from other machines: nothing is lost."""

from __future__ import annotations

import datetime
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.failing_disks import largest
from helpers.fake_results import rewrite
from helpers.toy_runs import TOY, jobs, same

from imitbench.cli import main
from imitbench.results.cells import housekeeping, store
from imitbench.runs import runner

SLOW = pytest.mark.slow


@pytest.mark.slow
@pytest.mark.parametrize(
    "size",
    [0, 3_000, *(pytest.param(n, marks=SLOW) for n in (3, 300, 6_000, 10_000, 20_000, 30_000))],
)
def test_whatever_write_fails_is_named_and_the_next_run_continues(finished, tmp_path, capsys, size):
    """No file can grow beyond `size`: locks, checkpoints, tables, policies and figures fail."""
    words = ["run", TOY, "--only", "bc", "--results", str(tmp_path)]
    with largest(size):
        assert main.main(words) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "cannot write to " in error and "raise the limit on a file's size" in error
    for folder in (tmp_path / "toy" / "cells").glob("[!.]*"):
        store.read(folder)  # whole, if it is there
    assert main.main(words) == 0
    same(tmp_path / "toy", finished, "bc")
    left = {
        p.name for p in (tmp_path / "toy").rglob("*") if ".tmp" in p.name or "writing" in p.name
    }
    assert not left


def test_a_clock_that_jumps_back_does_not_make_the_latest_cell_the_oldest(
    finished, tmp_path, monkeypatch
):
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    for folder in store.cells_folder(root).iterdir():  # written in the future
        rewrite(folder, lambda info: info.update(finished_at="2090-01-01T00:00:00+00:00"))
    assert housekeeping.finishing_time(root) == "2090-01-01T00:00:01+00:00"
    (root / "cells" / "broken").mkdir()
    for damage in ("{", '{"finished_at": "9999-12-31T23:59:59+00:00"}', '{"finished_at": 3}'):
        (root / "cells" / "broken" / "cell.json").write_text(damage)
        assert housekeeping.finishing_time(root) == "2090-01-01T00:00:01+00:00"
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    assert now <= housekeeping.finishing_time(tmp_path / "empty")


@pytest.mark.slow
def test_the_clock_of_the_system_decides_nothing_in_training(finished, tmp_path, monkeypatch):
    """It jumps by a year, forth and back, each time that it is read."""
    real, jump = time.time, [0.0]

    def jumping() -> float:
        jump[0] = 3e7 - jump[0]
        return real() + jump[0]

    monkeypatch.setattr(time, "time", jumping)
    assert runner.run(jobs()[:1], tmp_path / "toy") == []
    same(tmp_path / "toy", finished, "bc")


@pytest.mark.slow
def test_a_cell_is_not_tidied_away_while_a_slow_disk_writes_it(finished, tmp_path, monkeypatch):
    root, writing = tmp_path / "toy", threading.Event()
    real = store.sync

    def slow(path: Path) -> None:
        writing.set()
        time.sleep(0.1)
        real(path)

    monkeypatch.setattr(store, "sync", slow)
    run = threading.Thread(target=lambda: runner.run(jobs()[:1], root))
    run.start()
    assert writing.wait(60)
    assert list(store.cells_folder(root).glob(f"{store.UNFINISHED}*"))
    runner.tidy_results(root)  # another run begins: it waits for the one that writes
    assert [p.name for p in store.cells_folder(root).iterdir()] == [jobs()[0].key]
    run.join()
    same(root, finished, "bc")


@pytest.mark.parametrize(
    "change",
    [
        {"versions": {"imitbench": "9.0.0", "jax": "9.9.9", "new_package": "1.0"}},
        {"engine": "warp", "device": "a TPU of another kind", "git_commit": None},
        pytest.param(
            {"identity": {"method": "from_the_future", "label": "from_the_future"}}, marks=SLOW
        ),
        pytest.param({"identity": {"task": "FromTheFuture"}}, marks=SLOW),
        pytest.param({"identity": {"schema": 2}}, marks=SLOW),
    ],
    ids=["versions", "engine", "method", "task", "schema"],
)
def test_a_cell_of_another_machine_is_read_or_named(finished, tmp_path, capsys, change):
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    folder = next(store.cells_folder(root).glob("*-dagger-*"))

    def apply(info: dict[str, Any]) -> None:
        info["identity"].update(change.get("identity", {}))
        info.update({k: v for k, v in change.items() if k != "identity"})

    rewrite(folder, apply)
    folder.rename(folder.with_name("FromElsewhere-4-x-0123456789"))
    commands = {"table": ("toy",), "plot": ("toy",), "compare": ("bc", "dagger", "--suite", "toy")}
    for command, words in commands.items():
        code = main.main([command, *words, "--results", str(tmp_path)])
        out, err = capsys.readouterr()
        assert code in (0, 2) and "Traceback" not in out + err
        assert code == 0 or err.strip().splitlines()[-1].startswith("imitbench: "), err
        if "schema" in change.get("identity", {}):
            assert code == 2 and "has results schema 2, this version reads 1" in err
        elif command != "compare":
            assert code == 0, err
