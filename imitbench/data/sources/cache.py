"""The user's cache of data sets, which are collected once and read until their numbers change.

The name of a data set in the cache is a hash of the versions of all code that decides its numbers,
like the identity of a cell. The golden file holds the numbers of each version, so a change of code
that changes no number keeps the cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import jax

from imitbench.core.types import Spec
from imitbench.data import demonstrations
from imitbench.data.formats import npz as npz_format
from imitbench.data.rows import Demos
from imitbench.envs.digest import digest
from imitbench.utils import machine, runtime
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder
from imitbench.utils.machine import cache_dir

T = TypeVar("T")
SIMULATORS = (
    "jax", "jaxlib", "mujoco", "mujoco-mjx", "brax", "gymnasium", "gymnasium-robotics"
)  # fmt: skip


def name_of(request: dict[str, Any], engine: str, files: Sequence[Path] = ()) -> str:
    """Names a data set by a hash of everything that decides its numbers.

    Args:
        request: the settings of the collection as JSON data, with the task under "task" and the
            versions of the experts or methods.
        engine: the engine as the user asked for it (`auto`, ...).
        files: files of learned experts; their contents count.

    Returns:
        24 hexadecimal digits.
    """
    everything = {
        "request": request,
        "environment": digest(request["task"], engine),
        "collection": demonstrations.VERSION,
        "packages": {p: machine.version(p) for p in SIMULATORS},
        "arithmetic": {k: jax.config.values[k] for k in runtime.ARITHMETIC},
        "files": [hashlib.sha256(path.read_bytes()).hexdigest() for path in files],
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:24]


def load_or_make(name: str, spec: Spec, make: Callable[[], Demos]) -> Demos:
    """Loads a data set from the cache; makes it where it is missing or damaged.

    Args:
        name: the data set's name (`name_of`).
        spec: the task's, to check the file against.
        make: makes the data set.

    Returns:
        The data set.
    """
    path = cache_dir("demos") / f"{name}.npz"

    def load() -> Demos | None:
        try:
            return npz_format.load(path, spec)
        except UserError:  # the file is missing or damaged
            return None

    return read_or_make(name, load, lambda: npz_format.save(path, make()))


def read_or_make(name: str, read: Callable[[], T | None], make: Callable[[], None]) -> T:
    """Reads from the cache; makes what is missing while other processes wait for it.

    Args:
        name: the name of the lock; things that are made together share one.
        read: returns None where something is missing.
        make: makes it, and writes it where `read` finds it.

    Returns:
        What `read` returns.

    Raises:
        UserError: a setting of JAX is on that changes numbers.
    """
    runtime.check_arithmetic()
    if (value := read()) is not None:
        return value
    with lock_folder(cache_dir("turns") / name, wait=True):
        if (value := read()) is None:  # no other process made it in the meantime
            make()
            value = read()
    assert value is not None, f"{name} was made and cannot be read"
    return value
