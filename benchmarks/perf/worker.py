"""A peer in an interpreter of its own, which answers each line with the seconds that it took."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class Worker:
    """A process of `benchmarks/perf/<script>`, ready to be asked.

    Args:
        peer: its environment, `.venv/<peer>`.
        words: the script's arguments.
    """

    def __init__(self, peer: str, script: str, *words: str):
        python = Path(".venv") / peer / "bin" / "python"
        if not python.exists():
            raise SystemExit(f"{python} is not there: run `make peers`, and see what it says")
        self._peer, pipe = peer, subprocess.PIPE
        self._process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name(script)), *words],
            stdin=pipe,
            stdout=pipe,
            text=True,
            env=os.environ | {"TQDM_DISABLE": "1"},  # no bars between our lines
        )
        while self._line() != "ready":
            pass

    def seconds(self, question: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        self._process.communicate()

    def _line(self) -> str:
        """The next line that is one of the worker's own; peers log to the same stream."""
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            text = line.strip()
            if text == "ready" or text.replace(".", "", 1).replace("e-", "", 1).isdigit():
                return text
        raise SystemExit(f"{self._peer}'s process ended: see its message above")
