"""The rows of peers: which package learns what, beside which cell of ours.

A peer has the seeds, demonstrations, budget, evaluations and initial states of the cell that it
stands beside. Its settings are those below; what is not named has the peer's default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PeerRow:
    """A method of a peer in the table of a suite."""

    suite: str
    """The suite's name."""
    task: str
    """The task's name."""
    demos: int
    """Demonstrated episodes of each training seed."""
    beside: str
    """The label of our cell."""
    name: str
    """The label of the row: the package and the method."""
    package: str
    """d3rlpy, imitation or stable_baselines: its process is `<package>_worker.py`."""
    method: str
    """The package's method, as the process knows it."""
    grade: str = "expert"
    """The grade of the demonstrations."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings that are not the package's defaults, and sizes."""
    grad_steps: int | None = None
    """Gradient steps for each update of our cell; None: as many as ours."""


WIDE = {"hidden": [256, 256]}
OFFLINE = ("offline", "HalfCheetah", 25)
MEDIUM = "stochastic-medium"
ROWS = (
    PeerRow(*OFFLINE, "bc", "d3rlpy-bc", "d3rlpy", "bc", MEDIUM, WIDE | {"batch_size": 256}),
    PeerRow(*OFFLINE, "td3_bc", "d3rlpy-td3_bc", "d3rlpy", "td3_bc", MEDIUM, WIDE),
    PeerRow(*OFFLINE, "iql", "d3rlpy-iql", "d3rlpy", "iql", MEDIUM, WIDE),
    PeerRow(
        "gail", "Hopper", 4, "gail", "imitation-gail", "imitation", "gail",
        settings={"envs": 8, "length": 256, "demo_batch": 128, "discriminator_steps": 8},
        grad_steps=328,  # 10 passes of 32 minibatches, and the discriminator's 8
    ),
    PeerRow(
        "learners", "HalfCheetah", 0, "sac", "sb3-sac", "stable_baselines", "sac",
        settings={"learning_starts": 10_000, "target_entropy_per_action": -0.5},
    ),
)  # fmt: skip
