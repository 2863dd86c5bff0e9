"""Tasks as Slurm jobs, through submitit."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from imitbench.runs.executors.base import POLL_SECONDS, RETRIES, Executor, FailedCell, check_cpus
from imitbench.utils.errors import UserError
from imitbench.utils.machine import import_optional

MAX_TIMEOUTS = 1000  # time limits that a Slurm job may reach before it is given up
NOTICE_SECONDS = 600  # before a time limit; a job reacts to the signal between evaluations


def slurm(
    folder: Path, cpus: int = 1, parameters: Sequence[str] = (), cluster: str = "slurm"
) -> Executor:
    """Makes an executor that runs tasks as Slurm jobs, through submitit.

    The jobs use this Python environment, which their nodes must see.

    Args:
        folder: for the arguments, results and output of the jobs, on a disk that the nodes share.
        cpus: how many CPUs each job requests.
        parameters: parameters of submitit's `update_parameters`, as name=value: timeout_min=600,
            gpus_per_node=1, slurm_partition=long, ... A job that reaches its time limit is queued
            again and continues.
        cluster: "slurm", or "local" for processes on this machine, all at once (for tests).

    Returns:
        The executor.

    Raises:
        UserError: submitit or Slurm is not installed, a parameter is unknown, or `cpus` is below 1.
    """
    os.environ.setdefault("SUBMITIT_LOG_LEVEL", "NOCONFIG")  # keeps this process's logging
    package = import_optional("submitit", "slurm")
    check_cpus(cpus)
    settings = {"name": "imitbench", "cpus_per_task": cpus, "timeout_min": 24 * 60}
    settings["slurm_signal_delay_s"] = NOTICE_SECONDS
    settings |= dict(map(_parse_parameter, parameters))
    try:
        pattern = folder.absolute() / "%j"
        submitter = package.AutoExecutor(
            pattern, cluster=cluster, slurm_max_num_timeout=MAX_TIMEOUTS
        )
        submitter.update_parameters(**settings)
    except (RuntimeError, NameError, TypeError, ValueError, AssertionError) as error:
        raise UserError(
            f"Slurm cannot be used: {error}; run where `sbatch` works, and check --slurm"
        ) from None
    return functools.partial(_run_as_jobs, package, submitter)


def _run_as_jobs(
    package: Any, submitter: Any, function: Callable[[Any], Any], arguments: Sequence[Any]
) -> Generator[tuple[int, Any]]:
    waiting: dict[int, tuple[Any, int]] = {}  # job and number of retries, by the argument's index
    try:
        for i, argument in enumerate(arguments):
            waiting[i] = _submit(package, submitter, function, argument), 0
        while waiting:
            for i, (job, retries) in list(waiting.items()):
                if not job.done():
                    continue
                error = job.exception()
                died = error and not isinstance(error, package.core.utils.FailedJobError)
                if died and retries < RETRIES:
                    again = _submit(package, submitter, function, arguments[i])
                    waiting[i] = again, retries + 1
                    continue
                del waiting[i]
                yield i, FailedCell(str(error)) if error else job.result()
            time.sleep(POLL_SECONDS)
    finally:
        for job, _ in waiting.values():
            job.cancel(check=False)


def _submit(package: Any, submitter: Any, function: Callable[[Any], Any], argument: Any) -> Any:
    utils = package.core.utils
    try:
        return submitter.submit(_Requeueable(function), argument)
    except (utils.FailedJobError, utils.FailedSubmissionError) as error:
        raise UserError(f"Slurm refuses the job: {error}") from None


class _Requeueable:
    """A function that Slurm may interrupt at its time limit; it is called again in a new job."""

    def __init__(self, function: Callable[[Any], Any]):
        self._function, self._interrupted = function, False

    def __call__(self, argument: Any) -> Any:
        result = self._function(argument)
        if self._interrupted:
            # The function has caught the interruption as an error; the next call has the result.
            raise SystemExit
        return result

    def checkpoint(self, argument: Any) -> Any:
        """Returns the job that submitit submits in place of the interrupted one."""
        self._interrupted = True
        again = _Requeueable(self._function)
        return import_optional("submitit", "slurm").helpers.DelayedSubmission(again, argument)


def _parse_parameter(word: str) -> tuple[str, Any]:
    """Name and value of "name=value"; the value is a number where it reads as one."""
    name, equals, value = word.partition("=")
    if not (name and equals):
        raise UserError(f"{word!r}: expected name=value, such as timeout_min=600")
    return name, int(value) if value.lstrip("-").isdigit() else value
