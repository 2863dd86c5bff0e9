"""Signals that end a run: the first stops it after the next checkpoint, the second at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal requested the end of the run, and everything finished so far is on the disk.

    Args:
        number: the signal.
    """

    def __init__(self, number: int):
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.code = 128 + number  # the exit code that shells give to a process ended by a signal


class _Request:
    """The requested end of this process. Signals belong to the process, and so does this state."""

    number = 0  # the first signal that arrived; 0 for none
    deferrals = 0  # blocks of `defer_stop` that are open


@contextmanager
def catch_signals() -> Iterator[None]:
    """Handles SIGINT and SIGTERM while the block runs.

    Only the main thread of a process can handle signals; in another thread nothing changes.

    Raises:
        Stopped: a signal arrived.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _Request.number = 0
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    watcher = threading.Thread(target=_watch, args=(reader,), daemon=True)
    # Python calls a handler between two lines of the main thread, which can be minutes later while
    # a compiled program runs; the watcher reads the signal at once.
    old_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    old_handlers = [(s, signal.signal(s, _on_signal)) for s in SIGNALS if not is_ignored(s)]
    watcher.start()
    try:
        yield
    except Exception as error:
        # An exception of the handler inside a compiled program's callback arrives as another one.
        stop_if_requested(error)
        raise
    finally:
        for s, handler in old_handlers:
            signal.signal(s, handler)
        signal.set_wakeup_fd(old_fd)
        writer.close()  # ends the watcher
        watcher.join()
        reader.close()


def is_ignored(number: int) -> bool:
    """Returns whether this process ignores a signal, as background processes of shells do."""
    return signal.getsignal(number) is signal.SIG_IGN


def _watch(reader: socket.socket) -> None:
    count = 0
    while data := reader.recv(1):
        if data[0] not in SIGNALS:
            continue
        count += 1
        if count > 1:
            os._exit(128 + data[0])  # every file is written whole or not at all
        _Request.number = data[0]
        if _Request.deferrals:
            name = signal.Signals(data[0]).name
            print(
                f"imitbench: {name}: stopping at the next evaluation, which is kept; a second "
                "signal stops at once",
                file=sys.stderr,
                flush=True,
            )


def _on_signal(number: int, frame: FrameType | None) -> None:
    _Request.number = number
    if not _Request.deferrals:
        raise Stopped(number)


@contextmanager
def defer_stop() -> Iterator[None]:
    """Keeps a first signal from interrupting the block.

    Inside, `stop_if_requested` marks the places where the block may end.

    Raises:
        Stopped: a signal arrived while the outermost of such blocks ran.
    """
    _Request.deferrals += 1
    try:
        yield
    finally:
        _Request.deferrals -= 1
    if not _Request.deferrals:
        stop_if_requested()


def stop_if_requested(cause: Exception | None = None) -> None:
    """Ends the run if a signal arrived. Call it where everything finished so far is on the disk.

    Args:
        cause: the exception in whose place `Stopped` is raised, if any.

    Raises:
        Stopped: a signal arrived.
    """
    if _Request.number:
        raise Stopped(_Request.number) from cause
