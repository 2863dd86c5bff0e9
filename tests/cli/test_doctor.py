"""What `imitbench doctor` says of a machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from imitbench.cli import doctor_checks, main
from imitbench.results.cells import store
from imitbench.results.shipped import shipped_folder
from imitbench.utils import machine

SUITES = ("quickstart", "dagger")  # physics, and none
SHIPPED = {
    (r.identity["task"], r.info["engine"]): r.info["environment_digest"]
    for suite in SUITES
    for r in store.read_all(shipped_folder(suite))
}


@pytest.fixture
def two_suites(monkeypatch, tmp_path):
    """The shipped results of two suites alone, so that few cells are read."""
    for suite in SUITES:
        (tmp_path / suite).symlink_to(shipped_folder(suite).absolute())
    monkeypatch.setattr(doctor_checks, "shipped_folder", lambda name: tmp_path / name)


def test_the_machine(capsys):
    assert main.main(["doctor", "--quick"]) == 0
    out = capsys.readouterr().out
    for word in ("devices", "engine that auto takes: native", "compile cache", "free disk", "jax "):
        assert word in out
    assert "threads of the native engine" in out and "warnings" in out
    assert "golden" not in out


def test_broken_pairs_are_warned_of(monkeypatch):
    wrong = {"mujoco": "3.12.0", "mujoco-mjx": "3.11.0", "gymnasium-robotics": "1.4.2",
             "jax": "0.10.2", "jaxlib": "0.10.1", "brax": "0.14.2"}  # fmt: skip
    monkeypatch.setattr(machine, "version", wrong.get)
    text = " ".join(machine.version_conflicts())
    for word in ("install 'mujoco<3.12'", "mujoco and mujoco-mjx differ", "brax 0.14.2", "jaxlib"):
        assert word in text
    monkeypatch.setattr(machine, "version", {}.get)
    assert machine.version_conflicts() == []


def test_versions_that_were_not_tested_are_named(monkeypatch, tmp_path, capsys):
    package = tmp_path / "imitbench" / "__init__.py"
    monkeypatch.setattr(doctor_checks.imitbench, "__file__", str(package))
    assert doctor_checks.untested_versions() is None
    (tmp_path / "constraints.txt").write_text("jax==0.0.1\nno-such-package==1\n")
    assert doctor_checks.untested_versions() == [f"jax {machine.version('jax')} (tested: 0.0.1)"]
    main.main(["doctor", "--quick"])
    assert "versions other than the tested ones: jax " in capsys.readouterr().out
    (tmp_path / "constraints.txt").write_text(f"jax=={machine.version('jax')}\n")
    assert doctor_checks.untested_versions() == []


def test_an_installation_without_shipped_results_says_that_nothing_was_compared(
    monkeypatch, capsys
):
    monkeypatch.setattr(doctor_checks, "rendering_backends", dict)
    monkeypatch.setattr(doctor_checks, "golden_trajectories", list)
    assert main.main(["doctor"]) == 0
    assert "so nothing was compared" in capsys.readouterr().out


def known(digests: dict[tuple[str, str], str], task: str) -> str:
    """Of a task on the engine that this machine takes, or on none."""
    return digests.get((task, "native")) or digests[task, "none"]


@pytest.mark.usefixtures("two_suites")
def test_drift_is_told_by_task_and_by_the_exit_code(monkeypatch, capsys):
    monkeypatch.setattr(doctor_checks, "rendering_backends", lambda: {"egl": True, "osmesa": False})
    monkeypatch.setattr(doctor_checks, "digest", lambda task, engine: known(SHIPPED, task))
    assert main.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "rendering: egl works, osmesa fails" in out and "differs" not in out
    assert out.count(": same (") == len(SHIPPED)
    changed = SHIPPED | {("FetchReach", "native"): "0123"}
    monkeypatch.setattr(doctor_checks, "digest", lambda task, engine: known(changed, task))
    assert main.main(["doctor"]) == 1
    out = capsys.readouterr().out
    old = SHIPPED["FetchReach", "native"]
    assert f"FetchReach, native: differs (shipped {old}, here 0123)" in out
    assert out.count(": same (") == len(SHIPPED) - 1


@pytest.mark.usefixtures("two_suites")
def test_another_engine_is_not_compared(monkeypatch):
    monkeypatch.setattr(doctor_checks.physics, "choose", lambda engine: "mjx")

    def golden(task: str, engine: str) -> str:
        assert (task, "none") in SHIPPED, "physics of another engine were run"
        return SHIPPED[task, "none"]

    monkeypatch.setattr(doctor_checks, "digest", golden)
    found = list(doctor_checks.golden_trajectories())
    assert len(found) == len(SHIPPED) and not any(f.drifted for f in found)
    assert {"not compared" in str(f) for f in found if f.engine != "none"} == {True}
    assert {": same (" in str(f) for f in found if f.engine == "none"} == {True}


def test_drawing_is_tried_with_each_backend(monkeypatch):
    def run(command, env, **options):
        assert command[0] == sys.executable
        if env["MUJOCO_GL"] == "glfw":
            raise subprocess.TimeoutExpired(command, 60)
        return subprocess.CompletedProcess(command, int(env["MUJOCO_GL"] == "osmesa"))

    monkeypatch.setattr(doctor_checks.subprocess, "run", run)
    assert doctor_checks.rendering_backends() == {"egl": True, "osmesa": False, "glfw": False}


@pytest.mark.slow
@pytest.mark.usefixtures("two_suites")
def test_this_machine(capsys):
    assert main.main(["doctor"]) == 0
    assert capsys.readouterr().out.count(": same (") == len(SHIPPED)
