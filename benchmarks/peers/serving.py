"""The side of a peer's process: it learns and acts as it is told on standard input.

Its standard output carries the answers alone; what the peer prints goes to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Protocol

import messages
import numpy as np


class Learner(Protocol):
    """A peer's method."""

    def train(self, steps: int) -> None:
        """Spends so many gradient steps on fixed data, or environment steps."""
        ...

    def act(self, obs: np.ndarray) -> np.ndarray:
        """Actions [B, A] in [-1, 1] without noise, for observations [B, O]."""
        ...


Make = Callable[[dict[str, Any], dict[str, np.ndarray]], Learner]
"""Makes the learner of a seed from the words and arrays of the message "begin"."""


def serve(package: str, make: Make) -> None:
    """Answers messages until the input ends.

    Args:
        package: the name of the peer's package, whose version is told first.
        make: makes a learner.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the peer prints
    messages.send(answers, {"version": version(package)})
    learner: Learner | None = None
    while message := messages.receive(sys.stdin.buffer):
        words, arrays = message
        if words["do"] == "begin":
            learner = make(words, arrays)
            messages.send(answers, {})
            continue
        assert learner is not None
        if words["do"] == "train":
            learner.train(words["steps"])
            messages.send(answers, {})
        else:
            action = np.asarray(learner.act(arrays["obs"]), np.float32)
            messages.send(answers, {}, action=action)
