"""Where work is done when it is not done here: on a Ray cluster, or by Slurm.

Each executor takes a function and its arguments, which must be pickled by name, and gives the
results as they come. A worker that dies is replaced.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from imitbench.core.checked import line
from imitbench.core.host import optional
from imitbench.core.types import UserError
from imitbench.harness import stopping

RETRIES = 3  # after the first try, for each argument
POLL = 2.0  # s


class Failed(NamedTuple):
    """In place of a result."""

    reason: str


class Executor(Protocol):
    def __call__(
        self, function: Callable[[Any], Any], arguments: Sequence[Any]
    ) -> Generator[tuple[int, Any | Failed]]:
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
    package = optional("ray", "ray")
    _at_least_one(cpus)
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    options = {"address": where, "include_dashboard": False if where == "local" else None}

    def run(function: Callable[[Any], Any], arguments: Sequence[Any]) -> Generator[tuple[int, Any]]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster started here tells nobody
        try:
            with warnings.catch_warnings():
                # JAX warns of forks in a process with threads; Ray's start another program at once.
                warnings.simplefilter("ignore", RuntimeWarning)
                package.init(**options, logging_level="warning")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UserError(
                f"no Ray cluster at {where!r}: {line(error)}; start one with `ray start --head` "
                "or leave --address out"
            ) from None
        try:
            with stopping.listening():  # Ray has put a handler of its own in the place of ours
                most = {k: _most(package, k) for k in ("CPU", "GPU")}
                if cpus > most["CPU"]:
                    raise UserError(
                        f"cpus={cpus}: expected {most['CPU']:g} or fewer, the CPUs of the largest "
                        "machine in the cluster"
                    )
                gpus = min(most["GPU"], 1)
                own = package.remote(
                    num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES, max_calls=1
                )(function)
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
    package = optional("submitit", "slurm")
    _at_least_one(cpus)
    wishes = {"name": "imitbench", "cpus_per_task": cpus, "timeout_min": 24 * 60}
    wishes |= dict(map(_pair, parameters))
    try:
        own = package.AutoExecutor(folder=folder.absolute() / "%j", cluster=cluster)
        own.update_parameters(**wishes)
    except (RuntimeError, NameError, TypeError, ValueError, AssertionError) as error:
        raise UserError(f"Slurm cannot be asked: {error}") from None

    def run(function: Callable[[Any], Any], arguments: Sequence[Any]) -> Generator[tuple[int, Any]]:
        again = _Again(function)
        waiting = {i: (own.submit(again, x), 0) for i, x in enumerate(arguments)}
        try:
            while waiting:
                for i, (job, tries) in list(waiting.items()):
                    if not job.done():
                        continue
                    error = job.exception()
                    lost = error and not isinstance(error, package.core.utils.FailedJobError)
                    if lost and tries < RETRIES:
                        waiting[i] = own.submit(again, arguments[i]), tries + 1
                        continue
                    del waiting[i]
                    yield i, Failed(str(error)) if error else job.result()
                time.sleep(POLL)
        finally:
            for job, _ in waiting.values():
                job.cancel()

    return run


class _Again:
    """A function that Slurm may cut off at its time limit, to be called again with the same."""

    def __init__(self, function: Callable[[Any], Any]):
        self._function = function

    def __call__(self, argument: Any) -> Any:
        return self._function(argument)

    def checkpoint(self, argument: Any) -> Any:
        """What submitit submits in place of what it cuts off."""
        return optional("submitit", "slurm").helpers.DelayedSubmission(self, argument)


def _at_least_one(cpus: int) -> None:
    if cpus < 1:
        raise UserError(f"cpus={cpus}: expected 1 or more")


def _most(package: Any, resource: str) -> float:
    """What the machine with the most of it has."""
    return max(n["Resources"].get(resource, 0) for n in package.nodes() if n["Alive"])


def _got(package: Any, ref: Any) -> Any:
    try:
        return package.get(ref)
    except package.exceptions.RayError as error:
        return Failed(str(error))


def _pair(word: str) -> tuple[str, Any]:
    """name=value, the value a number where it reads as one."""
    name, equals, value = word.partition("=")
    if not (name and equals):
        raise UserError(f"{word!r}: expected name=value, such as timeout_min=600")
    return name, int(value) if value.lstrip("-").isdigit() else value
