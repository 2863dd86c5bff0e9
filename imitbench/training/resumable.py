"""Training that can be cut off at any moment: what suites and the making of experts share."""

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
    """`train` with a checkpoint in `folder` at each evaluation, going on from the last one there.

    Args:
        before_checkpoint: called before each checkpoint, so that what it writes is there when
            training goes on.
        options: those of `train`.

    Raises:
        Stopped: a signal came; the evaluation that ended then is kept.
        UserError: a checkpoint cannot be written.
    """
    checkpoints = checkpoint.Checkpoints(folder)
    resume = checkpoints.restore(loop.abstract_state(algo, demos, keys))
    if resume is not None:
        progress.resumed(resume[1])

    def on_eval(state: loop.TrainState, ev: loop.Eval) -> None:
        before_checkpoint(state, ev)
        checkpoints.save(state, ev)
        progress.evaluated(ev)
        signals.stop_if_asked()

    try:
        with signals.defer_stop():
            return loop.train(algo, demos, keys, resume=resume, on_eval=on_eval, **options)
    finally:
        checkpoints.close()
