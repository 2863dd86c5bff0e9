"""Cells computed by workers: the same results, also where workers die."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.toy_runs import TOY, command, far, jobs, lines, same

from imitbench.cli import main
from imitbench.results.cells import store
from imitbench.runs import distributed, executors, plan, runner, worker
from imitbench.runs.executors import FailedCell, on_ray, on_slurm
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder

PIPES: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
WORKER = "ray::work"  # how the command line of a process that works for us begins
SUITE_REF = worker.SuiteRef(TOY, "cpu", None)


def task_for(job: plan.Job, root: Path, **changes: Any) -> worker.CellTask:
    fields: dict[str, Any] = {
        "suite_ref": SUITE_REF, "code": worker.code_version(), "owner_pid": os.getpid(),
        "key": job.key, "engine": job.env.engine, "index": job.index, "root": root,
        "store_experience": False,
    }  # fmt: skip
    return worker.CellTask(**(fields | changes))


@pytest.mark.slow
def test_a_distributed_run_has_the_same_results(finished, tmp_path, capsys):
    calls: list[list[worker.CellTask]] = []
    root = tmp_path / "toy"
    assert distributed.run_distributed(jobs(), root, SUITE_REF, far(calls)) == []
    same(root, finished)
    orders = [r.info["order"] for r in store.read_all(root)]
    assert orders == [0, 1]  # that of the suite, not that of their ends
    output = capsys.readouterr().err
    assert "1 of 2: PointMass-4-dagger" in output and "2 of 2: PointMass-4-bc" in output
    assert len(calls) == 1
    lines_ = distributed.run_distributed(jobs(), root, SUITE_REF, far(calls))
    assert len(lines_) == 2 and all("finished before" in n for n in lines_) and len(calls) == 1


@pytest.mark.slow
def test_a_worker_that_does_not_see_the_folder_uses_a_temporary_one(finished, tmp_path):
    task = task_for(jobs()[0], tmp_path / "elsewhere")
    outcome = worker.work(task)
    assert isinstance(outcome, runner.CellOutcome) and not (tmp_path / "elsewhere").exists()
    whole = next(r for r in store.read_all(finished) if r.folder.name == task.key)
    assert outcome.ev.returns[:, -1].tolist() == whole.final("return").tolist()


def test_failed_cells_are_named_and_the_others_kept(tmp_path):
    root = tmp_path / "toy"
    with pytest.raises(UserError, match=r"1 of 2 cells failed\nPoint.*-bc-\w+: its worker died"):
        distributed.run_distributed(jobs(), root, SUITE_REF, far([], fail="-bc-"))
    (kept,) = store.read_all(root)
    assert kept.identity["label"] == "dagger"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"key": "PointMass-4-bc-0000000000"}, "suite has no such cell"),
        ({"engine": "none"}, "suite has no such cell"),
        ({"code": ("0.0.1", None)}, "this run is of ('0.0.1', None) (version, commit): install"),
        ({"suite_ref": worker.SuiteRef("no_such_suite", "cpu", None)}, "no_such_suite"),
    ],
)
def test_a_worker_that_cannot_run_a_cell_returns_the_reason(tmp_path, change, reason):
    failed = worker.work(task_for(jobs()[0], tmp_path, **change))
    assert isinstance(failed, FailedCell) and reason in failed.reason


def test_a_worker_returns_the_traceback_of_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "compute", lambda *x, **y: 1 / 0)
    failed = worker.work(task_for(jobs()[0], tmp_path))
    assert isinstance(failed, FailedCell) and "ZeroDivisionError" in failed.reason
    assert "runner.compute" in failed.reason  # the line that failed


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--address", "auto"], "--address is for --executor ray, not for here"),
        (["--executor", "ray", "--slurm", "timeout_min=5"], "--slurm is for --executor slurm"),
        (["--cpus", "2"], "--cpus is for --executor ray or slurm"),
        (["--executor", "ray", "--cpus", "0"], "cpus=0: expected 1 or more"),
        (["--executor", "slurm"], "Slurm cannot be used: .*[Ss]lurm"),
        (["--executor", "slurm", "--slurm", "fast"], "'fast': expected name=value"),
    ],
)
def test_mistakes_of_the_command_line(tmp_path, capsys, words, reason):
    if words == ["--executor", "slurm"] and shutil.which("sbatch"):
        pytest.skip("there is a Slurm here")
    assert main.main(["run", TOY, "--results", str(tmp_path), *words]) == 2
    assert re.search(reason, capsys.readouterr().err)
    assert not list(tmp_path.glob("toy/cells/*"))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'imitbench\[ray\]'"):
        executors.ray()


class Ray:
    """A package `ray` that records how it is started, and then cannot be reached."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None]] = []

    def init(self, *, address: str, **options: Any) -> None:
        self.calls.append((address, os.environ.get("RAY_ADDRESS")))
        raise ConnectionError("nobody answers")


