"""The process and the machine: settings of JAX, optional packages, versions, hardware, caches.

JAX is imported inside the functions that need it, so that importing this module is cheap.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.metadata
import logging
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from imitbench.utils.errors import UserError

PACKAGES = (
    "imitbench", "jax", "jaxlib", "flax", "optax", "chex", "mujoco", "mujoco-mjx", "gymnasium",
    "gymnasium-robotics", "orbax-checkpoint", "numpy", "pandas", "pyarrow", "matplotlib", "brax",
)  # fmt: skip
"""The packages whose versions are recorded beside results."""
M_ARENA_MAX = -8  # of glibc's malloc.h
ARITHMETIC = {
    "jax_enable_x64": False,
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
}
"""The settings of JAX that decide all numbers, and their only supported values."""


# --- The process: settings of JAX and of logging.


def setup() -> None:
    """Prepares the process for the command line and for the public functions.

    It sets a compile cache in the user's cache folder, float32 matrix products at full precision,
    plain log lines, and few arenas of memory. Where the cache folder cannot be made, a warning says
    so.

    Raises:
        UserError: a setting of JAX is on that changes numbers (`check_arithmetic`).
    """
    import jax

    check_arithmetic()
    limit_arenas()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    if compile_cache() is None:
        try:
            jax.config.update("jax_compilation_cache_dir", str(cache_dir("xla")))
        except UserError as error:
            logging.warning("compiled programs are not kept: %s", error)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    # TF32 on recent GPUs changes results.
    jax.config.update("jax_default_matmul_precision", "highest")


def limit_arenas() -> bool:
    """Lets the threads of this process share two arenas of memory, where the C library is glibc.

    By default each thread has its own, and what compilation frees in one of them is not used by the
    others: a run of BC with 10 seeds then takes a third more memory. MALLOC_ARENA_MAX, where it is
    set, decides instead.

    Returns:
        Whether the limit was set.
    """
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        return ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2) == 1
    except (AttributeError, OSError):  # another C library
        return False


def check_arithmetic() -> None:
    """Checks that numbers and random numbers of JAX are those that all results are made with.

    Results and cached data of other numbers would stand under the same names.

    Raises:
        UserError: `jax_enable_x64` is on, or the random numbers are not JAX's default ones.
    """
    import jax

    for name, expected in ARITHMETIC.items():
        value = jax.config.values[name]
        if value != expected:
            raise UserError(
                f"{name} is {value}: imitbench supports {expected} alone, because all results and "
                f"cached data are made with it; unset {name.upper()}, or call "
                f"jax.config.update({name!r}, {expected!r})"
            )


@contextmanager
def device_errors() -> Iterator[None]:
    """Turns errors of JAX about the device into errors that a user can correct.

    Raises:
        UserError: the device that JAX_PLATFORMS names is not there, or its memory is too small.
    """
    try:
        yield
    except Exception as error:
        if reason := _device_error(error):
            raise UserError(reason) from error
        raise


def _device_error(error: Exception) -> str | None:
    """What is wrong with the device, if an error is about that."""
    import jax

    text = str(error)
    if isinstance(error, MemoryError) or (
        isinstance(error, jax.errors.JaxRuntimeError)
        and ("RESOURCE_EXHAUSTED" in text or "Out of memory" in text)
    ):
        wanted = re.search(r"allocating ([\d,]+) bytes", text)
        size = f" ({int(wanted[1].replace(',', '')):,} bytes at once)" if wanted else ""
        return (
            f"the memory of the device is too small{size}: use fewer seeds, smaller batches or "
            "networks, or fewer demonstrations or evaluation episodes"
        )
    platforms = jax.config.values["jax_platforms"]
    if not platforms or not isinstance(error, (AssertionError, RuntimeError)):
        return None
    try:
        jax.devices()
    except (AssertionError, RuntimeError):
        return (
            f"JAX finds no device of JAX_PLATFORMS={platforms}: expected a device of this machine "
            "with its JAX plugin (for NVIDIA: pip install 'jax[cuda12]'); set JAX_PLATFORMS=cpu, "
            "or unset it"
        )
    return None


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
