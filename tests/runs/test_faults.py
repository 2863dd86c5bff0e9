"""Interrupted runs lose no finished work and have the same results."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.failing_disks import largest, mounted, read_only
from helpers.toy_runs import TOY, command, jobs, lines, same

from imitbench.cli import main
from imitbench.results.cells import store
from imitbench.runs import runner
from imitbench.training import loop, resumable, signals
from imitbench.training.progress import Progress
from imitbench.utils.errors import UserError


def start(results: Path, evals: int) -> subprocess.Popen[str]:
    """The toy suite with so many evaluations, in a process of its own."""
    return subprocess.Popen(
        command(results),
        env=os.environ | {"TOY_EVALS": str(evals)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_straight(results: Path, evals: int) -> None:
    """The same without a break."""
    process = start(results, evals)
    process.communicate()
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_kill_9_at_twenty_random_moments(tmp_path):
    evals, moments = 12, random.Random(0)
    run_straight(tmp_path / "straight", evals)
    kills, resumed = 0, False
    root = tmp_path / "cut" / "toy"
    while kills < 20:
        process = start(tmp_path / "cut", evals)
        wanted, delay = moments.choice((0, 1, 1, 2)), moments.uniform(0.0, 0.3)
        if wanted == 0:
            time.sleep(moments.uniform(0.1, 5.0))
        else:
            for line in lines(process):
                resumed |= "resumed" in line
                wanted -= "updates" in line
                if not wanted:
                    break
            time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        assert process.stderr is not None
        process.stderr.close()
        for folder in (root / "cells").glob("[!.]*"):
            store.read(folder)  # every finished cell is whole
        if list((root / "cells").glob("[!.]*")):
            assert main.main(["table", "toy", "--results", str(tmp_path / "cut")]) == 0
    last = start(tmp_path / "cut", evals)
    last.communicate()
    assert last.returncode == 0 and resumed, "nothing was killed in the middle of a cell"
    same(root, tmp_path / "straight" / "toy")
    summaries = [(tmp_path / x / "toy" / "summary.csv").read_bytes() for x in ("cut", "straight")]
    assert summaries[0] == summaries[1]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fifty_kills_of_two_runs_into_one_folder(tmp_path):
    """Each round starts both and kills them at moments of their own."""
    evals, moments = 12, random.Random(1)
    run_straight(tmp_path / "straight", evals)
    kills, root = 0, tmp_path / "cut" / "toy"
    while kills < 50:
        pair = [start(tmp_path / "cut", evals) for _ in range(2)]
        for process in pair:
            time.sleep(moments.uniform(0.1, 5.0))
            process.send_signal(signal.SIGKILL)
        for process in pair:
            kills += process.wait() == -signal.SIGKILL
            assert process.stderr is not None
            process.stderr.close()
        for folder in (root / "cells").glob("[!.]*"):
            store.read(folder)  # every finished cell is whole
        if len(list((root / "cells").glob("[!.]*"))) == 2:
            shutil.rmtree(root / "cells")  # begin again
    last = [start(tmp_path / "cut", evals) for _ in range(2)]
    for process in last:
        process.communicate()
    assert [process.returncode for process in last] == [0, 0]
    assert runner.run([], root) == []  # what killed runs left is gone
    same(root, tmp_path / "straight" / "toy")


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)],
)
def test_a_signal_stops_after_the_next_checkpoint(
    finished, tmp_path, monkeypatch, capsys, number, code
):
    monkeypatch.setattr(signals, "is_ignored", lambda number: False)  # as in the foreground
    done = []
    monkeypatch.setattr(Progress, "update", lambda self, ev: done.append(len(ev.updates)))
    words = ["run", TOY, "--only", "bc", "--results", str(tmp_path)]

    def interrupted(*args, real=resumable.loop.train, **options):
        os.kill(os.getpid(), number)
        time.sleep(0.2)
        return real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(resumable.loop, "train", interrupted)
        assert main.main(words) == code
    err = capsys.readouterr().err
    assert "stopping at the next evaluation, which is kept" in err
    assert f"stopped by {number.name}; run the same command again to continue" in err
    assert done == [1] and len(list((tmp_path / "toy" / "partial").iterdir())) == 1
    assert main.main(words) == 0
    assert done == [1, 2, 3, 4]  # it went on; nothing was done twice
    same(tmp_path / "toy", finished, "bc")


def test_a_full_disk_is_named_and_the_run_continues_once_there_is_room(finished, tmp_path):
    if not shutil.which("mount") or os.geteuid():
        pytest.skip("only root can mount a small disk")
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=4m", "tmpfs") as disk:
        stone = disk / "stone"
        stone.write_bytes(bytes(3 * 2**20 + 2**19))
        with pytest.raises(UserError, match="disk/toy.* MiB are free; make room there"):
            runner.run(jobs()[:1], disk / "toy")
        assert not store.cells_folder(disk / "toy").exists()
        stone.write_bytes(bytes(4 * 2**20 - shutil.disk_usage(disk).used + stone.stat().st_size))
        with pytest.raises(UserError, match="disk/toy: No space left on device; make room there"):
            runner.run(jobs()[:1], disk / "toy")
        stone.unlink()
        assert runner.run(jobs()[:1], disk / "toy") == []
        same(disk / "toy", finished, "bc")


def test_a_cell_that_cannot_be_written_leaves_nothing(finished, tmp_path):
    (result, _) = store.read_all(finished)
    blank = np.zeros((2, 4))
    ev = loop.Eval(
        updates=np.arange(4),
        success_any=blank,
        success_final=blank,
        returns=blank,
        estimates={},
        metric_updates=np.arange(1, 4),
        metrics={"loss": blank[:, 1:]},
        episodes={"return": blank},
        diverged=np.zeros(2, bool),
        seconds={},
    )
    with (
        pytest.raises(UserError, match="cells: .*too large; raise the limit on a file's size"),
        largest(1000),
    ):
        store.write(tmp_path, "x", result.info, ev)
    assert list(store.cells_folder(tmp_path).iterdir()) == []
    store.write(tmp_path, "x", result.info, ev)
    assert [p.name for p in store.cells_folder(tmp_path).iterdir()] == ["x"]


def test_leftovers_of_a_killed_run_are_removed(finished, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    key = jobs()[0].key
    for left in (root / "cells" / ".writing-x", root / "partial" / key / "2"):
        left.mkdir(parents=True)
    (root / "partial" / "other").mkdir()  # not finished: kept
    assert len(runner.run(jobs(), root)) == 2
    assert sorted(p.name for p in root.glob("*/*")) == sorted([*(j.key for j in jobs()), "other"])


def test_a_folder_that_cannot_be_written_is_named_before_any_work(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "imitbench.runs.finished.find_unfinished", lambda *x: pytest.fail("work began")
    )
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(UserError, match="cannot write to .*choose another folder"):
        runner.run(jobs(), blocked / "toy")
    root = tmp_path / "toy"
    shutil.copytree(finished, root)
    with read_only(tmp_path):
        with pytest.raises(UserError, match="cannot write to .*toy: .*; choose another folder"):
            runner.run(jobs(), root)
        assert len(store.read_all(root)) == 2
        assert main.main(["table", "toy", "--results", str(tmp_path)]) == 2


@pytest.mark.slow
def test_a_second_run_leaves_cells_alone_that_another_one_computes(finished, tmp_path):
    root = tmp_path / "toy"
    (root / "cells").mkdir(parents=True)
    (busy, free) = jobs()
    folder = root / "partial" / busy.key
    program = (
        "import sys, time; from pathlib import Path\n"
        "from imitbench.utils.files import lock_folder\n"
        "with lock_folder(Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline()
    assert runner.run(jobs(), root) == [f"{busy.key}: process {other.pid} works on it, skipped"]
    assert [r.folder.name for r in store.read_all(root)] == [free.key]
    assert folder.is_dir()
    other.kill()
    other.wait()
    other.stdout.close()
    assert runner.run(jobs(), root) == [f"{free.key}: finished before, skipped"]
    same(root, finished)


@pytest.mark.slow
def test_two_runs_into_one_folder_share_the_cells(finished, tmp_path):
    """Two processes start together; every cell is computed once, whole, and by one of them."""
    root = tmp_path / "toy"
    program = (
        "import sys; from pathlib import Path\n"
        "from imitbench.runs import plan, runner\n"
        "from imitbench.suites.registry import load_suite\n"
        "jobs = plan.prepare('toy', 'cpu', load_suite(sys.argv[1]).profiles['cpu'])\n"
        "print(runner.run(jobs[::int(sys.argv[3])], Path(sys.argv[2])))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", program, TOY, str(root), order])
        for order in ("1", "-1")
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    assert runner.run(jobs(), root) == [f"{j.key}: finished before, skipped" for j in jobs()]
    same(root, finished)
