"""The process and the machine: settings made once by the command line, and what runs where."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import logging
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import jax
import platformdirs

from imitbench.utils.errors import UserError


def available_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def import_optional(package: str, extra: str) -> Any:
    """A package that not everybody needs, imported.

    Args:
        extra: of imitbench, which brings it.

    Raises:
        UserError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UserError(
            f"package {package!r} is not installed: run `pip install 'imitbench[{extra}]'`"
        ) from None


def cache_dir(name: str) -> Path:
    """A folder in the user's cache, made if need be.

    Raises:
        UserError: it cannot be made.
    """
    folder = platformdirs.user_cache_path("imitbench", appauthor=False) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make {folder}: {error.strerror}; set XDG_CACHE_HOME to a folder for caches"
        ) from error
    return folder


PACKAGES = (
    "imitbench", "jax", "jaxlib", "flax", "optax", "chex", "mujoco", "mujoco-mjx", "gymnasium",
    "gymnasium-robotics", "orbax-checkpoint", "numpy", "pandas", "pyarrow", "matplotlib", "brax",
)  # fmt: skip


def setup() -> None:
    """Compile cache in the user's cache folder, full float32 products, plain log lines."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    if compile_cache() is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_dir("xla")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    # TF32 on recent GPUs changes results.
    jax.config.update("jax_default_matmul_precision", "highest")


def compile_cache() -> str | None:
    """Folder of compiled programs, where there is one."""
    return jax.config.values["jax_compilation_cache_dir"]


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str | None]:
    return {"python": platform.python_version()} | {p: version(p) for p in PACKAGES}


@functools.cache
def device() -> str:
    """The accelerator, or the processor and how many of its CPUs this process may use."""
    kind = jax.devices()[0].device_kind
    if jax.default_backend() != "cpu":
        return f"{len(jax.devices())} x {kind}"
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = found[0].split(":", 1)[1].strip() if found else model
    return f"{available_cpus()} x {model}"


def git_commit() -> str | None:
    """Commit of the source tree, marked where files differ from it; None outside of one."""
    root = Path(__file__).parent
    try:

        def git(*args: str) -> str:
            done = subprocess.run(
                ["git", "-C", str(root), *args], capture_output=True, text=True, check=True
            )
            return done.stdout.strip()

        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def version_conflicts() -> list[str]:
    """Known bad combinations among the installed versions, each with what to do."""

    def at(package: str) -> tuple[int, ...] | None:
        text = version(package)
        return tuple(int(x) for x in text.split(".")[:3] if x.isdigit()) if text else None

    found = []
    mujoco, mjx, robotics = at("mujoco"), at("mujoco-mjx"), at("gymnasium-robotics")
    if mujoco and robotics and mujoco >= (3, 12) and robotics <= (1, 4, 2):
        found.append(
            f"mujoco {version('mujoco')} breaks the Fetch environments of gymnasium-robotics "
            f"{version('gymnasium-robotics')}: install 'mujoco<3.12'"
        )
    if mujoco and mjx and mujoco[:2] != mjx[:2]:
        found.append("mujoco and mujoco-mjx differ in version: install the same of both")
    jaxv, brax = at("jax"), at("brax")
    if jaxv and brax and jaxv >= (0, 10) and brax <= (0, 14, 2):
        found.append(
            f"brax {version('brax')}'s own PPO and SAC do not run with jax {version('jax')} "
            "(its environments and wrappers do); nothing in imitbench needs them"
        )
    if jaxv and version("jaxlib") != version("jax"):
        found.append("jax and jaxlib differ in version: install the same of both")
    return found
