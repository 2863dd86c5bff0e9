"""Loggers for training: callbacks for `on_eval` of `imitbench.training.loop.train`.

TensorBoard and Weights & Biases are imported where one is asked for, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imitbench.training.loop import Eval, TrainState
from imitbench.utils.machine import import_optional

OnEval = Callable[[TrainState, Eval], None]


def scalars(ev: Eval) -> dict[str, float]:
    """The last evaluation: `success_any`, `success_final`, `return` and the method's metrics as
    means over seeds, and the first three of each seed (`return/seed_0` is that of the first)."""
    scores = {
        "success_any": ev.success_any, "success_final": ev.success_final, "return": ev.returns,
    }  # fmt: skip
    found = {k: float(v[:, -1].mean()) for k, v in (scores | ev.metrics).items()}
    for name, values in scores.items():
        found |= {f"{name}/seed_{s}": float(x) for s, x in enumerate(values[:, -1])}
    return found | {f"seconds/{k}": float(v) for k, v in ev.seconds.items()}


def tensorboard(folder: str | Path) -> OnEval:
    """Writes an event file into the folder for each evaluation, at the number of updates done.

    Raises:
        UserError: tensorboardX is not installed.
    """
    package = import_optional("tensorboardX", "tensorboard")

    def on_eval(state: TrainState, ev: Eval) -> None:
        updates = int(ev.updates[-1])
        # Closing alone waits for the writer's thread: what was seen is on the disk.
        with package.SummaryWriter(str(folder), filename_suffix=f".{updates}") as writer:
            for name, value in scalars(ev).items():
                writer.add_scalar(name, value, updates)

    return on_eval


def wandb(project: str, **options: Any) -> OnEval:
    """Logs to a run of Weights & Biases, one step for each update done.

    Args:
        options: of `wandb.init`, such as name, config or mode="offline".

    Raises:
        UserError: wandb is not installed.
    """
    run = import_optional("wandb", "wandb").init(project=project, **options)

    def on_eval(state: TrainState, ev: Eval) -> None:
        run.log(scalars(ev), step=int(ev.updates[-1]))

    return on_eval
