"""Loggers: callbacks for the argument `on_eval` of `imitbench.training.loop.train`.

TensorBoard and Weights & Biases are imported only where their logger is built.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imitbench.training.loop import Eval, TrainState
from imitbench.utils.machine import import_optional

OnEval = Callable[[TrainState, Eval], None]


def scalars(ev: Eval) -> dict[str, float]:
    """Returns the last evaluation as named numbers.

    Args:
        ev: the evaluations so far.

    Returns:
        Means over seeds of `success_any`, `success_final`, `return` and the method's metrics; the
        first three of each seed as `return/seed_0`, ...; and `seconds/compile`, ...: the wall time
        so far.
    """
    scores = {
        "success_any": ev.success_any, "success_final": ev.success_final, "return": ev.returns,
    }  # fmt: skip
    numbers = {k: float(v[:, -1].mean()) for k, v in (scores | ev.metrics).items()}
    for name, values in scores.items():
        numbers |= {f"{name}/seed_{s}": float(x) for s, x in enumerate(values[:, -1])}
    return numbers | {f"seconds/{k}": float(v) for k, v in ev.seconds.items()}


def tensorboard(folder: str | Path) -> OnEval:
    """Builds a logger that writes each evaluation to TensorBoard, at the number of updates done.

    Args:
        folder: where the event files go, one for each evaluation.

    Raises:
        UserError: tensorboardX is not installed.
    """
    package = import_optional("tensorboardX", "tensorboard")

    def on_eval(state: TrainState, ev: Eval) -> None:
        updates = int(ev.updates[-1])
        # Only closing waits for the writer's thread; after it the numbers are on the disk.
        with package.SummaryWriter(str(folder), filename_suffix=f".{updates}") as writer:
            for name, value in scalars(ev).items():
                writer.add_scalar(name, value, updates)

    return on_eval


def wandb(project: str, **options: Any) -> OnEval:
    """Builds a logger that writes each evaluation to Weights & Biases, at the number of updates.

    Args:
        project: the project's name.
        options: further arguments of `wandb.init`, such as name, config or mode="offline".

    Raises:
        UserError: wandb is not installed.
    """
    run = import_optional("wandb", "wandb").init(project=project, **options)

    def on_eval(state: TrainState, ev: Eval) -> None:
        run.log(scalars(ev), step=int(ev.updates[-1]))

    return on_eval
