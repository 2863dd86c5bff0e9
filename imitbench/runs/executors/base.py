"""The interface of executors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, Protocol

from imitbench.utils.errors import UserError

RETRIES = 3  # after the first try, for each argument
POLL_SECONDS = 2.0


class FailedCell(NamedTuple):
    """A cell that failed, and why."""

    reason: str


class Executor(Protocol):
    """Runs a function on workers."""

    def __call__(
        self, function: Callable[[Any], Any], arguments: Sequence[Any]
    ) -> Generator[tuple[int, Any | FailedCell]]:
        """Runs the function on each argument.

        Args:
            function: a function of a module, so that workers can import it.
            arguments: the arguments; each is a task of its own.

        Yields:
            The index of an argument and the function's result, in the order in which they finish.
            Leaving the iteration cancels the unfinished tasks.

        Raises:
            UserError: there are no workers; it is raised before any work.
        """
        ...


def check_cpus(cpus: int) -> None:
    """Checks the number of CPUs that a task requests.

    Args:
        cpus: the number.

    Raises:
        UserError: it is below 1.
    """
    if cpus < 1:
        raise UserError(f"cpus={cpus}: expected 1 or more")
