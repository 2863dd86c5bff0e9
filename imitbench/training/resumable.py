"""Training that can be interrupted at any moment and continues from its last checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imitbench.core.types import Algorithm, Key, Transition
from imitbench.training import checkpoint, loop, signals
from imitbench.training.progress import Progress


def train_resumable(
    folder: Path,
    algo: Algorithm,
    demos: Transition,
    keys: Key,
    progress: Progress,
    *,
    before_checkpoint: Callable[[loop.TrainState, loop.Eval], None] = lambda state, ev: None,
    **options: Any,
) -> tuple[loop.TrainState, loop.Eval]:
    """Runs `loop.train` with a checkpoint at each evaluation, from the last checkpoint on.

    Args:
        folder: the folder of the checkpoints, for this run alone.
        algo: the method.
        demos: leaves [N, ...] or [S, N, ...], as in `loop.train`.
        keys: [S].
        progress: the display, in which the cell has started.
        before_checkpoint: called with the state and the evaluations before each checkpoint, so
            that everything it writes exists when training resumes.
        options: further arguments of `loop.train`.

    Returns:
        The final state and all evaluations, those before the resume included.

    Raises:
        Stopped: a signal arrived; the evaluation that followed it has its checkpoint.
        UserError: a checkpoint cannot be written, or `loop.train` raises it.
    """
    checkpoints = checkpoint.Checkpoints(folder)
    resume = checkpoints.restore(loop.abstract_state(algo, demos, keys))

    def on_compiled() -> None:
        progress.compiled()
        if resume is not None:
            progress.resume(resume[1])

    def on_eval(state: loop.TrainState, ev: loop.Eval) -> None:
        before_checkpoint(state, ev)
        checkpoints.save(state, ev)
        progress.update(ev)
        signals.stop_if_requested()

    try:
        with signals.defer_stop():
            return loop.train(
                algo,
                demos,
                keys,
                resume=resume,
                on_eval=on_eval,
                on_compiled=on_compiled,
                on_part=progress.advance,
                **options,
            )
    finally:
        checkpoints.close()
