"""The machine: caches, hardware, optional packages, versions.

JAX is imported inside the functions that need it, so that importing this module is cheap.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import platformdirs

from imitbench.utils.errors import UserError

PACKAGES = (
    "imitbench", "jax", "jaxlib", "flax", "optax", "chex", "mujoco", "mujoco-mjx", "gymnasium",
    "gymnasium-robotics", "orbax-checkpoint", "numpy", "pandas", "pyarrow", "matplotlib", "brax",
)  # fmt: skip
"""The packages whose versions are recorded beside results."""


def compile_cache() -> str | None:
    """Returns the folder of compiled programs, or None where they are not kept."""
    import jax

    return jax.config.values["jax_compilation_cache_dir"]


def cache_dir(name: str) -> Path:
    """Returns a folder in the user's cache, which is created where it is missing.

    Args:
        name: the folder's name.

    Returns:
        The folder's path.

    Raises:
        UserError: the folder cannot be created.
    """
    folder = platformdirs.user_cache_path("imitbench", appauthor=False) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make {folder}: {error.strerror}; set XDG_CACHE_HOME to a folder for caches"
        ) from error
    return folder


# --- The hardware.


def available_cpus() -> int:
    """Returns the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def device() -> str:
    """Returns the number and the model of the accelerators, or of the available CPUs."""
    import jax

    kind = jax.devices()[0].device_kind
    if jax.default_backend() != "cpu":
        return f"{len(jax.devices())} x {kind}"
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        models = [x for x in lines if x.startswith("model name")]
        model = models[0].split(":", 1)[1].strip() if models else model
    return f"{available_cpus()} x {model}"


def check_screen() -> None:
    """Checks that OpenGL has a screen, where MuJoCo would render with one.

    On Linux MuJoCo renders through GLFW unless MUJOCO_GL was egl or osmesa when it was imported.
    Without a screen GLFW may wait without end.

    Raises:
        UserError: there is no screen.
    """
    backend = os.environ.get("MUJOCO_GL", "").lower().strip()
    needs_screen = platform.system() == "Linux" and backend not in ("egl", "osmesa")
    if needs_screen and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError("this machine has no screen; MUJOCO_GL=egl and MUJOCO_GL=osmesa need none")


def rendering_error(backend: str, reason: str) -> UserError:
    """Makes the error of a machine that cannot render.

    Args:
        backend: the value of MUJOCO_GL.
        reason: what OpenGL, MuJoCo or `check_screen` said.
    """
    return UserError(
        f"cannot render with MUJOCO_GL={backend or '(not set)'} ({reason}): set MUJOCO_GL to what "
        "this machine has (egl, osmesa or glfw) before Python starts; `imitbench doctor` tests them"
    )


# --- Packages and versions.


@functools.cache
def device_memory() -> int:
    """Returns the bytes of memory of a device, or of the whole machine where the CPU computes."""
    import jax

    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def import_optional(package: str, extra: str) -> Any:
    """Imports a package that not every user needs.

    Args:
        package: the name of the module to import.
        extra: the optional dependency of imitbench that installs it.

    Returns:
        The module.

    Raises:
        UserError: the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UserError(
            f"package {package!r} is not installed: run `pip install 'imitbench[{extra}]'`"
        ) from None


def version(package: str) -> str | None:
    """Returns the installed version of a package, or None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str | None]:
    """Returns the versions of Python and of all `PACKAGES`; None for those not installed."""
    return {"python": platform.python_version()} | {p: version(p) for p in PACKAGES}


def version_conflicts() -> list[str]:
    """Lists the combinations of installed versions that are known to fail, each with a remedy."""
    conflicts = []
    mujoco, mjx = _version_numbers("mujoco"), _version_numbers("mujoco-mjx")
    robotics = _version_numbers("gymnasium-robotics")
    if mujoco and robotics and mujoco >= (3, 12) and robotics <= (1, 4, 2):
        conflicts.append(
            f"mujoco {version('mujoco')} breaks the Fetch environments of gymnasium-robotics "
            f"{version('gymnasium-robotics')}: install 'mujoco<3.12'"
        )
    if mujoco and mjx and mujoco[:2] != mjx[:2]:
        conflicts.append("mujoco and mujoco-mjx differ in version: install the same of both")
    jax_version, brax = _version_numbers("jax"), _version_numbers("brax")
    if jax_version and brax and jax_version >= (0, 10) and brax <= (0, 14, 2):
        conflicts.append(
            f"brax {version('brax')}'s own PPO and SAC do not run with jax {version('jax')} "
            "(its environments and wrappers do); nothing in imitbench needs them"
        )
    if jax_version and version("jaxlib") != version("jax"):
        conflicts.append("jax and jaxlib differ in version: install the same of both")
    return conflicts


def _version_numbers(package: str) -> tuple[int, ...] | None:
    text = version(package)
    return tuple(int(x) for x in text.split(".")[:3] if x.isdigit()) if text else None


def git_commit() -> str | None:
    """Returns the commit of imitbench's source tree, or None outside of its git repository.

    "+changes" follows the commit where files differ from it. A copy in the environment of another
    project has no commit: that project's would be a wrong one.
    """
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)  # fails where it is not tracked
        changes = "+changes" if _git("status", "--porcelain") else ""
        return _git("rev-parse", "HEAD") + changes
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*args: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *args]
    process = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=True
    )
    return process.stdout.strip()
