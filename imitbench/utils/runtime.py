"""The process that everything runs in: settings of JAX and of logging, memory, device errors.

JAX is imported inside the functions that need it, so that importing this module is cheap.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from imitbench.utils import machine
from imitbench.utils.errors import UserError

M_ARENA_MAX = -8  # of glibc's malloc.h
GARBAGE = (50_000, 10, 10)  # thresholds of Python's collector
ARITHMETIC = {
    "jax_enable_x64": False,
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
}
"""The settings of JAX that decide all numbers, and their only supported values."""


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
    if machine.compile_cache() is None:
        try:
            jax.config.update("jax_compilation_cache_dir", str(machine.cache_dir("xla")))
        except UserError as error:
            logging.warning("compiled programs are not kept: %s", error)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    # TF32 on recent GPUs changes results.
    jax.config.update("jax_default_matmul_precision", "highest")


def collect_less_garbage() -> None:
    """Lets Python look for unreachable objects less often, and not among those of the imports.

    Tracing a program makes many objects that live until it is compiled; looking among them takes a
    fifth of the time. For a process that is ours alone: the setting holds for everything in it.
    """
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(*GARBAGE)


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
