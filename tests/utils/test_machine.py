"""The process: settings of JAX that would change numbers, devices that are not there, caches."""

from __future__ import annotations

import platform
import subprocess
import sys

import jax
import pytest

import imitbench as ib
from imitbench.utils import machine, runtime
from imitbench.utils.errors import UserError


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("jax_enable_x64", True),
        ("jax_default_prng_impl", "rbg"),
        ("jax_threefry_partitionable", False),
    ],
)
def test_settings_that_change_numbers_are_refused_in_a_running_process(option, value):
    """As in a notebook: the option is changed after an environment was made."""
    env, before = ib.make_env("PointMass"), getattr(jax.config, option)
    try:
        jax.config.update(option, value)
        for call in (lambda: ib.collect(env, 2), lambda: ib.train("bc", env), runtime.setup):
            with pytest.raises(UserError, match=f"{option} is {value}: imitbench supports"):
                call()
    finally:
        jax.config.update(option, before)


def test_a_device_that_is_not_there_is_named(monkeypatch):
    def missing():
        raise AssertionError  # all that JAX says

    monkeypatch.setattr(jax, "devices", missing)
    before = jax.config.values["jax_platforms"]
    jax.config.update("jax_platforms", "cuda")
    try:
        with pytest.raises(UserError, match="no device of JAX_PLATFORMS=cuda: .* unset it"):
            with runtime.device_errors():
                jax.devices()
    finally:
        jax.config.update("jax_platforms", before)


def test_a_cache_folder_that_cannot_be_made_costs_a_warning(monkeypatch, caplog):
    """So that a read-only home can at least list the tasks."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    monkeypatch.setattr(machine, "compile_cache", lambda: None)
    runtime.setup()
    assert "compiled programs are not kept: cannot make /proc/nowhere/imitbench" in caplog.text


def test_an_installed_copy_has_no_commit_of_the_project_around_it(monkeypatch, tmp_path):
    """Such as a virtual environment inside of the user's own repository."""
    file = tmp_path / ".venv" / "machine.py"
    file.parent.mkdir()
    file.touch()
    monkeypatch.setattr(machine, "__file__", str(file))

    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "-m", "mine")
    assert machine.git_commit() is None
    git("add", ".")
    git("commit", "-m", "its own source")
    assert len(machine.git_commit() or "") == 40


def test_memory_that_is_too_small_is_named():
    with pytest.raises(UserError, match=r"memory .* too small \(80,000,000,000,000 bytes at once"):
        with runtime.device_errors():
            raise jax.errors.JaxRuntimeError(
                "RESOURCE_EXHAUSTED: Out of memory allocating 80000000000000 bytes."
            )
    with pytest.raises(AssertionError), runtime.device_errors():
        raise AssertionError  # another one


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_share_two_arenas():
    """Each arena that threads make is a mapping of 64 MiB; the first one is the heap."""
    code = """
import threading
from imitbench.utils import machine, runtime
assert runtime.limit_arenas()
barrier = threading.Barrier(16)
def work():
    barrier.wait()
    kept = [bytes(1000) for _ in range(1000)]
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(16)]
for t in threads: t.start()
for t in threads: t.join()
import ctypes
libc = ctypes.CDLL(None)
file = ctypes.c_void_p.in_dll(libc, "stderr")
libc.malloc_info(0, file)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 1 <= done.stderr.count("<heap nr=") <= 2


def test_without_a_screen_rendering_is_refused_at_once(monkeypatch):
    """GLFW waits for a screen without end."""
    monkeypatch.setattr(machine.platform, "system", lambda: "Linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="no screen; MUJOCO_GL=egl and MUJOCO_GL=osmesa need none"):
        machine.check_screen()
    for name, value in (("DISPLAY", ":0"), ("MUJOCO_GL", "egl"), ("MUJOCO_GL", "OSMesa")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            machine.check_screen()


def test_the_command_line_looks_for_garbage_less_often():
    script = """
import gc
from imitbench.utils import runtime
before = gc.get_threshold()
runtime.collect_less_garbage()
frozen = gc.get_freeze_count()
assert gc.get_threshold()[0] > before[0] and frozen
garbage = []
garbage.append(garbage)
del garbage
runtime.collect_less_garbage()  # what became garbage since is not kept
assert gc.get_freeze_count() == frozen and gc.collect()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
