"""Instances of an environment that serve many episodes at once, as numpy functions.

The state of an episode is a row of numbers. `SnapshotHost` keeps the whole state of the environment
in it: any instance can go on from it, so a few instances serve all episodes. `ReplayHost` keeps
seed and actions: the instance that took the last step goes on, and any other one has to repeat the
episode first.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from imitbench.envs.gymnasium.findings import Outcome


class Results(NamedTuple):
    """Arrays for the results of N episodes."""

    states: np.ndarray  # [N, W] uint32
    obs: np.ndarray  # [N, O] float32
    numbers: np.ndarray  # [N, 3] float32: reward, terminated, success


class Host(Protocol):
    """Serves many episodes at once."""

    words: int  # W, the length of a state

    def reset(self, seeds: np.ndarray, needed: np.ndarray, results: Results) -> None:
        """Starts episodes.

        Args:
            seeds: [N] uint32.
            needed: [N] bool; the results of the others stay as they are.
            results: for the results.
        """
        ...

    def step(
        self, states: np.ndarray, going: np.ndarray, actions: np.ndarray, results: Results
    ) -> None:
        """Steps episodes.

        Args:
            states: [N, W] uint32.
            going: [N] bool: not terminated; the results of the others stay as they are.
            actions: [N, A] in [-1, 1], or [N, 1] choices.
            results: for the results.
        """
        ...


def write(outcome: Outcome, i: int, results: Results) -> None:
    """Writes what one episode's step or reset returned.

    Args:
        outcome: it.
        i: the row of the episode.
        results: for the results.
    """
    results.obs[i] = outcome.obs
    results.numbers[i] = outcome.reward, outcome.terminated, outcome.success or 0.0
