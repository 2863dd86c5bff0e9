"""The user's cache of data sets: what was collected once is read again while nothing that decides
it has changed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imitbench
from imitbench.core.host import alone, cache_dir
from imitbench.core.types import Spec, UserError
from imitbench.data import demos, files
from imitbench.data.demos import Demos

SIMULATORS = (
    "jax", "jaxlib", "mujoco", "mujoco-mjx", "brax", "gymnasium", "gymnasium-robotics"
)  # fmt: skip


def name_of(request: dict[str, Any], sources: Sequence[Path]) -> str:
    """The data set's name in the cache: a hash of the request, of the code and files that answer
    it, and of the simulators' versions.

    Args:
        sources: beside those of physics, environments, experts and collecting.
    """
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode())
    root = Path(imitbench.__file__).parent
    own = [p for part in ("physics", "envs", "experts") for p in sorted(root.glob(f"{part}/*.py"))]
    own += [Path(demos.__file__), *(root / "core" / name for name in ("rollout.py", "ops.py"))]
    for source in [*own, *sources]:
        digest.update(source.read_bytes())
    for package in SIMULATORS:
        digest.update(importlib.metadata.version(package).encode())
    return digest.hexdigest()[:24]


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
