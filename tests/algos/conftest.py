"""Looking into gradient steps."""

from __future__ import annotations

from typing import Any

import pytest

from imitbench.core import ops


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The arguments of every gradient step: loss, opt, params, opt_state, and the loss's own."""
    calls: list[Any] = []

    def spy(*args, real=ops.gradient_step):
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(ops, "gradient_step", spy)
    return calls
