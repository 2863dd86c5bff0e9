"""A peer's process, as ours sees it; `serving.py` is the other side."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import messages


class Peer:
    """A peer's process.

    Args:
        script: the process, a script in this folder.
        python: its interpreter.
    """

    def __init__(self, script: Path, python: str):
        if not Path(python).exists():
            raise SystemExit(f"{python} is not there: run `make peers`, and see what it says")
        self._process = subprocess.Popen(
            [python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.version: str = self._answer().words["version"]

    def ask(self, do: str, words: Mapping[str, Any] = {}, **arrays: np.ndarray) -> messages.Message:
        """Sends a message and waits for the answer."""
        assert self._process.stdin is not None
        messages.send(self._process.stdin, {"do": do, **words}, **arrays)  # type: ignore[arg-type]
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def _answer(self) -> messages.Message:
        assert self._process.stdout is not None
        answer = messages.receive(self._process.stdout)  # type: ignore[arg-type]
        if answer is None:
            self.close()
            raise SystemExit("the peer's process ended: see its message above")
        return answer
