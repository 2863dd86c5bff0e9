"""Offline GCSL: GCSL's supervised updates on fixed data.

Source: Ghosh et al. 2021 (arXiv:1912.06088), algorithm 1 without its collection. Yang et al. 2022
(arXiv:2202.04478) compare WGCSL with this.

Different from the source: observations are normalised and clipped. An action of the data that is
not on the grid counts as the level in whose third of the range it lies.

Use it when data hold whole episodes and reach many goals, as the baseline of WGCSL, and to compare
with online `gcsl`.

Sensitive to: how directly the data go to what they reach (detours are cloned), `head` (three levels
for each component of the action, as in the official code, are coarse), and `steps_left`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imitbench.algos.goal import goal_clone
from imitbench.core.types import Algorithm, Spec


@dataclass(frozen=True)
class Config(goal_clone.GridConfig):
    """Settings of offline GCSL: those of BC with GCSL's defaults, and two more."""

    lr: float = 5e-4
    """Adam's learning rate."""
    batch: int = 256
    """Rows of a minibatch."""
    hidden: tuple[int, ...] = (400, 300)
    """Widths of the hidden layers."""
    draws: Literal["rows", "pairs"] = "pairs"
    """rows: rows are drawn equally often, then one of the goals that follow. pairs: all pairs of a
    row and a goal are equally likely, so that early rows are drawn more often."""


def make(config: Config, spec: Spec) -> Algorithm:
    """Offline GCSL on the demonstrations. State: `supervised.State`."""
    return goal_clone.make(config, spec, "offline_gcsl", full_range=True)