@pytest.mark.parametrize(
    ("address", "expected"), [("auto", "auto"), ("local", "local"), (None, "10.0.0.9:6379")]
)
def test_the_address_of_the_command_line_comes_before_ray_address(monkeypatch, address, expected):
    package = Ray()
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.9:6379")
    monkeypatch.setattr(on_ray, "import_optional", lambda *x: package)
    with pytest.raises(UserError, match=f"no Ray cluster at '{expected}': nobody answers"):
        next(executors.ray(address)(print, [1]))
    assert package.calls == [(expected, None)]  # Ray itself would take the variable for "auto"
    assert os.environ["RAY_ADDRESS"] == "10.0.0.9:6379"


def below(pid: int) -> dict[int, str]:
    """The command lines of the processes that come from this one."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="utf-8")
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has just ended
            continue
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
        names[int(folder.name)] = words.strip()
    found = {pid}
    while more := {p for p, parent in parents.items() if parent in found} - found:
        found |= more
    return {p: names[p] for p in found - {pid}}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers in /proc")
def test_a_killed_ray_worker_is_replaced_and_continues(tmp_path):
    """Two workers on a Ray of this machine, one of them killed after its second evaluation."""
    env = os.environ | {"TOY_EVALS": "12", "RAY_AUTH_MODE": "disabled"}
    straight = subprocess.run(command(tmp_path / "straight"), env=env, capture_output=True)
    assert straight.returncode == 0
    killed, output = 0, []
    words = [*command(tmp_path / "ray"), "--executor", "ray"]
    with subprocess.Popen(words, env=env, **PIPES) as process:
        for line in lines(process):
            output.append(line)
            if not killed and "dagger  2/12 updates" in line:
                workers = [p for p, name in below(process.pid).items() if name.startswith(WORKER)]
                killed = int(line.split("pid=")[1].split(")")[0].split(",")[0])
                assert killed in workers
                os.kill(killed, signal.SIGKILL)
    assert process.returncode == 0, "".join(output)
    assert killed and any("dagger" in line and "resumed" in line for line in output)
    same(tmp_path / "ray" / "toy", tmp_path / "straight" / "toy")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_signal_ends_a_distributed_run_which_continues_later(tmp_path):
    env = os.environ | {"TOY_EVALS": "12", "RAY_AUTH_MODE": "disabled"}
    words = [*command(tmp_path), "--executor", "ray"]
    with subprocess.Popen(words, env=env, **PIPES) as process:
        output = lines(process)
        while "bc  4/24 updates" not in next(output):
            pass
        process.send_signal(signal.SIGTERM)
        rest = "".join(output)
    assert process.returncode == 143 and "stopped by SIGTERM" in rest
    assert list((tmp_path / "toy" / "partial").iterdir())
    again = subprocess.run(words, env=env, capture_output=True, text=True)
    assert again.returncode == 0 and "resumed" in again.stderr
    assert len(store.read_all(tmp_path / "toy")) == 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_slurm_by_its_local_executor(finished, tmp_path):
    root = tmp_path / "toy"
    local = executors.slurm(root / "slurm", cluster="local")
    assert distributed.run_distributed(jobs(), root, SUITE_REF, local) == []
    same(root, finished)


@pytest.mark.slow
def test_a_slurm_job_that_dies_is_submitted_again(tmp_path):
    def die_once(path: Path) -> str:
        if not path.exists():
            path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    local = executors.slurm(tmp_path / "slurm", cluster="local")
    assert list(local(die_once, [tmp_path / "died"])) == [(0, "done")]
    with pytest.raises(UserError, match="Slurm cannot be used: .*quickly"):
        executors.slurm(tmp_path / "slurm", parameters=["quickly_now=1"], cluster="local")


def test_a_job_that_slurm_interrupts_has_no_result():
    """A compiled program can turn the signal into an error like any other."""

    def function(argument: str) -> FailedCell:
        delayed = again.checkpoint(argument)
        assert delayed.function is not again and delayed.args == ("x",)
        return FailedCell("cut off")

    again = on_slurm._Requeueable(function)
    with pytest.raises(SystemExit):
        again("x")


def test_a_gpu_counts_where_the_cpus_are():
    def node(**resources: float) -> dict[str, Any]:
        return {"Alive": True, "Resources": resources}

    def cluster(*nodes: dict[str, Any]) -> Any:
        return SimpleNamespace(nodes=lambda: [*nodes, {"Alive": False, "Resources": {"CPU": 99}}])

    two = cluster(node(CPU=64), node(CPU=8, GPU=1))
    assert [on_ray._count_gpus(two, n) for n in (4, 8, 16)] == [1, 1, 0]
    with pytest.raises(UserError, match="cpus=65: expected 64 or fewer"):
        on_ray._count_gpus(two, 65)


def test_a_disk_without_locks_is_named(monkeypatch, tmp_path):
    def refuse(file: Any, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match="cannot be locked .No locks available.*--results"):
        with lock_folder(tmp_path, wait=True):
            pass
