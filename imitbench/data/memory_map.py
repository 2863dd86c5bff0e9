"""Data sets in files that are mapped into memory, for data that are larger than a device's."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import jax
import numpy as np

from imitbench.data.rows import Demos, step_arrays, steps_from_arrays, stored_arrays
from imitbench.data.sources.cache import read_or_make
from imitbench.utils.errors import UserError
from imitbench.utils.files import sync, write_errors
from imitbench.utils.machine import cache_dir
from imitbench.utils.npz import checksum

PART = 2**16  # rows that are written at a time


def is_mapped(demos: Demos) -> bool:
    """Returns whether the observations of a data set are mapped from a file."""
    return isinstance(demos.rows.obs, np.memmap)


def memory_mapped(demos: Demos) -> Demos:
    """Maps a data set from files in the user's cache, which are made where they are missing.

    A file holds one array, named by the contents of the whole data set, so the same data are
    written once.

    Args:
        demos: the data set; one that is mapped already is returned as it is.

    Returns:
        The same data set, whose rows are read from the files when they are needed.

    Raises:
        UserError: there is no room for the files, they cannot be written, or an observation or an
            action is not finite.
    """
    if is_mapped(demos):
        return demos
    arrays = {k: _numbers(x) for k, x in step_arrays(demos.rows).items()}
    digest = checksum(stored_arrays(demos))[:24]
    folder = cache_dir("rows") / digest

    def read() -> Demos | None:
        mapped = _read(folder, arrays)
        return (
            None
            if mapped is None
            else Demos(steps_from_arrays(mapped), demos.header, demos.lengths)
        )

    return read_or_make(f"rows-{digest}", read, lambda: _write(folder, arrays))


def _numbers(x: np.ndarray) -> np.ndarray:
    """The array in the type that it has on a device."""
    return np.asarray(x, jax.dtypes.canonicalize_dtype(x.dtype))


def _read(folder: Path, expected: dict[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """The mapped arrays; None where a file is missing or does not hold what it should."""
    found: dict[str, np.ndarray] = {}
    for name, x in expected.items():
        try:
            found[name] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        if (found[name].shape, found[name].dtype) != (x.shape, x.dtype):
            return None
    return found if checksum(found) == checksum(expected) else None


def _write(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes all arrays, or none."""
    _check_finite(arrays)
    needed, root = sum(x.nbytes for x in arrays.values()), folder.parent
    free = shutil.disk_usage(root).free
    if needed > free:
        raise UserError(
            f"{root}: the data take {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free: "
            "set XDG_CACHE_HOME to a folder on a larger disk"
        )
    with write_errors(folder), tempfile.TemporaryDirectory(dir=root, prefix=".") as temporary:
        place = Path(temporary) / "whole"
        place.mkdir()
        for name, x in arrays.items():
            file = np.lib.format.open_memmap(place / f"{name}.npy", "w+", x.dtype, x.shape)
            for begin in range(0, len(x), PART):
                file[begin : begin + PART] = x[begin : begin + PART]
            file.flush()
            del file
            sync(place / f"{name}.npy")
        shutil.rmtree(folder, ignore_errors=True)  # damaged
        os.rename(place, folder)


def _check_finite(arrays: dict[str, np.ndarray]) -> None:
    for name in arrays.keys() & {"obs", "next_obs", "action", "label"}:
        x = arrays[name]
        for begin in range(0, len(x), PART):
            if not np.isfinite(x[begin : begin + PART]).all():
                raise UserError(
                    f"the demonstrations hold a non-finite number in {name!r}: remove it"
                )


def device_bytes(demos: Demos, episodes: int, seeds: int) -> int:
    """Estimates how much memory the rows of all seeds take on a device.

    Args:
        demos: the data set.
        episodes: how many each seed draws.
        seeds: S.
    """
    leaves = jax.tree.leaves(demos.rows.replace(pose=None))
    row = sum(x.nbytes for x in leaves) / len(leaves[0])
    return int(row * demos.lengths.mean() * episodes * seeds)
