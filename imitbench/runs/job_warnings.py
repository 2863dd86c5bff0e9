"""Warnings about the settings, the data and the results of a job."""

from __future__ import annotations

from imitbench import algos
from imitbench.data import loading
from imitbench.experts import reference_scores
from imitbench.runs.plan import Job
from imitbench.training.loop import Eval

VANISHED = 1e-3  # mean weight of imitated actions below which a method hardly imitates any


def settings_warnings(job: Job) -> list[str]:
    """Lists what a user should know of a job's settings.

    Args:
        job: the job.

    Returns:
        One line for each warning.
    """
    warnings = algos.settings_warnings(job.cell.method, job.cell.config, job.env.spec)
    warnings = [*warnings, *(job.asked.warnings if job.asked else ())]
    return [f"{job.key}: {line}" for line in warnings]


def data_warnings(job: Job) -> list[str]:
    """Lists what a user should know of a job's demonstrations; collects them if need be.

    Args:
        job: the job.

    Returns:
        One line for each warning.

    Raises:
        UserError: the demonstrations lack what the method needs.
    """
    warnings = loading.warnings(job.cell.data, job.cell.method, job.env, [job.cell.config])
    warnings += loading.memory_warnings(job.cell.data, job.cell.method, len(job.seeds))
    return [f"{job.key}: {line}" for line in warnings]


def result_warnings(job: Job, ev: Eval) -> list[str]:
    """Lists what a user should know of a job's results.

    Args:
        job: the job.
        ev: its evaluations.

    Returns:
        One line for each warning.
    """
    lines = []
    if diverged := job.marked_seeds(ev.diverged):
        line = f"seed {', '.join(map(str, diverged))} diverged; counted as failed"
        if job.identity["task"] not in reference_scores.table():
            line += "; no return, because the task has no reference scores"
        lines.append(line)
    weight = ev.metrics.get("weight")  # [S, M]
    if weight is not None and (vanished := job.marked_seeds(weight[:, -1] < VANISHED)):
        lines.append(
            f"the weights of seed {', '.join(map(str, vanished))} vanished (mean below "
            f"{VANISHED:g}): hardly any action is imitated; raise temperature (lower beta), or "
            "standardise advantages"
        )
    return [f"{job.key}: {line}" for line in lines]
