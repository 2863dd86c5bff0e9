"""Checkpoints of the whole training state, with the evaluations so far (Orbax)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from imitbench.core.train import Eval, TrainState

log = logging.getLogger("imitbench")


class Checkpoints:
    """The last two checkpoints of one run, in a folder of its own. Each is written atomically."""

    def __init__(self, folder: Path):
        # Orbax reports every save and restore at level INFO and multi-host advice as warnings.
        logging.getLogger("absl").setLevel(logging.ERROR)
        self._manager = ocp.CheckpointManager(
            folder.absolute(),
            options=ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False),
        )

    def save(self, state: TrainState, ev: Eval) -> None:
        self._manager.save(
            int(state.updates),
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(_pack(state)), evals=ocp.args.JsonSave(_encode(ev))
            ),
        )

    def restore(self, like: TrainState) -> tuple[TrainState, Eval] | None:
        """The newest checkpoint that can be read, for a state of these shapes; None if there is
        none."""
        device = jax.local_devices()[0]
        sharding = jax.sharding.SingleDeviceSharding(device)
        target = {
            k: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
            for k, x in _pack(like).items()
        }
        for step in sorted(self._manager.all_steps(), reverse=True):
            args = ocp.args.Composite(
                state=ocp.args.StandardRestore(target), evals=ocp.args.JsonRestore()
            )
            try:
                found = self._manager.restore(step, args=args)
                return _unpack(found["state"], like), _decode(found["evals"])
            except Exception as error:  # whatever is wrong with a file, the one before may be right
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                log.warning("checkpoint at update %d cannot be read (%s)", step, reason)
        return None

    def close(self) -> None:
        self._manager.close()


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
