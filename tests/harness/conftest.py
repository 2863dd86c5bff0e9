"""A finished run of the toy suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from imitbench.harness import plan, run, ship, suite

TOY = str(Path(__file__).with_name("toy_suite.py"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """The toy suite, run straight through. Not to be changed by a test."""
    root = tmp_path_factory.mktemp("finished") / "toy"
    found = suite.load(TOY)
    jobs = plan.prepare("toy", "cpu", found.profiles["cpu"])
    assert run.run(jobs, root) == []
    ship.derive(root)
    return root
