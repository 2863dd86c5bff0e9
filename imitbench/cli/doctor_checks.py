"""What `imitbench doctor` says of a machine: what runs here, and whether results made here and the
shipped ones are of the same physics."""

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
from imitbench.results import store
from imitbench.results.shipped import shipped_folder
from imitbench.utils import machine
from imitbench.utils.machine import available_cpus

BACKENDS = ("egl", "osmesa", "glfw")  # values of MUJOCO_GL
PICTURE = (
    "import mujoco; mujoco.Renderer(mujoco.MjModel.from_xml_string('<mujoco/>'), 16, 16).render()"
)


class Golden(NamedTuple):
    """A task's golden trajectory, as shipped cells have it and as it comes out here."""

    task: str
    engine: str
    shipped: tuple[str, ...]  # digests; several where cells contradict each other
    here: str | None  # None: the engine is not run on this machine

    @property
    def drifted(self) -> bool:
        return self.here is not None and self.shipped != (self.here,)

    def __str__(self) -> str:
        name = f"{self.task}, {self.engine}"
        if self.here is None:
            return f"{name}: not compared; this machine runs another engine"
        if not self.drifted:
            return f"{name}: same ({self.here})"
        shipped = ", ".join(self.shipped)
        return f"{name}: differs (shipped {shipped}, here {self.here}): results are not comparable"


def describe_machine() -> dict[str, str]:
    """Devices, engine, caches and versions, by what they are."""
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


def untested() -> list[str] | None:
    """Installed packages whose version is not the one in constraints.txt, with which the tests ran;
    None where that file is not there."""
    path = Path(imitbench.__file__).parent.parent / "constraints.txt"
    if not path.is_file():
        return None
    found = []
    for row in path.read_text().split():
        package, _, tested = row.partition("==")
        installed = machine.version(package)
        if installed not in (None, tested):
            found.append(f"{package} {installed} (tested: {tested})")
    return found


def rendering() -> dict[str, bool]:
    """Whether MuJoCo can draw, by each value of MUJOCO_GL; each is tried in a process of its own,
    for a failure can end it."""

    def draws(backend: str) -> bool:
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
        return dict(zip(BACKENDS, pool.map(draws, BACKENDS), strict=True))


def golden() -> Iterator[Golden]:
    """The golden trajectory of every task and engine that has shipped cells, one by one, for each
    takes seconds."""
    shipped: dict[tuple[str, str], set[str]] = {}
    for folder in sorted(p for p in shipped_folder("").glob("*") if p.is_dir()):
        for r in store.read_all(folder):
            name = (r.identity["task"], r.info["engine"])
            shipped.setdefault(name, set()).add(r.info["environment_digest"])
    for (task, engine), digests in sorted(shipped.items()):
        comparable = engine in (physics.choose("auto"), "none")  # none: no physics to choose
        here = digest(task, "auto") if comparable else None
        yield Golden(task, engine, tuple(sorted(digests)), here)
