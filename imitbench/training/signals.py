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
    """A signal asked for the end, and what had to be written is written."""

    def __init__(self, number: int):
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.code = 128 + number  # the exit code that shells give to a process ended by a signal


class _Asked:
    """What this process has been asked for; signals belong to the process, and so does this."""

    number = 0  # of the first signal; 0: none came
    held = 0  # blocks of `held` that are open


@contextmanager
def catch_signals() -> Iterator[None]:
    """Takes SIGINT and SIGTERM while the block runs. Only the main thread can; elsewhere nothing
    changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _Asked.number = 0
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    watcher = threading.Thread(target=_watch, args=(reader,), daemon=True)
    # The main thread meets a signal between two lines of Python, perhaps minutes later where a
    # compiled program runs; the watcher reads of it at once.
    old_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    old = [(s, signal.signal(s, _on_signal)) for s in SIGNALS if not ignored(s)]
    watcher.start()
    try:
        yield
    except Exception as error:
        stop_if_asked(
            error
        )  # what a handler raises inside a compiled program's callback comes out changed
        raise
    finally:
        for s, handler in old:
            signal.signal(s, handler)
        signal.set_wakeup_fd(old_fd)
        writer.close()  # ends the watcher
        watcher.join()
        reader.close()


def ignored(number: int) -> bool:
    """Whether this process was told to ignore the signal, as shells tell those in the
    background."""
    return signal.getsignal(number) is signal.SIG_IGN


def _watch(reader: socket.socket) -> None:
    came = 0
    while data := reader.recv(1):
        if data[0] not in SIGNALS:
            continue
        came += 1
        if came > 1:
            os._exit(128 + data[0])  # every file is written whole or not at all
        _Asked.number = data[0]
        if _Asked.held:
            name = signal.Signals(data[0]).name
            print(
                f"imitbench: {name}: stopping at the next evaluation, which is kept; once more "
                "stops at once",
                file=sys.stderr,
                flush=True,
            )


def _on_signal(number: int, frame: FrameType | None) -> None:
    _Asked.number = number
    if not _Asked.held:
        raise Stopped(number)


@contextmanager
def defer_stop() -> Iterator[None]:
    """A block that a first signal does not cut off; `check` inside says where it may end."""
    _Asked.held += 1
    try:
        yield
    finally:
        _Asked.held -= 1
    if not _Asked.held:
        stop_if_asked()


def stop_if_asked(cause: Exception | None = None) -> None:
    """Call where all that is done so far is on disk.

    Raises:
        Stopped: a signal has come.
    """
    if _Asked.number:
        raise Stopped(_Asked.number) from cause
