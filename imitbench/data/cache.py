"""The user's cache of data sets: what was collected once is read again while nothing that decides
its numbers has changed.

Versions stand for code, here as in the identity of a cell: the golden file holds a version's
numbers, so a change of code that changes none of them leaves the cache as it is.
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
from imitbench.data.demonstrations import Demos
from imitbench.data.formats import npz as npz_format
from imitbench.envs.digest import digest
from imitbench.utils import machine
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder
from imitbench.utils.machine import cache_dir

T = TypeVar("T")
ARITHMETIC = ("jax_enable_x64", "jax_default_prng_impl", "jax_threefry_partitionable")
SIMULATORS = (
    "jax", "jaxlib", "mujoco", "mujoco-mjx", "brax", "gymnasium", "gymnasium-robotics"
)  # fmt: skip


def name_of(request: dict[str, Any], engine: str, files: Sequence[Path] = ()) -> str:
    """The data set's name in the cache: a hash of all that decides its numbers.

    Args:
        request: what was asked for, with the task under "task", and the versions of the experts or
            methods that answer it.
        engine: the engine as it was asked for (`auto`, ...).
        files: of learned experts, whose contents count.
    """
    everything = {
        "request": request,
        "environment": digest(request["task"], engine),
        "collection": demonstrations.VERSION,
        "packages": {p: machine.version(p) for p in SIMULATORS},
        "arithmetic": {k: jax.config.values[k] for k in ARITHMETIC},
        "files": [hashlib.sha256(path.read_bytes()).hexdigest() for path in files],
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:24]


def load_or_make(name: str, spec: Spec, make: Callable[[], Demos]) -> Demos:
    """The data set of that name, made where there is none or where its file is damaged."""
    path = cache_dir("demos") / f"{name}.npz"

    def load() -> Demos | None:
        try:
            return npz_format.load(path, spec)
        except UserError:  # there is none, or its file is damaged
            return None

    def save() -> None:
        npz_format.save(path, make())

    return read_or_make(name, load, save)


def read_or_make(name: str, read: Callable[[], T | None], make: Callable[[], None]) -> T:
    """Reads from the cache; where there is nothing, makes it, while other processes wait for it.

    Args:
        name: of the lock, one for what is made together.
        read: gives None where there is nothing to read.
        make: puts it where `read` finds it.
    """
    if (there := read()) is not None:
        return there
    with lock_folder(cache_dir("turns") / name, wait=True):
        if (there := read()) is None:  # nobody else has made it in the meantime
            make()
            there = read()
    assert there is not None, f"{name} was made and cannot be read"
    return there
