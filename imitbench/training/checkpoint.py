"""Checkpoints of the whole training state, with the evaluations so far (Orbax)."""

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
SLACK = 2**20  # bytes beside the arrays


class Checkpoints:
    """The last two checkpoints of one run, in a folder of its own. Each is written atomically, with
    a checksum and the folder's name, by which a damaged and a foreign one are told."""

    def __init__(self, folder: Path):
        # Orbax logs every save at level INFO, and what it then raises as errors.
        logging.getLogger("absl").setLevel(logging.CRITICAL)
        self._folder = folder.absolute()
        writable_folder(self._folder)
        for left in self._folder.glob(UNFINISHED):  # of a process that was killed, or had no room
            shutil.rmtree(left, ignore_errors=True)
        self._manager = ocp.CheckpointManager(
            self._folder,
            options=ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False),
        )

    def save(self, state: TrainState, ev: Eval) -> None:
        """Writes one more checkpoint and removes the oldest of three.

        Raises:
            UserError: it cannot be written; those before it are still there.
        """
        packed = _pack(state)
        evals = {"evals": _encode(ev), "of": self._folder.name}
        evals["sha256"] = _checksum(packed, evals)
        self._room(sum(x.nbytes for x in packed.values()))
        args = ocp.args.Composite(
            state=ocp.args.StandardSave(packed), evals=ocp.args.JsonSave(evals)
        )
        step = int(state.updates)
        try:
            # Those that `restore` could not read stand where new ones go.
            for later in [s for s in self._manager.all_steps() if s >= step]:
                self._manager.delete(later)
            self._manager.save(step, args=args)
        except Exception as error:  # Orbax raises a full disk as ValueError, among others
            raise write_error(self._folder, one_line(error), _number(error)) from error

    def _room(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < size + SLACK:
            reason = (
                f"a checkpoint takes up to {(size + SLACK) / 2**20:.1f} MiB and "
                f"{free / 2**20:.1f} MiB are free"
            )
            raise write_error(self._folder, reason, errno.ENOSPC)

    def restore(self, like: TrainState) -> tuple[TrainState, Eval] | None:
        """The newest checkpoint that can be read, for a state of these shapes; None if there is
        none. Those that cannot be read are named in the log."""
        device = jax.local_devices()[0]
        sharding = jax.sharding.SingleDeviceSharding(device)
        target = {
            k: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
            for k, x in _pack(like).items()
        }
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                return self._restore(step, target, like)
            except Exception as error:  # whatever is wrong with a file, the one before may be right
                log.warning(
                    "checkpoint %s cannot be used (%s); trying the one before it",
                    self._folder / str(step),
                    one_line(error),
                )
        return None

    def _restore(
        self, step: int, target: dict[str, jax.ShapeDtypeStruct], like: TrainState
    ) -> tuple[TrainState, Eval]:
        args = ocp.args.Composite(
            state=ocp.args.StandardRestore(target), evals=ocp.args.JsonRestore()
        )
        found = self._manager.restore(step, args=args)
        packed, evals = found["state"], found["evals"]
        for name, x in packed.items():
            if (x.shape, x.dtype) != (target[name].shape, target[name].dtype):
                raise ValueError(f"shape {x.shape} of {x.dtype}, expected {target[name].shape}")
        if "evals" in evals:  # older ones hold the evaluations alone
            owner, expected = evals["of"], evals.pop("sha256")
            if owner != self._folder.name:
                raise ValueError(f"it is of {owner!r}, not of {self._folder.name!r}")
            if _checksum(packed, evals) != expected:
                raise ValueError("its sha256 is not that of what it holds")
            evals = evals["evals"]
        state = _unpack(packed, like)
        if int(state.updates) != step:
            raise ValueError(f"it holds the state after {int(state.updates)} updates")
        return state, _decode(evals)

    def close(self) -> None:
        self._manager.close()


def _checksum(packed: dict[str, Any], evals: dict[str, Any]) -> str:
    return npz.checksum({k: np.asarray(x) for k, x in packed.items()}, evals)


def _number(error: Exception) -> int | None:
    """The system's error number, which tensorstore writes into its text."""
    found = re.search(r"os_error_code='(\d+)'", str(error))
    return int(found[1]) if found else getattr(error, "errno", None)


def _pack(state: TrainState) -> dict[str, Any]:
    """The leaves by number; Orbax does not store empty arrays."""
    return {str(i): x for i, x in enumerate(jax.tree.leaves(state)) if x.size}


def _unpack(packed: dict[str, Any], like: TrainState) -> TrainState:
    leaves, structure = jax.tree.flatten(like)
    full = [packed[str(i)] if x.size else jnp.zeros(x.shape, x.dtype) for i, x in enumerate(leaves)]
    return jax.tree.unflatten(structure, full)


def _encode(ev: Eval) -> dict[str, Any]:
    """JSON keeps doubles exactly; the arrays' types are written beside them."""

    def encode(x: Any) -> Any:
        if isinstance(x, dict):
            return {k: encode(v) for k, v in x.items()}
        return {"dtype": x.dtype.str, "data": x.tolist()} if isinstance(x, np.ndarray) else x

    return encode(ev._asdict())


def _decode(tree: dict[str, Any]) -> Eval:
    def decode(x: Any) -> Any:
        if not isinstance(x, dict):
            return x
        if x.keys() == {"dtype", "data"}:
            return np.asarray(x["data"], dtype=x["dtype"])
        return {k: decode(v) for k, v in x.items()}

    return Eval(**decode(tree))
