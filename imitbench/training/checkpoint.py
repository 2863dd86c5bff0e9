"""Checkpoints of the training state and of the evaluations so far, written by Orbax."""

from __future__ import annotations

import errno
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from imitbench.training.loop import Eval, TrainState
from imitbench.utils import npz
from imitbench.utils.files import writable_folder, write_error
from imitbench.utils.json_schema import one_line

log = logging.getLogger("imitbench")

UNFINISHED = "*.orbax-checkpoint-tmp"  # Orbax's name for a checkpoint that is being written
OVERHEAD = 2**20  # bytes of a checkpoint beside its arrays


class Checkpoints:
    """The last two checkpoints of one run.

    Each is written atomically. It holds a checksum, which reveals damage, and the folder's name,
    which reveals a checkpoint of another run.

    Args:
        folder: a folder for this run alone; it is created where it is missing. Checkpoints that an
            earlier process could not finish are removed from it.

    Raises:
        UserError: the folder cannot be written to.
    """

    def __init__(self, folder: Path):
        # Orbax logs every save at level INFO, and logs errors that it raises too.
        logging.getLogger("absl").setLevel(logging.CRITICAL)
        self._folder = folder.absolute()
        writable_folder(self._folder)
        for leftover in self._folder.glob(UNFINISHED):
            shutil.rmtree(leftover, ignore_errors=True)
        self._manager = ocp.CheckpointManager(
            self._folder,
            options=ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False),
        )

    def save(self, state: TrainState, ev: Eval) -> None:
        """Writes one more checkpoint, and removes the oldest where there are three.

        Args:
            state: the training state.
            ev: all evaluations so far.

        Raises:
            UserError: the checkpoint cannot be written; those before it still exist.
        """
        arrays = _pack(state)
        evals = {"evals": _encode(ev), "of": self._folder.name}
        evals["sha256"] = _checksum(arrays, evals)
        self._require_space(sum(x.nbytes for x in arrays.values()))
        args = ocp.args.Composite(
            state=ocp.args.StandardSave(arrays), evals=ocp.args.JsonSave(evals)
        )
        step = int(state.updates)
        try:
            # Checkpoints that `restore` could not read are in the way of the new ones.
            for unreadable in [s for s in self._manager.all_steps() if s >= step]:
                self._manager.delete(unreadable)
            self._manager.save(step, args=args)
        except Exception as error:  # Orbax raises a full disk as ValueError, among others
            raise write_error(self._folder, one_line(error), _error_number(error)) from error

    def _require_space(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < size + OVERHEAD:
            reason = (
                f"a checkpoint takes up to {(size + OVERHEAD) / 2**20:.1f} MiB and "
                f"{free / 2**20:.1f} MiB are free"
            )
            raise write_error(self._folder, reason, errno.ENOSPC)

    def restore(self, like: TrainState) -> tuple[TrainState, Eval] | None:
        """Reads the newest checkpoint that is intact. The log names those that are not.

        Args:
            like: a state with the expected shapes and types, as `loop.abstract_state` returns it.

        Returns:
            The training state and the evaluations so far; None where there is no checkpoint.
        """
        device = jax.local_devices()[0]
        sharding = jax.sharding.SingleDeviceSharding(device)
        shapes = {
            k: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
            for k, x in _pack(like).items()
        }
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                return self._restore_step(step, shapes, like)
            except Exception as error:  # whatever is wrong, the one before it may be intact
                log.warning(
                    "checkpoint %s cannot be used (%s); trying the one before it",
                    self._folder / str(step),
                    one_line(error),
                )
        return None

    def _restore_step(
        self, step: int, shapes: dict[str, jax.ShapeDtypeStruct], like: TrainState
    ) -> tuple[TrainState, Eval]:
        args = ocp.args.Composite(
            state=ocp.args.StandardRestore(shapes), evals=ocp.args.JsonRestore()
        )
        parts = self._manager.restore(step, args=args)
        arrays, evals = parts["state"], parts["evals"]
        for name, x in arrays.items():
            if (x.shape, x.dtype) != (shapes[name].shape, shapes[name].dtype):
                raise ValueError(f"shape {x.shape} of {x.dtype}, expected {shapes[name].shape}")
        if "evals" in evals:  # checkpoints of early versions hold the evaluations alone
            owner, sha256 = evals["of"], evals.pop("sha256")
            if owner != self._folder.name:
                raise ValueError(f"it belongs to {owner!r}, not to {self._folder.name!r}")
            if _checksum(arrays, evals) != sha256:
                raise ValueError("its sha256 does not match its contents")
            evals = evals["evals"]
        state = _unpack(arrays, like)
        if int(state.updates) != step:
            raise ValueError(f"it holds the state after {int(state.updates)} updates")
        return state, _decode(evals)

    def close(self) -> None:
        """Closes the folder; after that nothing can be saved or restored."""
        self._manager.close()


def _checksum(arrays: dict[str, Any], evals: dict[str, Any]) -> str:
    return npz.checksum({k: np.asarray(x) for k, x in arrays.items()}, evals)


def _error_number(error: Exception) -> int | None:
    """Returns the system's error number, which tensorstore writes into the error's text."""
    match = re.search(r"os_error_code='(\d+)'", str(error))
    return int(match[1]) if match else getattr(error, "errno", None)


def _pack(state: TrainState) -> dict[str, Any]:
    """Numbers the leaves, without empty arrays, which Orbax does not store."""
    return {str(i): x for i, x in enumerate(jax.tree.leaves(state)) if x.size}


def _unpack(arrays: dict[str, Any], like: TrainState) -> TrainState:
    leaves, structure = jax.tree.flatten(like)
    full = [arrays[str(i)] if x.size else jnp.zeros(x.shape, x.dtype) for i, x in enumerate(leaves)]
    return jax.tree.unflatten(structure, full)


def _encode(ev: Eval) -> dict[str, Any]:
    """Converts evaluations to JSON, which keeps doubles exactly; array types are written too."""
    return _to_json(ev._asdict())


def _to_json(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _to_json(v) for k, v in x.items()}
    return {"dtype": x.dtype.str, "data": x.tolist()} if isinstance(x, np.ndarray) else x


def _decode(tree: dict[str, Any]) -> Eval:
    return Eval(**_from_json(tree))


def _from_json(x: Any) -> Any:
    if not isinstance(x, dict):
        return x
    if x.keys() == {"dtype", "data"}:
        return np.asarray(x["data"], dtype=x["dtype"])
    return {k: _from_json(v) for k, v in x.items()}
