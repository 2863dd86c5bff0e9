"""The user's cache of data sets: what was collected once is read again while nothing that decides
its numbers has changed.

Versions stand for code, here as in the identity of a cell: the golden file holds a version's
numbers, so a change of code that changes none of them leaves the cache as it is.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax

from imitbench.core.host import alone, cache_dir
from imitbench.core.types import Spec, UserError
from imitbench.data import demos, files
from imitbench.data.demos import Demos
from imitbench.envs.digest import digest

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
        "collection": demos.VERSION,
        "packages": {p: importlib.metadata.version(p) for p in SIMULATORS},
        "x64": jax.config.jax_enable_x64,
        "random": [jax.config.jax_default_prng_impl, jax.config.jax_threefry_partitionable],
        "files": [hashlib.sha256(path.read_bytes()).hexdigest() for path in files],
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:24]


def kept(name: str, spec: Spec, make: Callable[[], Demos]) -> Demos:
    """The data set of that name, made where there is none or where its file is damaged."""
    path = cache_dir("demos") / f"{name}.npz"
    if found := _read(path, spec):
        return found
    with alone(cache_dir("turns") / name, wait=True):  # others may be making it
        if found := _read(path, spec):
            return found
        made = make()
        files.save(path, made)
    return made


def _read(path: Path, spec: Spec) -> Demos | None:
    """None where there is none, or its file is damaged."""
    try:
        return files.load(path, spec)
    except UserError:
        return None
