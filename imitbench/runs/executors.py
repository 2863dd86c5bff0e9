"""Where work is done when it is not done here: on a Ray cluster, or by Slurm.

Each executor takes a function and its arguments, which must be pickled by name, and gives the
results as they come. A worker that dies is replaced.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line
from imitbench.utils.machine import import_optional

RETRIES = 3  # after the first try, for each argument
POLL = 2.0  # s
TIMEOUTS = 1000  # that a Slurm job may meet
NOTICE = 600  # s before a time limit at which a job hears of it: it listens between evaluations


class FailedCell(NamedTuple):
    """In place of a result."""

    reason: str


class Executor(Protocol):
    def __call__(
        self, function: Callable[[Any], Any], arguments: Sequence[Any]
    ) -> Generator[tuple[int, Any | FailedCell]]:
        """The place of each argument and its result, in the order in which they are done. What is
        not done when the iteration is left is cancelled.

        Raises:
            UserError: the workers cannot be had, before any work.
        """
        ...


def ray(address: str | None = None, cpus: int = 1) -> Executor:
    """Tasks on a Ray cluster, each in a process of its own, with its CPUs and with a GPU where the
    cluster has some.

    Args:
        address: of a running cluster ("auto": this machine's, else as `ray.init` takes it). None:
            that in RAY_ADDRESS, or one that is started on this machine and ends with the run.
        cpus: that each task asks for.

    Raises:
        UserError: Ray is not installed, or `cpus` is below 1.
    """
    package = import_optional("ray", "ray")
    _at_least_one(cpus)
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    options = {"address": where, "include_dashboard": False if where == "local" else None}

    def run(function: Callable[[Any], Any], arguments: Sequence[Any]) -> Generator[tuple[int, Any]]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster started here tells nobody
        on_term = signal.getsignal(signal.SIGTERM)
        try:
            with warnings.catch_warnings():
                # JAX warns of forks in a process with threads; Ray's start another program at once.
                warnings.simplefilter("ignore", RuntimeWarning)
                package.init(**options, logging_level="warning")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UserError(
                f"no Ray cluster at {where!r}: {one_line(error)}; start one with "
                "`ray start --head` or leave --address out"
            ) from None
        try:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, on_term)  # Ray has put a handler of its own there
            needs = {"num_cpus": cpus, "num_gpus": _gpus(package, cpus)}
            own = package.remote(**needs, max_retries=RETRIES, max_calls=1)(function)
            waiting = {own.remote(x): i for i, x in enumerate(arguments)}
            while waiting:
                for ref in package.wait(list(waiting), timeout=POLL)[0]:
                    yield waiting.pop(ref), _got(package, ref)
        finally:
            package.shutdown()

    return run


def slurm(
    folder: Path, cpus: int = 1, parameters: Sequence[str] = (), cluster: str = "slurm"
) -> Executor:
    """Jobs of Slurm, through submitit. They run in this environment, which their nodes must see.

    Args:
        folder: for what jobs get, give and print, on a disk that the nodes share.
        cpus: that each job asks for.
        parameters: of submitit's `update_parameters`, as name=value: timeout_min=600,
            gpus_per_node=1, slurm_partition=long, ... A job that meets its time limit is queued
            again and goes on.
        cluster: "slurm", or "local" for processes of this machine, all at once (for tests).

    Raises:
        UserError: submitit or Slurm is not installed, a parameter that it does not know, or `cpus`
            is below 1.
    """
    os.environ.setdefault("SUBMITIT_LOG_LEVEL", "NOCONFIG")  # it would change this process's log
    package = import_optional("submitit", "slurm")
    _at_least_one(cpus)
    wishes = {"name": "imitbench", "cpus_per_task": cpus, "timeout_min": 24 * 60}
    wishes["slurm_signal_delay_s"] = NOTICE
    wishes |= dict(map(_pair, parameters))
    try:
        where = folder.absolute() / "%j"
        own = package.AutoExecutor(where, cluster=cluster, slurm_max_num_timeout=TIMEOUTS)
        own.update_parameters(**wishes)
    except (RuntimeError, NameError, TypeError, ValueError, AssertionError) as error:
        raise UserError(f"Slurm cannot be asked: {error}") from None

    def run(function: Callable[[Any], Any], arguments: Sequence[Any]) -> Generator[tuple[int, Any]]:
        utils = package.core.utils

        def submit(argument: Any) -> Any:
            try:
                return own.submit(_Requeueable(function), argument)
            except (utils.FailedJobError, utils.FailedSubmissionError) as error:
                raise UserError(f"Slurm refuses the job: {error}") from None

        waiting: dict[int, tuple[Any, int]] = {}
        try:
            for i, x in enumerate(arguments):
                waiting[i] = submit(x), 0
            while waiting:
                for i, (job, tries) in list(waiting.items()):
                    if not job.done():
                        continue
                    error = job.exception()
                    lost = error and not isinstance(error, utils.FailedJobError)
                    if lost and tries < RETRIES:
                        waiting[i] = submit(arguments[i]), tries + 1
                        continue
                    del waiting[i]
                    yield i, FailedCell(str(error)) if error else job.result()
                time.sleep(POLL)
        finally:
            for job, _ in waiting.values():
                job.cancel(check=False)

    return run


class _Requeueable:
    """A function that Slurm may cut off at its time limit, to be called again with the same."""

    def __init__(self, function: Callable[[Any], Any]):
        self._function, self._cut = function, False

    def __call__(self, argument: Any) -> Any:
        found = self._function(argument)
        if self._cut:  # the function has taken the end for an error; the next call has its result
            raise SystemExit
        return found

    def checkpoint(self, argument: Any) -> Any:
        """What submitit submits in place of what it cuts off."""
        self._cut = True
        again = _Requeueable(self._function)
        return import_optional("submitit", "slurm").helpers.DelayedSubmission(again, argument)


def _at_least_one(cpus: int) -> None:
    if cpus < 1:
        raise UserError(f"cpus={cpus}: expected 1 or more")


def _gpus(package: Any, cpus: int) -> int:
    """1 where a machine with so many CPUs has a GPU, too, else 0.

    Raises:
        UserError: no machine in the cluster has so many CPUs.
    """
    nodes = [n["Resources"] for n in package.nodes() if n["Alive"]]
    wide = [n for n in nodes if n.get("CPU", 0) >= cpus]
    if not wide:
        most = max((n.get("CPU", 0) for n in nodes), default=0)
        raise UserError(
            f"cpus={cpus}: expected {most:g} or fewer, the CPUs of the largest machine in the "
            "cluster"
        )
    return int(any(n.get("GPU", 0) >= 1 for n in wide))


def _got(package: Any, ref: Any) -> Any:
    try:
        return package.get(ref)
    except package.exceptions.RayError as error:
        return FailedCell(str(error))


def _pair(word: str) -> tuple[str, Any]:
    """name=value, the value a number where it reads as one."""
    name, equals, value = word.partition("=")
    if not (name and equals):
        raise UserError(f"{word!r}: expected name=value, such as timeout_min=600")
    return name, int(value) if value.lstrip("-").isdigit() else value
