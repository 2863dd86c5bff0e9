"""Tasks on a Ray cluster."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from imitbench.runs.executors.base import POLL_SECONDS, RETRIES, Executor, FailedCell, check_cpus
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line
from imitbench.utils.machine import import_optional


def ray(address: str | None = None, cpus: int = 1) -> Executor:
    """Makes an executor that runs tasks on a Ray cluster.

    Each task has its own process, its CPUs, and a GPU where the cluster has one.

    Args:
        address: the address of a running cluster, as `ray.init` takes it; "auto" is the cluster
            that runs on this machine. None: the address in RAY_ADDRESS, or else a cluster that is
            started on this machine and ends with the run.
        cpus: how many CPUs each task requests.

    Returns:
        The executor.

    Raises:
        UserError: Ray is not installed, or `cpus` is below 1.
    """
    package = import_optional("ray", "ray")
    check_cpus(cpus)
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    return functools.partial(_run_on_ray, package, address, cpus)


def _run_on_ray(
    package: Any,
    address: str,
    cpus: int,
    function: Callable[[Any], Any],
    arguments: Sequence[Any],
) -> Generator[tuple[int, Any]]:
    on_term = signal.getsignal(signal.SIGTERM)
    _connect(package, address)
    try:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_term)  # Ray has replaced the handler
        resources = {"num_cpus": cpus, "num_gpus": _count_gpus(package, cpus)}
        remote = package.remote(**resources, max_retries=RETRIES, max_calls=1)(function)
        waiting = {remote.remote(x): i for i, x in enumerate(arguments)}
        while waiting:
            for ref in package.wait(list(waiting), timeout=POLL_SECONDS)[0]:
                yield waiting.pop(ref), _ray_result(package, ref)
    finally:
        package.shutdown()


def _connect(package: Any, address: str) -> None:
    """Connects this process to a Ray cluster, or starts one (`local`)."""
    # A cluster that is started here reports no usage statistics.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    dashboard = False if address == "local" else None
    try:
        with warnings.catch_warnings(), _without_variable("RAY_ADDRESS"):
            # JAX warns of forks in a process with threads; Ray's start another program at once.
            warnings.simplefilter("ignore", RuntimeWarning)
            package.init(address=address, include_dashboard=dashboard, logging_level="warning")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(
            f"no Ray cluster at {address!r}: {one_line(error)}; start one with "
            "`ray start --head`, or leave --address out"
        ) from None


@contextlib.contextmanager
def _without_variable(name: str) -> Iterator[None]:
    """Hides an environment variable; `ray.init` prefers RAY_ADDRESS to the address "auto"."""
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


def _count_gpus(package: Any, cpus: int) -> int:
    """1 where a machine with so many CPUs has a GPU, else 0.

    Raises:
        UserError: no machine in the cluster has so many CPUs.
    """
    nodes = [node["Resources"] for node in package.nodes() if node["Alive"]]
    large = [node for node in nodes if node.get("CPU", 0) >= cpus]
    if not large:
        most = max((node.get("CPU", 0) for node in nodes), default=0)
        raise UserError(
            f"cpus={cpus}: expected {most:g} or fewer, the CPUs of the largest machine in the "
            "cluster"
        )
    return int(any(node.get("GPU", 0) >= 1 for node in large))


def _ray_result(package: Any, ref: Any) -> Any:
    try:
        return package.get(ref)
    except package.exceptions.RayError as error:
        return FailedCell(str(error))
