"""Checks of a machine: devices, versions and rendering, and whether its physics are those of the
shipped results."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import jax

import imitbench
from imitbench import physics
from imitbench.envs.digest import digest
from imitbench.results.cells import store
from imitbench.results.shipped import shipped_folder
from imitbench.utils import machine
from imitbench.utils.machine import available_cpus

BACKENDS = ("egl", "osmesa", "glfw")  # values of MUJOCO_GL
PICTURE = (
    "import mujoco; mujoco.Renderer(mujoco.MjModel.from_xml_string('<mujoco/>'), 16, 16).render()"
)


class GoldenTrajectory(NamedTuple):
    """The digests of a task's golden trajectory in shipped cells and on this machine."""

    task: str
    engine: str
    shipped: tuple[str, ...]  # several where shipped cells contradict each other
    local: str | None  # None where this machine does not run the engine

    @property
    def drifted(self) -> bool:
        """Whether the physics of this machine are not those of the shipped cells."""
        return self.local is not None and self.shipped != (self.local,)

    def __str__(self) -> str:
        name = f"{self.task}, {self.engine}"
        if self.local is None:
            return f"{name}: not compared; this machine runs another engine"
        if not self.drifted:
            return f"{name}: same ({self.local})"
        shipped = ", ".join(self.shipped)
        return f"{name}: differs (shipped {shipped}, here {self.local}): results are not comparable"


def describe_machine() -> dict[str, str]:
    """Describes devices, engine, caches and versions.

    Returns:
        A text for each property, by its name.
    """
    cache = machine.compile_cache() or "."
    files = [f for f in Path(cache).rglob("*") if f.is_file()]
    size = sum(f.stat().st_size for f in files) / 2**20
    free, cache_free = (shutil.disk_usage(p).free / 2**30 for p in (Path.cwd(), cache))
    installed = (f"{k} {v or 'not installed'}" for k, v in machine.versions().items())
    return {
        "python": f"{platform.python_version()} at {sys.executable}",
        "devices": ", ".join(str(d) for d in jax.devices()),
        "device kind": machine.device(),
        "engine that auto takes": physics.choose("auto"),
        "threads of the native engine": str(available_cpus()),
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", "(not set)"),
        "compile cache": f"{cache} ({len(files)} files, {size:.1f} MiB)",
        "free disk": f"{free:.1f} GiB here, {cache_free:.1f} GiB at the cache",
        "versions": ", ".join(installed),
    }


def untested_versions() -> list[str] | None:
    """Finds installed packages whose version is not the tested one, in constraints.txt.

    Returns:
        A text for each package; None where that file is not there.
    """
    path = Path(imitbench.__file__).parent.parent / "constraints.txt"
    if not path.is_file():
        return None
    untested = []
    for row in path.read_text(encoding="utf-8").split():
        package, _, tested = row.partition("==")
        installed = machine.version(package)
        if installed not in (None, tested):
            untested.append(f"{package} {installed} (tested: {tested})")
    return untested


def rendering_backends() -> dict[str, bool]:
    """Tries to render with each backend, in separate processes: a failure can end a process.

    Returns:
        Whether MuJoCo can render, by the value of MUJOCO_GL.
    """

    def can_render(backend: str) -> bool:
        try:
            done = subprocess.run(
                [sys.executable, "-c", PICTURE],
                env=os.environ | {"MUJOCO_GL": backend},
                capture_output=True,
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    with ThreadPoolExecutor() as pool:
        return dict(zip(BACKENDS, pool.map(can_render, BACKENDS), strict=True))


def golden_trajectories() -> Iterator[GoldenTrajectory]:
    """Compares the golden trajectory of every task and engine with shipped cells.

    Yields:
        One comparison after the other; each takes seconds.
    """
    shipped: dict[tuple[str, str], set[str]] = {}
    for folder in sorted(p for p in shipped_folder("").glob("*") if p.is_dir()):
        for r in store.read_all(folder):
            name = (r.identity["task"], r.info["engine"])
            shipped.setdefault(name, set()).add(r.info["environment_digest"])
    for (task, engine), digests in sorted(shipped.items()):
        comparable = engine in (physics.choose("auto"), "none")  # none: no physics to choose
        local = digest(task, "auto") if comparable else None
        yield GoldenTrajectory(task, engine, tuple(sorted(digests)), local)
