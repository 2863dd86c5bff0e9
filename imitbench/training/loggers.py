"""Loggers: callbacks for the argument `on_eval` of `imitbench.training.loop.train`.

TensorBoard and Weights & Biases are imported only where their logger is built.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.training.loop import Eval, TrainState
from imitbench.utils.machine import import_optional

OnEval = Callable[[TrainState, Eval], None]


def scalars(ev: Eval) -> dict[str, float]:
    """Returns the last evaluation as named numbers.

    Args:
        ev: the evaluations so far.

    Returns:
        Means over seeds of `success_any`, `success_final`, `return`, the method's estimates and its
        latest metrics; the first three of each seed as `return/seed_0`, ...; and
        `seconds/compile`, ...: the wall time so far.
    """
    scores = {
        "success_any": ev.success_any, "success_final": ev.success_final, "return": ev.returns,
    }  # fmt: skip
    columns = scores | ev.metrics | ev.estimates
    numbers = {k: float(v[:, -1].mean()) for k, v in columns.items()}
    for name, values in scores.items():
        numbers |= {f"{name}/seed_{s}": float(x) for s, x in enumerate(values[:, -1])}
    return numbers | {f"seconds/{k}": float(v) for k, v in ev.seconds.items()}


def earlier_metrics(ev: Eval) -> list[tuple[int, dict[str, float]]]:
    """Returns the metrics between the last two evaluations, without those at the last one.

    Args:
        ev: the evaluations so far.

    Returns:
        For each part of training the updates done at its end, and means over seeds.
    """
    since = ev.updates[-2] if len(ev.updates) > 1 else 0
    parts = np.flatnonzero((ev.metric_updates > since) & (ev.metric_updates < ev.updates[-1]))
    return [
        (int(ev.metric_updates[i]), {k: float(v[:, i].mean()) for k, v in ev.metrics.items()})
        for i in parts
    ]


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
            for at, numbers in (*earlier_metrics(ev), (updates, scalars(ev))):
                for name, value in numbers.items():
                    writer.add_scalar(name, value, at)

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
        for at, numbers in (*earlier_metrics(ev), (int(ev.updates[-1]), scalars(ev))):
            run.log(numbers, step=at)

    return on_eval
