"""Signals: where they stop a process, and its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from imitbench.training import signals


def test_signal_outside_of_training_stops_at_once():
    with pytest.raises(signals.Stopped) as stop, signals.catch_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        pytest.fail("the block went on")
    assert stop.value.code == 143
    before = signal.getsignal(signal.SIGTERM)
    with signals.catch_signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    signals.stop_if_requested()  # no signal arrived since


def test_second_signal_kills_at_once():
    program = (
        "import time\nfrom imitbench.training import signals\n"
        "with signals.catch_signals(), signals.defer_stop():\n"
        "    print('ready', flush=True)\n    time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert "a second signal stops at once" in process.stderr.readline()
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 143
    process.stdout.close()
    process.stderr.close()
